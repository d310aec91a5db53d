import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSigner, emptySha256 } from '../../../../src/cdn/aws/sign.ts';
import { systemClock } from '../../../../src/kernel/clock.ts';

/** A real S3 server of its own, on 127.0.0.1, in a folder for temporary files. */
export interface S3Server {
  readonly name: string;
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  makeBucket(name: string): Promise<void>;
  /** Ends it and takes its folder away. */
  stop(): Promise<void>;
}

export type S3Address = Omit<S3Server, 'makeBucket' | 'stop'>;

/** What `openStore` reads from the environment to log in there. */
export function environmentOf(server: S3Address): Record<string, string> {
  return { AWS_ACCESS_KEY_ID: server.accessKeyId, AWS_SECRET_ACCESS_KEY: server.secretAccessKey };
}

export async function makeBucket(server: S3Address, name: string): Promise<void> {
  const { accessKeyId, secretAccessKey, region, endpoint } = server;
  const sign = createSigner({
    keys: async () => ({ accessKeyId, secretAccessKey }),
    region,
    service: 's3',
    clock: systemClock,
  });
  const { host } = new URL(endpoint);
  const path = `/${name}`;
  const headers = await sign({ method: 'PUT', host, path, query: {}, headers: {}, sha256: emptySha256 });
  const answer = await fetch(`${endpoint}${path}`, { method: 'PUT', headers });
  if (!answer.ok) throw new Error(`${server.name}: bucket ${name}: ${answer.status} ${await answer.text()}`);
}

/** Starts a server that ends with the process that started it, however that ends. */
export function startTied(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  return spawn('setpriv', ['--pdeathsig', 'KILL', programPath(program), ...args], options);
}

/** Resolves once anything is answered there. */
export async function untilAnswers(endpoint: string, child: ChildProcess, log: () => string): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answered = await fetch(endpoint).then(
      (answer) => answer.arrayBuffer().then(() => true),
      () => false,
    );
    if (answered) return;
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      throw new Error(`${child.spawnargs[3]} does not answer at ${endpoint}:\n${log()}`);
    }
    await sleep(25);
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** @returns once it is gone. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

/** Path of a program that scripts/setup brings. */
export function programPath(name: string): string {
  const folders = [
    join(import.meta.dirname, '../../../../.bed/tools/bin'),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  const found = folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
  if (found === undefined) throw new Error(`${name} is missing: scripts/setup stores`);
  return found;
}

/** Runs a program to its end; its output is in the error if it fails. */
export function runTool(program: string, args: readonly string[], env?: Record<string, string>): string {
  return execFileSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
}
