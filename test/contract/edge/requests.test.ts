import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EdgeSpec } from '../../../src/deploy/traffic/edge-config.ts';
import { Edge, edgeAddress, eventually, port, Replica } from '../../support/edge/bed.ts';
import { Dns } from '../../support/edge/dns.ts';
import { call, sendRaw } from '../../support/edge/load.ts';

let dns: Dns;
let edge: Edge;
let replicas: Replica[];

async function replica(colour: 'blue' | 'green', ip: string): Promise<Replica> {
  const one = await new Replica(colour, ip).start();
  replicas.push(one);
  return one;
}

async function startEdge(spec: Partial<EdgeSpec> = {}): Promise<void> {
  edge = new Edge(dns, spec);
  await edge.start();
}

beforeEach(async () => {
  replicas = [];
  dns = new Dns();
  await dns.start();
});

afterEach(async () => {
  await edge.stop();
  for (const item of replicas) item.stop();
  dns.stop();
});

test('what passes through stays as it is', async () => {
  await replica('blue', '127.0.1.1');
  dns.names.set('blue.backend.shop.sluice', ['127.0.1.1']);
  await startEdge();
  await edge.up('blue', 1);
  const seen = async (headers: Record<string, string>) =>
    JSON.parse((await call({ path: '/headers', headers })).body) as Record<string, string>;
  const plain = await seen({
    host: 'Book.example.com:8443',
    'x-request-id': 'r1',
    'x-forwarded-proto': 'https',
  });
  expect(plain).toMatchObject({
    host: 'Book.example.com:8443',
    'x-request-id': 'r1',
    'x-forwarded-proto': 'https',
    'x-forwarded-for': '127.0.0.1',
  });
  expect(await seen({ 'x-forwarded-for': '203.0.113.7, 10.0.0.1' })).toMatchObject({
    'x-forwarded-for': '203.0.113.7, 10.0.0.1',
  });
  const big = 'c'.repeat(7_000);
  expect(await seen({ cookie: big, 'x-one': big })).toMatchObject({ cookie: big, 'x-one': big });

  // Two requests in one packet, and a body that comes after 100-continue.
  const raw = connect(port, edgeAddress);
  let received = '';
  raw.on('data', (chunk) => {
    received += chunk;
  });
  raw.write('GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n');
  await eventually('two answers', () => received.split('HTTP/1.1 200').length === 3);
  raw.write('POST /c HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n');
  await eventually('continue', () => received.includes('HTTP/1.1 100'));
  raw.write('body');
  await eventually('the third', () => received.endsWith('blue body') || received.includes('blue body'));
  raw.destroy();
});

test('on an open port clients say nothing of where they are, proxies that are trusted do', async () => {
  await replica('blue', '127.0.1.1');
  dns.names.set('blue.backend.shop.sluice', ['127.0.1.1']);
  await startEdge({ open: { trusted: [] } });
  await edge.up('blue', 1);
  const claimed = {
    'x-forwarded-for': '203.0.113.7',
    'x-real-ip': '203.0.113.7',
    forwarded: 'for=203.0.113.7',
    x_forwarded_for: '203.0.113.7',
    'x-forwarded-proto': 'https',
  };
  const seen = async () =>
    JSON.parse((await call({ path: '/headers', headers: claimed })).body) as Record<string, string>;
  const open = await seen();
  expect(open['x-forwarded-for']).toBe('127.0.0.1');
  expect(open['x_forwarded_for']).toBeUndefined();
  expect([open['x-real-ip'], open['forwarded'], open['x-forwarded-proto']]).toEqual([
    undefined,
    undefined,
    'https',
  ]);
  await edge.stop();
  await startEdge({ open: { trusted: ['10.0.0.0/8', '127.0.0.1'] } });
  await edge.up('blue', 1);
  expect(await seen()).toMatchObject(claimed);
});

test('a name that could pass for a length or an encoding is refused, and headers may be as long as nginx’s', async () => {
  const blue = await replica('blue', '127.0.1.1');
  dns.names.set('blue.backend.shop.sluice', ['127.0.1.1']);
  await startEdge();
  await edge.up('blue', 1);
  const answerTo = async (header: string) => {
    const sent = sendRaw(`GET / HTTP/1.1\r\nHost: x\r\n${header}\r\nConnection: close\r\n\r\n`);
    await eventually('an answer', () => sent.received !== '' || sent.socket.destroyed);
    sent.socket.destroy();
    return sent.received.slice(9, 12);
  };
  const served = blue.served;
  for (const header of [
    'Content-Length : 5',
    'Transfer-Encoding\0: chunked',
    'Transfer-Encoding\t: chunked',
    'Content-Length\x0b: 5',
    'X"Y: 1',
    'X(Y): 1',
  ])
    expect([header, await answerTo(header)]).toEqual([header, '400']);
  expect(blue.served).toBe(served);
  for (const header of [
    'X-Odd_.!#$%&*+^`|~: 1',
    `Cookie: ${'c'.repeat(16_000)}\r\nX-Two: ${'d'.repeat(15_900)}`,
  ])
    expect([header.slice(0, 30), await answerTo(header)]).toEqual([header.slice(0, 30), '200']);
});

test('more clients than it carries are told so at once, and the log says it once', async () => {
  await replica('blue', '127.0.1.1');
  dns.names.set('blue.backend.shop.sluice', ['127.0.1.1']);
  await startEdge({ maxConnections: 20 });
  await edge.up('blue', 1);
  const idle = Array.from({ length: 30 }, () => connect(port, edgeAddress).on('error', () => {}));
  await eventually('they are all there', async () => ((await edge.status()).connections?.current ?? 0) > 20);
  for (let round = 0; round < 3; round += 1) {
    const begun = performance.now();
    expect((await call({ headers: { connection: 'close' } })).status).toBe(503);
    expect(performance.now() - begun).toBeLessThan(2_000);
  }
  expect((await edge.status()).connections?.max).toBe(20);
  await eventually('the log has it', () => edge.log.includes('all 20 connections are in use'));
  for (const socket of idle) socket.destroy();
  await eventually('it serves again', async () => (await call()).status === 200);
  expect(edge.log.split('connections are in use').length).toBe(2);
});
