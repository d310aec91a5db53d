import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Host } from '../../../src/host/model.ts';
import { failure, freePort, type Sshd, startSshd } from '../../support/host/sshd.ts';

// Unix sockets and TCP addresses of the host, over the one connection.

let sshd: Sshd;
let host: Host;
let path: string;
let port: number;
const servers: Server[] = [];

beforeAll(async () => {
  sshd = await startSshd();
  host = await sshd.connect();
  path = join(sshd.folder, 'echo.sock');
  // Echoes until the client ends its side, then says goodbye: needs half-open connections.
  const onConnection = (socket: Socket) => {
    socket.on('error', () => {});
    socket.pipe(socket, { end: false });
    socket.on('end', () => socket.end('bye'));
  };
  const unix = createServer({ allowHalfOpen: true }, onConnection).listen(path);
  const tcp = createServer({ allowHalfOpen: true }, onConnection).listen(0, '127.0.0.1');
  servers.push(unix, tcp);
  await Promise.all(servers.map((server) => server.listening || once(server, 'listening')));
  port = (tcp.address() as { port: number }).port;
});
afterAll(async () => {
  await host?.close();
  for (const server of servers) server.close();
  await sshd[Symbol.asyncDispose]();
});

async function exchange(stream: Duplex, data: Buffer | string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.end(data);
  await once(stream, 'end');
  return Buffer.concat(chunks);
}

const ways: readonly [string, () => Promise<Duplex>][] = [
  ['a unix socket', () => host.unixSocket(path)],
  ['a TCP address', () => host.tcp('127.0.0.1', port)],
];

describe.each(ways)('%s', (_, open) => {
  test('takes and gives, and each side may end before the other', async () => {
    expect((await exchange(await open(), 'hello ')).toString()).toBe('hello bye');
    expect((await exchange(await open(), '')).toString()).toBe('bye');
  });

  test('carries 20 MB of any bytes both ways', async () => {
    const data = randomBytes(20 * 1024 * 1024);
    const back = await exchange(await open(), data);
    const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    expect(sha(back.subarray(0, -3))).toBe(sha(data));
  });

  test('can be open a hundred times: sessions are not used up', async () => {
    const streams = await Promise.all(Array.from({ length: 100 }, open));
    const answers = await Promise.all(streams.map((stream, index) => exchange(stream, `n${index} `)));
    expect(answers.map(String)).toEqual(streams.map((_, index) => `n${index} bye`));
  });

  test('destroyed half-way leaves the connection well', async () => {
    const stream = await open();
    stream.write(randomBytes(5_000_000));
    stream.destroy();
    await once(stream, 'close');
    expect((await exchange(await open(), 'x')).toString()).toBe('xbye');
  });
});

test('a socket that is not there, or that nobody listens on', async () => {
  const error = await failure(host.unixSocket('/nowhere/admin.sock'));
  expect(error.code).toBe('host.socket-unreachable');
  expect(error.message).toContain('/nowhere/admin.sock');
});

test('an address that does not answer', async () => {
  expect((await failure(host.tcp('127.0.0.1', await freePort()))).code).toBe('host.tcp-unreachable');
  expect((await failure(host.tcp('no-such-host.invalid', 80))).code).toBe('host.tcp-unreachable');
});

test('an sshd that forbids forwarding', async () => {
  await using strict = await startSshd({ config: ['DisableForwarding yes'] });
  await using other = await strict.connect();
  expect((await failure(other.tcp('127.0.0.1', port))).code).toBe('host.forwarding-refused');
  const socket = await failure(other.unixSocket(path));
  expect(socket.code).toBe('host.socket-unreachable');
  expect(socket.hint).toContain('AllowStreamLocalForwarding');
});
