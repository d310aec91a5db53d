import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EdgeSpec } from '../../../src/deploy/traffic/edge-config.ts';
import { Edge, edgeAddress, eventually, port, Replica } from '../../support/edge/bed.ts';
import { Dns } from '../../support/edge/dns.ts';
import { call, Load } from '../../support/edge/load.ts';

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

test('replicas that come, go and return with another address are followed without a failed request', async () => {
  await replica('blue', '127.0.1.1');
  dns.names.set('blue.backend.shop.sluice', ['127.0.1.1']);
  await startEdge();
  await edge.up('blue', 1);
  const load = new Load();

  const second = await replica('blue', '127.0.1.2');
  dns.names.set('blue.backend.shop.sluice', ['127.0.1.1', '127.0.1.2']);
  await edge.up('blue', 2);
  await eventually('the second serves', () => second.served > 0);

  // Restarted elsewhere: the name changes, then the old address ends.
  const third = await replica('blue', '127.0.1.3');
  dns.names.set('blue.backend.shop.sluice', ['127.0.1.2', '127.0.1.3']);
  await eventually('the third serves', () => third.served > 0);
  await eventually('the first is gone', async () =>
    (await edge.status()).colours.blue.servers.every((server) => server.addr !== '127.0.1.1'),
  );
  await load.stop();
  expect(load.failures, load.summary()).toEqual([]);
});

test('a replica that starts gets no request before its health check is good', async () => {
  await replica('blue', '127.0.1.1');
  dns.names.set('blue.backend.shop.sluice', ['127.0.1.1']);
  await startEdge();
  await edge.up('blue', 1);
  const starting = await replica('blue', '127.0.1.2');
  starting.health = 503;
  dns.names.set('blue.backend.shop.sluice', ['127.0.1.1', '127.0.1.2']);
  await expect(edge.guard.servers('blue')).resolves.toBe('blue is at 127.0.1.1,127.0.1.2');
  await eventually('it is probed', async () =>
    (await edge.status()).colours.blue.servers.some(
      (server) => server.status === 'STARTING' && server.check === 'L7STS',
    ),
  );
  for (let i = 0; i < 20; i += 1) await call();
  expect(starting.served).toBe(0);
  starting.health = 200;
  await edge.up('blue', 2);
});

test('what was well before is no replica of the containers that are announced now', async () => {
  await replica('blue', '127.0.1.1');
  const before = await replica('green', '127.0.2.1');
  dns.names.set('blue.backend.shop.sluice', ['127.0.1.1']);
  dns.names.set('green.backend.shop.sluice', ['127.0.2.1']);
  await startEdge({ checkIntervalMs: 3_600_000 });
  await edge.up('blue', 1);
  await edge.guard.servers('green');
  await edge.up('green', 1);
  // Another container at the same address, whose app does not answer yet: HAProxy would ask in an hour.
  before.health = 'hang';
  await edge.guard.servers('green', ['127.0.2.1']);
  expect((await edge.status()).colours.green.up).toBe(0);
  before.health = 200;
  // Not so the color that serves.
  await edge.guard.servers('blue', ['127.0.1.1']);
  expect((await edge.status()).colours.blue.up).toBe(1);
});

test('both of its ways to ask send the same request and take the same answers', async () => {
  const headers = { 'X-Token': 'a 100% "b"' };
  const blue = await replica('blue', '127.0.1.1');
  blue.health = 204;
  dns.names.set('blue.backend.shop.sluice', ['127.0.1.1']);
  const health = { path: '/health', port, host: 'shop.example.com', headers, expect: '204-205,299' };
  await startEdge({ health, checkIntervalMs: 100 });
  await edge.up('blue', 1);
  await eventually('HAProxy asks, too', () => blue.asked.length > 5);
  for (const asked of blue.asked)
    expect(asked).toMatchObject({
      host: 'shop.example.com',
      'x-token': 'a 100% "b"',
      'user-agent': 'sluice-edge',
    });
  blue.health = 200;
  await edge.up('blue', 0);
  blue.health = 299;
  await edge.up('blue', 1);
});

test('a dead replica among several costs no request', async () => {
  const [first] = [await replica('blue', '127.0.1.1'), await replica('blue', '127.0.1.2')];
  dns.names.set('blue.backend.shop.sluice', ['127.0.1.1', '127.0.1.2']);
  await startEdge();
  await edge.up('blue', 2);
  first?.stop();
  for (let i = 0; i < 30; i += 1) expect((await call({ method: 'POST', body: 'x' })).status).toBe(200);
  await edge.up('blue', 1);
});

test('while no replica is up requests wait for one, after a reload as well', async () => {
  dns.names.set('blue.backend.shop.sluice', ['127.0.1.1']);
  await startEdge();
  const pid = await edge.pid();
  edge.signal('SIGHUP');
  await edge.another(pid);
  const waiting = [call(), call({ method: 'POST', body: 'kept' })];
  await eventually('both wait', async () => (await edge.status()).held === 2);
  await replica('blue', '127.0.1.1');
  const answers = await Promise.all(waiting);
  expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
  expect(answers[1]?.body).toBe('blue kept');
  await eventually('nobody waits', async () => (await edge.status()).held === 0);
});

test('they wait for a limited time', async () => {
  await startEdge({ holdSeconds: 0.3 });
  expect((await call()).status).toBe(503);
});

test('when no replica is healthy but one answers, it gets the requests', async () => {
  const sick = await replica('blue', '127.0.1.1');
  dns.names.set('blue.backend.shop.sluice', ['127.0.1.1']);
  await startEdge({ checkIntervalMs: 200 });
  await edge.up('blue', 1);
  sick.health = 500;
  await edge.up('blue', 0);
  expect((await call()).status).toBe(200);
  // So it is for an edge that starts while nobody is healthy.
  await edge.crash();
  await eventually('it serves', async () => (await call().catch(() => undefined))?.status === 200);
  expect((await edge.status()).colours.blue.up).toBe(0);
});

test('a DNS server that is silent or forgets the name takes no healthy replica away', async () => {
  await replica('blue', '127.0.1.1');
  dns.names.set('blue.backend.shop.sluice', ['127.0.1.1']);
  await startEdge();
  await edge.up('blue', 1);
  dns.names.delete('blue.backend.shop.sluice');
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect((await call()).status).toBe(200);
  dns.stop();
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect((await call()).status).toBe(200);
  await expect(edge.guard.servers('green')).rejects.toThrow(/DNS/);
  expect((await call()).status).toBe(200);
});

test('addresses without a name serve from the order or from the file until DNS knows better', async () => {
  await replica('blue', '127.0.1.9');
  edge = new Edge(dns);
  edge.persist('blue', { blue: ['127.0.1.9'] });
  await edge.start();
  await edge.up('blue', 1);

  await replica('green', '127.0.2.1');
  await expect(edge.guard.servers('green', ['127.0.2.1'])).resolves.toBe('green is at 127.0.2.1');
  await edge.up('green', 1);
  await replica('green', '127.0.2.2');
  dns.names.set('green.backend.shop.sluice', ['127.0.2.2']);
  await expect(edge.guard.servers('green')).resolves.toBe('green is at 127.0.2.2');
  await expect(edge.ask('sluice servers green 1.2.3.4;5')).resolves.not.toContain('is at 1.2.3.4');
  await expect(edge.ask('sluice servers green localhost')).resolves.toMatch(/^refused: bad address/);
});

test('an active.map that lost its content does not stop the service', async () => {
  await replica('green', '127.0.2.1');
  dns.names.set('green.backend.shop.sluice', ['127.0.2.1']);
  edge = new Edge(dns);
  writeFileSync(join(edge.dir, 'active.map'), '');
  await edge.start();
  expect((await call()).colour).toBe('green');
  expect(await edge.status()).toMatchObject({ active: 'green', persisted: null });
});

test('a service of several ports, one of them plain TCP, switches as one', async () => {
  const tcp = port + 1;
  await replica('blue', '127.0.1.1');
  await replica('green', '127.0.2.1');
  const { createServer } = await import('node:net');
  const others = ['127.0.1.1', '127.0.2.1'].map((ip) =>
    createServer((socket) => socket.end(`from ${ip}`).on('error', () => {})).listen(tcp, ip),
  );
  const read = () =>
    new Promise<string>((resolve, reject) => {
      let text = '';
      connect(tcp, edgeAddress)
        .on('data', (chunk) => {
          text += chunk;
        })
        .on('end', () => resolve(text))
        .on('error', reject);
    });
  dns.names.set('blue.backend.shop.sluice', ['127.0.1.1']);
  dns.names.set('green.backend.shop.sluice', ['127.0.2.1']);
  await startEdge({
    ports: [
      { port, mode: 'http' },
      { port: tcp, mode: 'tcp' },
    ],
  });
  await edge.up('blue', 1);
  await edge.up('green', 1);
  expect([(await call()).colour, await read()]).toEqual(['blue', 'from 127.0.1.1']);
  await edge.guard.switch({ from: 'blue', to: 'green', nonce: 'n-1', deadlineSeconds: 10 });
  expect([(await call()).colour, await read()]).toEqual(['green', 'from 127.0.2.1']);
  await eventually('both are counted', async () => (await edge.status()).watch.requests === 2);
  for (const server of others) server.close();
});

test('an idle colour without containers is not asked for', async () => {
  await replica('blue', '127.0.1.1');
  dns.names.set('blue.backend.shop.sluice', ['127.0.1.1']);
  await startEdge();
  await edge.up('blue', 1);
  await new Promise((resolve) => setTimeout(resolve, 5200));
  const [blue, green] = [
    dns.asked.get('blue.backend.shop.sluice') ?? 0,
    dns.asked.get('green.backend.shop.sluice') ?? 0,
  ];
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(dns.asked.get('blue.backend.shop.sluice')).toBeGreaterThan(blue);
  expect(dns.asked.get('green.backend.shop.sluice') ?? 0).toBe(green);
});
