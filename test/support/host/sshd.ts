import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { HostConfig } from '../../../src/config/model.ts';
import type { Host } from '../../../src/host/model.ts';
import { type ConnectOptions, connectHost } from '../../../src/host/ssh/connect.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { UserError } from '../../../src/kernel/errors.ts';
import { createLog } from '../../../src/kernel/log.ts';
import { createMask } from '../../../src/kernel/masking/mask.ts';

const sshdPath = '/usr/sbin/sshd';

export interface SshdOptions {
  /** Lines of sshd_config, before the helper's own: sshd takes the first value of a keyword. */
  readonly config?: readonly string[];
  /** Host keys to make; default only ed25519. */
  readonly hostKeys?: readonly ('ed25519' | 'ecdsa' | 'rsa')[];
  /** Files in the home that logins see, such as `.bashrc`. */
  readonly home?: Readonly<Record<string, string>>;
  /** Text of authorized_keys; default: the login key. */
  readonly authorized?: (loginKey: string) => string;
}

/** A real sshd of its own, on 127.0.0.1, for the user that runs the tests. */
export interface Sshd extends AsyncDisposable {
  readonly port: number;
  readonly folder: string;
  /** Path of the private key that may log in. */
  readonly loginKey: string;
  readonly pid: number;
  /** `ssh-ed25519 AAAA…` */
  hostKey(type?: string): Promise<string>;
  fingerprint(type?: string): string;
  config(changes?: Partial<HostConfig>): Promise<HostConfig>;
  connect(changes?: Partial<HostConfig>, options?: Partial<ConnectOptions>): Promise<Host>;
  /** Process ids of the connections: sshd forks one for each. */
  sessions(): readonly number[];
  /** What sshd has written to its log so far. */
  log(): string;
}

/** Starts an sshd with keys and configuration of its own. Fails if there is no sshd: `apt-get install openssh-server`. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  if (!existsSync(sshdPath)) throw new Error(`${sshdPath} is missing: apt-get install openssh-server`);
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), 'sluice-sshd-'));
  const types = options.hostKeys ?? ['ed25519'];
  for (const type of types) keygen('-t', type, '-f', join(folder, `host_${type}`));
  const loginKey = join(folder, 'login');
  keygen('-t', 'ed25519', '-f', loginKey);
  const line = (await readFile(`${loginKey}.pub`, 'utf8')).trim();
  await writeFile(join(folder, 'authorized_keys'), `${options.authorized?.(line) ?? line}\n`);
  const home = join(folder, 'home');
  await mkdir(home);
  for (const [name, text] of Object.entries(options.home ?? {})) await writeFile(join(home, name), text);
  const port = await freePort();
  const config = [
    ...(options.config ?? []),
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    ...types.map((type) => `HostKey ${join(folder, `host_${type}`)}`),
    'PidFile none',
    `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
    'StrictModes no',
    'UsePAM no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'LogLevel VERBOSE',
    // The start-up files of whoever runs the tests are not under test.
    `SetEnv HOME=${home}`,
  ];
  const file = join(folder, 'sshd_config');
  await writeFile(file, `${config.join('\n')}\n`);
  const child = spawn(sshdPath, ['-D', '-e', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  // A test process that is ended in the middle must not leave it behind.
  const onExit = () => child.kill('SIGKILL');
  process.once('exit', onExit);
  child.once('exit', () => process.off('exit', onExit));
  const sshd = describe(child, port, folder, loginKey);
  await listening(port, child, () => sshd.log());
  return sshd;
}

function describe(child: ChildProcess, port: number, folder: string, loginKey: string): Sshd {
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const hostKey = async (type = 'ed25519') => {
    const text = await readFile(join(folder, `host_${type}.pub`), 'utf8');
    return text.split(' ').slice(0, 2).join(' ').trim();
  };
  const config = async (changes: Partial<HostConfig> = {}): Promise<HostConfig> => {
    const user = userInfo().username;
    return {
      name: `${user}@127.0.0.1:${port}`,
      user,
      address: '127.0.0.1',
      port,
      services: undefined,
      env: {},
      hostKey: await hostKey(),
      jump: undefined,
      root: join(folder, 'apps'),
      ...changes,
    };
  };
  const sshd: Sshd = {
    port,
    folder,
    loginKey,
    pid: child.pid ?? 0,
    hostKey,
    fingerprint: (type = 'ed25519') =>
      execFileSync('ssh-keygen', ['-lf', join(folder, `host_${type}.pub`)], { encoding: 'utf8' }).split(
        ' ',
      )[1] ?? '',
    config,
    connect: async (changes, options) =>
      connectHost(await config(changes), {
        ...effects(),
        env: { SLUICE_SSH_KEY_FILE: loginKey, HOME: folder },
        ...options,
      }),
    sessions: () => childrenOf(child.pid ?? 0),
    log: () => log,
    [Symbol.asyncDispose]: async () => {
      for (const pid of sshd.sessions()) kill(pid);
      child.kill('SIGKILL');
      await new Promise((resolve) =>
        child.exitCode !== null || child.signalCode !== null
          ? resolve(undefined)
          : child.once('exit', resolve),
      );
      await rm(folder, { recursive: true, force: true });
    },
  };
  return sshd;
}

/** What connectHost() needs besides keys; the log's lines are kept in `lines`. */
export function effects(lines: string[] = []) {
  const mask = createMask();
  const log = createLog({
    mode: 'plain',
    verbose: true,
    colour: false,
    clock: systemClock,
    mask,
    write: (text) => lines.push(text),
  });
  return { log, clock: systemClock };
}

export function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}

export function keygen(...args: string[]): void {
  execFileSync('ssh-keygen', ['-q', '-N', '', ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** The user's error that an attempt ends with; anything else fails the test. */
export async function failure(attempt: Promise<unknown>): Promise<UserError> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('it succeeded');
}

/** Ids of the live processes whose environment holds a text; they must be ours. */
export function processesWith(text: string): number[] {
  const found = spawnText('sh', ['-c', 'grep -alsF -- "$1" /proc/[0-9]*/environ', 'sh', text]);
  return [...found.matchAll(/\/proc\/(\d+)\//g)]
    .map((match) => Number(match[1]))
    .filter((pid) => pid !== process.pid);
}

function childrenOf(pid: number): number[] {
  return spawnText('pgrep', ['-P', String(pid)])
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);
}

function spawnText(program: string, args: readonly string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch (error) {
    return String((error as { stdout?: string }).stdout ?? '');
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function listening(port: number, child: ChildProcess, log: () => string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`sshd ended: ${log()}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.once('data', () => resolve(true)).once('error', () => resolve(false));
      socket.once('data', () => socket.destroy());
    });
    if (open) return;
    await systemClock.sleep(25);
  }
  throw new Error(`sshd does not listen: ${log()}`);
}
