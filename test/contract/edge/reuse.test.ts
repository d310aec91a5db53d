import { connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EdgeSpec } from '../../../src/deploy/traffic/edge-config.ts';
import { Edge, edgeAddress, eventually, port, Replica } from '../../support/edge/bed.ts';
import { Dns } from '../../support/edge/dns.ts';
import { call, Load, sendRaw } from '../../support/edge/load.ts';

let dns: Dns;
let edge: Edge;
let blue: Replica;
let others: Replica[];

beforeEach(async () => {
  dns = new Dns();
  await dns.start();
  blue = await new Replica('blue', '127.0.1.1').start();
  others = [];
  dns.names.set('blue.backend.shop.sluice', ['127.0.1.1']);
});

afterEach(async () => {
  await edge.stop();
  for (const replica of [blue, ...others]) replica.stop();
  dns.stop();
});

async function startEdge(spec: Partial<EdgeSpec> = {}): Promise<void> {
  edge = new Edge(dns, { checkIntervalMs: 60_000, ...spec });
  await edge.start();
  await edge.up('blue', 1 + others.length);
}

async function addReplica(ip: string): Promise<Replica> {
  const one = await new Replica('blue', ip).start();
  others.push(one);
  dns.names.set('blue.backend.shop.sluice', ['127.0.1.1', ...others.map((replica) => replica.ip)]);
  return one;
}

/** What comes back for bytes, up to the first answer's end of headers. */
async function answerTo(bytes: string): Promise<string> {
  const sent = sendRaw(bytes);
  await eventually('an answer or the end', () => sent.received.includes('\r\n\r\n') || sent.ended);
  sent.socket.destroy();
  return sent.received;
}

test('GETs share connections to a replica; what must not run twice, or could be read in two ways, has its own', async () => {
  const second = await addReplica('127.0.1.2');
  await startEdge();
  const sum = () => blue.connections + second.connections;
  const opened = async (send: () => Promise<unknown>) => {
    // Both replicas have an idle connection then: the edge takes one of two by chance.
    for (let i = 0; i < 16; i += 1) await call();
    const before = sum();
    for (let i = 0; i < 6; i += 1) await send();
    return sum() - before;
  };
  expect(await opened(() => call())).toBe(0);
  expect(await opened(() => call({ method: 'POST', body: 'x' }))).toBe(6);
  const raw = (text: string) => () => answerTo(`${text}\r\nHost: x\r\nConnection: close\r\n\r\n`);
  expect(await opened(raw('HEAD / HTTP/1.1'))).toBe(0);
  expect(await opened(raw('DELETE / HTTP/1.1'))).toBe(6);
  expect(await opened(raw('GET / HTTP/1.1\r\nContent-Length: 0'))).toBe(6);
  expect(await opened(raw('GET /\xc3\xa4 HTTP/1.1'))).toBe(6);
  expect(await opened(raw('GET / HTTP/1.1\r\nX-Odd: a\x0bb'))).toBe(6);
  expect(
    await opened(() =>
      answerTo(
        'GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n',
      ),
    ),
  ).toBe(6);
});

test('replicas that close idle connections at any moment cost no request, and no POST runs twice', async () => {
  const both = [blue, await addReplica('127.0.1.2')];
  await startEdge();
  for (const replica of both) replica.closesIdle = true;
  const load = new Load(16);
  // As many as a calm machine has in four seconds.
  while (load.answers.length + load.failures.length < 2_000)
    await new Promise((resolve) => setTimeout(resolve, 50));
  await load.stop();
  expect(load.failures, load.summary()).toEqual([]);
  expect(both.reduce((posts, replica) => posts + replica.posts, 0)).toBe(
    load.answers.filter((answer) => answer.body.includes('body-')).length,
  );
  // It did happen: some GETs came a second time.
  expect(edge.log).toMatch(/GET \/ 200 .* retries \+?[1-4],/);
});

test('of a replica that dies without an answer a GET is asked again, a POST is not', async () => {
  await startEdge();
  blue.dies = true;
  const answer = async (method: 'GET' | 'POST') => {
    blue.served = 0;
    const { status } = await call({ method, body: method === 'POST' ? 'x' : '' });
    return [status, blue.served];
  };
  expect(await answer('POST')).toEqual([502, 1]);
  expect(await answer('GET')).toEqual([502, 5]);
});

test('behind a load balancer that sends the PROXY protocol, clients have their own addresses', async () => {
  await startEdge({ open: { trusted: [] }, proxyProtocol: ['127.0.0.1'], maxConnections: 20 });
  const request = 'GET /headers HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n';
  const proxied = (from: string) =>
    `PROXY TCP${from.includes(':') ? '6' : '4'} ${from} ${from.includes(':') ? '2001:db8::1' : '10.0.0.1'} 5000 80\r\n`;
  const forwarded = async (bytes: string) => {
    const sent = sendRaw(bytes);
    await eventually('an answer or the end', () => sent.received.includes('"host"') || sent.ended);
    return { address: /"x-forwarded-for":"([^"]+)"/.exec(sent.received)?.[1], socket: sent.socket };
  };
  expect((await forwarded(proxied('203.0.113.7') + request)).address).toBe('203.0.113.7');
  // Without its header there is nobody to answer.
  expect((await forwarded(request)).address).toBeUndefined();
  // Twenty connections, so five for each source: of IPv6 a network of the smallest size, /64, is one.
  const many: Socket[] = [];
  for (let host = 1; host <= 5; host += 1) {
    const { address, socket } = await forwarded(proxied(`2001:470:1:2::${host}`) + request);
    expect(address).toBe(`2001:470:1:2::${host}`);
    many.push(socket);
  }
  expect((await forwarded(proxied('2001:470:1:2::6') + request)).address).toBeUndefined();
  expect((await forwarded(proxied('2001:470:1:3::1') + request)).address).toBe('2001:470:1:3::1');
  for (const socket of many) socket.destroy();
});

test('gRPC at a port of HTTP/1.1 is told what to change', async () => {
  await startEdge();
  const session = connectHttp2(`http://${edgeAddress}:${port}`);
  const stream = session.request({
    ':method': 'POST',
    ':path': '/shop.Cart/Add',
    'content-type': 'application/grpc',
  });
  let text = '';
  const status = await new Promise<number>((resolve, reject) => {
    stream.on('error', reject);
    stream.on('response', (headers) => {
      stream.on('data', (chunk) => {
        text += chunk;
      });
      stream.on('end', () => resolve(headers[':status'] ?? 0));
    });
    stream.end();
  });
  session.close();
  expect([status, text]).toEqual([505, expect.stringContaining(`services.backend.mode to tcp`)]);
  expect(blue.served).toBe(0);
});
