import { afterEach, beforeEach, expect, test } from 'vitest';
import { Edge, eventually, Replica } from '../../support/edge/bed.ts';
import { Dns } from '../../support/edge/dns.ts';
import { call, Load } from '../../support/edge/load.ts';

let dns: Dns;
let edge: Edge;
let blue: Replica;
let green: Replica;

beforeEach(async () => {
  dns = new Dns();
  await dns.start();
  blue = await new Replica('blue', '127.0.1.1').start();
  green = await new Replica('green', '127.0.2.1').start();
  dns.names.set('blue.backend.shop.sluice', [blue.ip]);
  dns.names.set('green.backend.shop.sluice', [green.ip]);
  edge = await new Edge(dns).start();
  await edge.up('blue', 1);
  await edge.up('green', 1);
});

afterEach(async () => {
  await edge.stop();
  blue.stop();
  green.stop();
  dns.stop();
});

const order = {
  from: 'blue',
  to: 'green',
  nonce: 'n-1',
  deadlineSeconds: 30,
  limits: { max5xx: 0.01, maxP95Ms: 300 },
} as const;

const reverted = () =>
  eventually('the guard reverts', async () => (await edge.status()).last?.outcome === 'reverted');

test('a colour that answers 500 is taken out after a few dozen answers', async () => {
  const load = new Load();
  green.status = 500;
  await edge.guard.switch(order);
  await reverted();
  await new Promise((resolve) => setTimeout(resolve, 300));
  await load.stop();
  const { active, last, watch } = await edge.status();
  expect(active).toBe('blue');
  expect(last).toMatchObject({
    reason: 'errors',
    detail: expect.stringMatching(/^\d+ of \d+ answers since the switch/),
  });
  expect(watch).toMatchObject({ colour: 'green', errors5xx: expect.any(Number) });
  // Clients felt it, but only those few; the first good answer after them comes from blue.
  expect(load.failures.every((failure) => failure.what.startsWith('status 500'))).toBe(true);
  expect(load.failures.length).toBeGreaterThanOrEqual(5);
  expect(load.failures.length).toBeLessThan(150);
  expect(load.answers.at(-1)?.colour).toBe('blue');
  await expect(edge.guard.confirm('n-1')).rejects.toThrow(/n-1 was already reverted: errors/);
});

test('a few errors below the limit or below the minimum change nothing', async () => {
  await edge.guard.switch({ ...order, limits: { max5xx: 0.01, min5xx: 5 } });
  green.status = 500;
  for (let i = 0; i < 4; i += 1) await call();
  green.status = 200;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await edge.status()).toMatchObject({ active: 'green', watch: { requests: 4, errors5xx: 4 } });
  await edge.guard.confirm('n-1');
});

test('a slow colour is taken out, and the answers it owes still come', async () => {
  const load = new Load();
  green.delayMs = 400;
  await edge.guard.switch(order);
  await reverted();
  await load.stop();
  const { last, watch } = await edge.status();
  expect(last?.reason).toBe('latency');
  expect(watch.p95Ms).toBeGreaterThan(350);
  expect(load.failures, load.summary()).toEqual([]);
});

test('a colour that takes requests and never answers is taken out, though its health check is fine', async () => {
  const load = new Load();
  green.delayMs = 3_000;
  await edge.guard.switch(order);
  await reverted();
  expect((await edge.status()).last).toMatchObject({
    reason: 'latency',
    detail: expect.stringMatching(/are still unanswered/),
  });
  await load.stop();
});

test('a colour whose replicas die is taken out; requests that reach nobody wait and are answered by the old one', async () => {
  const load = new Load();
  await edge.guard.switch({ ...order, limits: {} });
  await new Promise((resolve) => setTimeout(resolve, 200));
  green.stop();
  await reverted();
  await new Promise((resolve) => setTimeout(resolve, 200));
  await load.stop();
  expect((await edge.status()).last).toMatchObject({ reason: 'down', detail: 'no replica is up' });
  // Only what was in flight in the dying replica is lost: at most one request per client.
  expect(load.failures.length, load.summary()).toBeLessThanOrEqual(12);
});

test('without a confirmation the deadline reverts', async () => {
  await edge.guard.switch({ ...order, deadlineSeconds: 0.5 });
  expect((await call()).colour).toBe('green');
  await reverted();
  expect((await edge.status()).last).toMatchObject({
    reason: 'deadline',
    detail: 'not confirmed within 0.5 s',
  });
  expect((await call()).colour).toBe('blue');
});

test('with the old colour down as well a sick colour stays, until the deadline', async () => {
  await edge.guard.switch({ ...order, deadlineSeconds: 3 });
  blue.stop();
  await edge.up('blue', 0);
  green.status = 500;
  for (let i = 0; i < 10; i += 1) await call();
  await eventually('the guard says so', async () => {
    const { armed } = await edge.status();
    return armed?.stuck?.startsWith('10 of 10 answers') ?? false;
  });
  await reverted();
  expect((await edge.status()).last?.reason).toBe('deadline');
});

test('a map that is changed past the guard ends the watch', async () => {
  await edge.guard.switch(order);
  const map = /0x[0-9a-f]+|^#?(\d+) \(.*active\.map/m.exec(await edge.ask('show map'))?.[1];
  await edge.ask(`set map #${map} active blue`);
  await reverted();
  expect(await edge.status()).toMatchObject({ active: 'blue', last: { reason: 'by-hand' } });
});
