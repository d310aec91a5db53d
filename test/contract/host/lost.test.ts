import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Host } from '../../../src/host/model.ts';
import { UserError } from '../../../src/kernel/errors.ts';
import { failure, kill, type Sshd, startSshd } from '../../support/host/sshd.ts';

// The connection breaks while all kinds of things are under way: each fails, with one and the same reason.

let sshd: Sshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd[Symbol.asyncDispose]());

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const cuts: readonly [string, (host: Host) => Promise<void>][] = [
  [
    'the session’s sshd is killed',
    async () => {
      for (const pid of sshd.sessions()) kill(pid);
    },
  ],
  [
    'the session’s sshd is told to end',
    async () => {
      for (const pid of sshd.sessions()) kill(pid, 'SIGTERM');
    },
  ],
];

describe.each(cuts)('%s', (_, cut) => {
  test('everything under way fails with host.connection-lost, the lost signal’s reason', async () => {
    const listener = createServer((socket) => socket.on('error', () => {}));
    const path = join(sshd.folder, `listener-${Math.random()}.sock`);
    await new Promise<void>((resolve) => listener.listen(path, resolve));
    await using host = await sshd.connect();
    await host.engine.ping();
    const dialogue = await host.dialogue(['cat']);
    const socket = await host.unixSocket(path);
    const socketEnd = new Promise<unknown>((resolve) => socket.once('error', resolve));
    const attempts = [
      failure(host.script('sleep 60')),
      failure(host.exec(['sleep', '60'])),
      // It reads for a while and then goes on: however fast the machine, it has not ended when the connection does.
      failure(host.exec(['sh', '-c', 'cat >/dev/null; sleep 60'], { stdin: Buffer.alloc(20_000_000) })),
      failure(engineStream(host)),
      // More than eight at once: some of these have not even begun.
      ...Array.from({ length: 10 }, () => failure(host.script('sleep 60'))),
    ];
    expect(await dialogue.ask('hello')).toBe('hello');
    const question = failure(silent(host));
    await pause(300);
    await cut(host);
    const errors = await Promise.all([...attempts, question]);
    expect(errors.map((error) => error.code)).toEqual(errors.map(() => 'host.connection-lost'));
    expect(await socketEnd).toBe(host.lost.reason);
    expect(host.lost.aborted).toBe(true);
    expect(host.lost.reason).toBeInstanceOf(UserError);
    expect((await failure(dialogue.ask('still there?'))).code).toBe('host.connection-lost');
    await dialogue.closed;
    const later = [
      host.script('true'),
      host.dialogue(['cat']),
      host.unixSocket(path),
      host.tcp('127.0.0.1', 1),
      host.engine.ping(),
    ];
    for (const attempt of later) expect((await failure(attempt)).code).toBe('host.connection-lost');
    listener.close();
  });
});

/** A stream of the engine that never says anything. */
async function engineStream(host: Host): Promise<never> {
  const events = await host.engine.getEvents({ filters: { label: ['sluice.none'] } });
  await once(events.resume(), 'close').catch(() => {});
  // Node gives such a stream an error of its own ("aborted"); what happened is in `lost`.
  throw host.lost.reason;
}

/** A dialogue whose program does not answer. */
async function silent(host: Host): Promise<string> {
  const dialogue = await host.dialogue(['sleep', '60']);
  return await dialogue.ask('anybody?');
}

test('a host that no longer answers is given up after three unanswered questions', async () => {
  const host = await sshd.connect({}, { keepaliveMs: 150 });
  const pending = failure(host.script('sleep 60'));
  await pause(300);
  const frozen = sshd.sessions();
  for (const pid of frozen) kill(pid, 'SIGSTOP');
  const error = await pending;
  expect(error.code).toBe('host.connection-lost');
  expect(error.message).toContain('no longer responds');
  for (const pid of frozen) kill(pid, 'SIGCONT');
  await host.close();
});

test('one that only runs something long is not', async () => {
  await using host = await sshd.connect({}, { keepaliveMs: 100 });
  expect((await host.script('sleep 1.5; echo done')).stdout).toBe('done\n');
});

test('closing is not losing, and takes open sockets along', async () => {
  const host = await sshd.connect();
  const listener = createServer((socket) => socket.on('error', () => {}));
  const path = join(sshd.folder, 'closing.sock');
  await new Promise<void>((resolve) => listener.listen(path, resolve));
  const socket = await host.unixSocket(path);
  const ended = new Promise<unknown>((resolve) => socket.once('error', resolve));
  await host.close();
  expect(((await ended) as UserError).code).toBe('host.closed');
  expect(host.lost.aborted).toBe(false);
  listener.close();
});

test('a process that has closed its hosts ends by itself', async () => {
  const program = fileURLToPath(new URL('../../support/host/once.ts', import.meta.url));
  const config = JSON.stringify(await sshd.config());
  const child = spawn(process.execPath, [program], {
    env: { PATH: process.env.PATH, CONFIG: config, SLUICE_SSH_KEY_FILE: sshd.loginKey },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(code).toBe(0);
  expect(out).toBe('hello\nclosed\n');
});
