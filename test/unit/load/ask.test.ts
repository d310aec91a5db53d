import { once } from 'node:events';
import { Agent, createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { ask, Unanswered } from '../../bed/load/ask.ts';

const question = { path: '/', agent: false, wanted: 200, timeoutMs: 2000 } as const;

async function served(
  listener: RequestListener,
): Promise<AsyncDisposable & { url: string; asked: () => number }> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function failure(url: string, more: Partial<Parameters<typeof ask>[1]> = {}): Promise<Unanswered> {
  const error = await ask(url, { ...question, ...more }).catch((reason: unknown) => reason);
  if (!(error instanceof Unanswered)) throw new Error(`no failure, but ${JSON.stringify(error)}`);
  return error;
}

test('a good answer carries its version', async () => {
  await using server = await served((_, response) => response.setHeader('X-Version', 'v7').end('fine'));
  expect(await ask(server.url, question)).toMatchObject({ version: 'v7' });
});

test.each([
  [502, '502'],
  [503, '503'],
  [504, '504'],
  [500, '5xx'],
  [429, 'status'],
])('the answer %i is a failure of the kind %s', async (status, kind) => {
  await using server = await served((_, response) =>
    response.writeHead(status, { 'X-Version': 'v4' }).end('no'),
  );
  expect(await failure(server.url)).toMatchObject({ kind, version: 'v4' });
});

test('a connection that is closed before the answer is a reset, and is not tried again', async () => {
  await using server = await served((request) => void request.socket.resetAndDestroy());
  expect(await failure(server.url)).toMatchObject({ kind: 'reset' });
  expect(server.asked()).toBe(1);
});

test('also a kept connection is not tried again', async () => {
  await using server = await served((request, response) => {
    if (server.asked() === 1) response.end('fine');
    else request.socket.resetAndDestroy();
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  await ask(server.url, { ...question, agent });
  expect(await failure(server.url, { agent })).toMatchObject({ kind: 'reset' });
  expect(server.asked()).toBe(2);
  agent.destroy();
});

test('an answer that breaks off is truncated', async () => {
  await using server = await served((request, response) => {
    response.writeHead(200, { 'content-length': 100, 'X-Version': 'v1' }).write('half');
    setTimeout(() => request.socket.resetAndDestroy(), 20);
  });
  expect(await failure(server.url)).toMatchObject({ kind: 'truncated', version: 'v1' });
});

test('a stream without its last line is truncated, however politely it ended', async () => {
  await using server = await served((_, response) => response.end('0 v1\n1 v1\n'));
  expect(await failure(server.url, { ending: /^end .*\n$/m })).toMatchObject({ kind: 'truncated' });
});

test('no answer in time', async () => {
  await using server = await served(() => {});
  expect(await failure(server.url, { timeoutMs: 50 })).toMatchObject({ kind: 'timeout' });
});

test('a closed port', async () => {
  const server = await served(() => {});
  await server[Symbol.asyncDispose]();
  expect(await failure(server.url)).toMatchObject({ kind: 'refused' });
});
