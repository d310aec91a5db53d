import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { carriedReference } from '../../../src/config/images/transferred.ts';
import { type Layout, layoutOf } from '../../../src/deploy/model.ts';
import { sha256 } from '../../../src/deploy/transfer/layers.ts';
import { openCargo } from '../../../src/deploy/transfer/transfer.ts';
import type { Host } from '../../../src/host/model.ts';
import type { CarriedRecord } from '../../../src/report/model.ts';
import { command, must } from '../../bed/command.ts';
import type { TestEngine } from '../build/engine.ts';
import { startSshd } from '../host/sshd.ts';

export type Store = 'containerd' | 'graphdriver';

/** A host of its own: an sshd whose docker is a test engine, and a folder for the app. */
export interface CarryHost extends AsyncDisposable {
  readonly host: Host;
  readonly layout: Layout;
  /** Ends the connections, as a network does. */
  cut(): void;
  /** A new connection to the same machine. */
  again(): Promise<Host>;
  /** Bytes that have arrived of layers that are not whole yet. */
  arriving(): number;
  docker(...args: readonly string[]): Promise<string>;
}

export async function startCarryHost(engine: TestEngine, app = 'shop'): Promise<CarryHost> {
  const sshd = await startSshd({
    config: ['PermitUserEnvironment yes'],
    authorized: (key) => `environment="DOCKER_HOST=${engine.socket}" ${key}`,
  });
  const connect = () => sshd.connect({}, { engineSocket: engine.socket.replace('unix://', '') });
  const host = await connect();
  const layout = layoutOf(join(sshd.folder, 'apps'), app);
  mkdirSync(layout.app, { recursive: true });
  const hosts = [host];
  return {
    host,
    layout,
    cut: () => {
      for (const pid of sshd.sessions()) process.kill(pid, 'SIGKILL');
    },
    again: async () => {
      const next = await connect();
      hosts.push(next);
      return next;
    },
    arriving: () => {
      const parts = join(layout.incoming, 'parts');
      try {
        return readdirSync(parts).reduce((sum, name) => sum + statSync(join(parts, name)).size, 0);
      } catch {
        return 0;
      }
    },
    docker: (...args) => must(['docker', '--host', engine.socket, ...args]),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(hosts.map((item) => item.close().catch(() => {})));
      await sshd[Symbol.asyncDispose]();
    },
  };
}

/** Carries images from an engine to a host, as the transfer of a deploy does. */
export async function carry(
  from: TestEngine,
  { host, layout }: Pick<CarryHost, 'host' | 'layout'>,
  references: readonly string[],
  options: {
    readonly signal?: AbortSignal;
    readonly note?: (text: string) => void;
    /** The host has been looked at, and nothing has been sent. */
    readonly beforeSending?: () => Promise<void>;
  } = {},
): Promise<CarriedRecord> {
  const { signal = new AbortController().signal } = options;
  const env = { ...process.env, DOCKER_HOST: from.socket };
  const recipient = { host, layout, references };
  await using cargo = await openCargo([recipient], { env, signal });
  await options.beforeSending?.();
  return await cargo.carry(recipient, { signal, note: options.note ?? (() => {}), detail: () => {} });
}

/** An image of two layers that cannot be compressed: one that stays, and the code. */
export interface TestImage {
  readonly reference: string;
  /** SHA-256 of its file /code. */
  readonly code: string;
}

export interface ImageSource extends Disposable {
  /** Builds in an engine, with new code. */
  build(engine: TestEngine, codeBytes: number): Promise<TestImage>;
}

export function imageSource(name: string, steadyBytes: number): ImageSource {
  const folder = mkdtempSync('/tmp/carry-contract-');
  writeFileSync(join(folder, 'steady'), randomBytes(steadyBytes));
  writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY steady /\nCOPY code /\nCMD ["/code"]\n');
  return {
    build: async (engine, codeBytes) => {
      const code = randomBytes(codeBytes);
      writeFileSync(join(folder, 'code'), code);
      const repository = `localhost/shop/${name}`;
      const argv = ['docker', '--host', engine.socket];
      const flags = ['--quiet', '--provenance=false', '--tag', `${repository}:built`];
      // What it prints is the digest of the configuration, in both stores.
      const config = (await must([...argv, 'buildx', 'build', ...flags, folder])).trim();
      const reference = carriedReference(repository, config);
      await must([...argv, 'tag', `${repository}:built`, reference]);
      return { reference, code: sha256(code) };
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Takes the image apart in the host's engine: all of it must be there. @returns SHA-256 of /code. */
export async function codeOf(engine: TestEngine, reference: string): Promise<string> {
  const folder = mkdtempSync('/tmp/carry-contract-out-');
  const docker = ['docker', '--host', engine.socket];
  try {
    // Of an image that lacks a layer this fails, or gives less.
    await must([...docker, 'save', '--output', join(folder, 'image.tar'), reference]);
    const id = (await must([...docker, 'create', reference])).trim();
    await must([...docker, 'cp', `${id}:/code`, join(folder, 'code')]);
    await must([...docker, 'rm', id]);
    return sha256(readFileSync(join(folder, 'code')));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function tagsOf(engine: TestEngine, repository: string): Promise<string[]> {
  const { stdout } = await command([
    ...['docker', '--host', engine.socket, 'image', 'ls'],
    ...['--format', '{{.Tag}}', `localhost/shop/${repository}`],
  ]);
  return stdout.split('\n').filter((tag) => tag !== '');
}
