import { readFileSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Edge, eventually, Replica } from '../../support/edge/bed.ts';
import { Dns } from '../../support/edge/dns.ts';
import { call, Load, Tunnel } from '../../support/edge/load.ts';

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

const order = { from: 'blue', to: 'green', nonce: 'n-1', deadlineSeconds: 30 } as const;

test('killed while armed, it comes back at once with the confirmed colour', async () => {
  await edge.guard.switch(order);
  const load = new Load();
  await new Promise((resolve) => setTimeout(resolve, 200));
  await edge.crash();
  await edge.up('blue', 1);
  expect((await call()).colour).toBe('blue');
  await load.stop();
  expect(load.answers.at(-1)?.colour).toBe('blue');
  // A crash costs what was in flight and the attempts until it listens again, nothing later.
  const [first, last] = [load.failures[0]?.at ?? 0, load.failures.at(-1)?.at ?? 0];
  expect(last - first).toBeLessThan(1500);
  expect(await edge.status()).toMatchObject({ active: 'blue', armed: null, last: null });
  await expect(edge.guard.confirm('n-1')).rejects.toThrow(/unknown nonce, blue is active/);
  expect(edge.log).toContain('starting it again');
});

test('after a confirmation that reached the disk it comes back with the new colour', async () => {
  await edge.guard.switch(order);
  await edge.guard.confirm('n-1');
  edge.persist('green');
  await edge.crash();
  expect((await call()).colour).toBe('green');
});

test('a reload under load fails nothing and takes the new files; tunnels live on', async () => {
  const load = new Load();
  const tunnel = await Tunnel.open();
  for (let i = 1; i <= 3; i += 1) {
    const pid = await edge.pid();
    edge.write({ ...edge.spec, maxReplicas: 10 + i });
    edge.signal('SIGHUP');
    await edge.another(pid);
    await edge.up('blue', 1);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await load.stop();
  expect(load.failures, load.summary()).toEqual([]);
  expect(load.answers.length).toBeGreaterThan(100);
  expect(await tunnel.echo('still here')).toBe('blue');
  expect(await edge.ask('show servers state')).toContain(' r13 ');
  tunnel.close();
});

test('a connection that was idle over a reload follows the confirmed colour', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  expect((await call({ agent })).colour).toBe('blue');
  const pid = await edge.pid();
  edge.signal('SIGHUP');
  await edge.another(pid);
  await edge.up('green', 1);
  await edge.guard.switch(order);
  await edge.guard.confirm('n-1');
  edge.persist('green');
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect((await call({ agent })).colour).toBe('green');
  agent.destroy();
});

test('a reload with a bad configuration changes nothing', async () => {
  const pid = await edge.pid();
  const file = join(edge.dir, 'haproxy.cfg');
  writeFileSync(file, `${readFileSync(file, 'utf8')}\nnonsense here\n`);
  edge.signal('SIGHUP');
  await eventually('it says so', () => edge.log.includes('the old one stays'));
  expect(await edge.pid()).toBe(pid);
  expect((await call()).colour).toBe('blue');
});

test('a soft stop ends new connections and finishes requests in flight', async () => {
  const slow = call({ path: '/?wait=400' });
  await new Promise((resolve) => setTimeout(resolve, 100));
  edge.signal('SIGUSR1');
  await eventually('no new connection', () =>
    call().then(
      () => false,
      () => true,
    ),
  );
  expect((await slow).body).toContain('blue');
  await eventually('the container ends', () => edge.ended);
});

test('its memory stays small', async () => {
  const load = new Load(40);
  await edge.guard.switch({ ...order, limits: { max5xx: 0.01, maxP95Ms: 5000 } });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const residentKb = await edge.residentKb();
  await load.stop();
  expect(load.failures, load.summary()).toEqual([]);
  expect(residentKb).toBeLessThan(40_000);
});
