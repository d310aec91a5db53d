import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { drainedFile, EdgeRefused } from '../../../src/deploy/traffic/guard.ts';
import { Edge, eventually, Replica } from '../../support/edge/bed.ts';
import { Dns } from '../../support/edge/dns.ts';
import { call, Load, Tunnel } from '../../support/edge/load.ts';

let dns: Dns;
let edge: Edge;
let blue: Replica[];
let green: Replica[];

beforeEach(async () => {
  dns = new Dns();
  await dns.start();
  blue = await Promise.all(['127.0.1.1', '127.0.1.2'].map((ip) => new Replica('blue', ip).start()));
  green = await Promise.all(
    ['127.0.2.1', '127.0.2.2', '127.0.2.3'].map((ip) => new Replica('green', ip).start()),
  );
  dns.names.set(
    'blue.backend.shop.sluice',
    blue.map((replica) => replica.ip),
  );
  dns.names.set(
    'green.backend.shop.sluice',
    green.map((replica) => replica.ip),
  );
  edge = await new Edge(dns).start();
  await edge.up('blue', 2);
  await edge.up('green', 3);
});

afterEach(async () => {
  await edge.stop();
  for (const replica of [...blue, ...green]) replica.stop();
  dns.stop();
});

const order = { from: 'blue', to: 'green', nonce: 'n-1', deadlineSeconds: 30 } as const;

test('twelve switches under load fail nothing; tunnels and streams stay where they began', {
  timeout: 30_000,
}, async () => {
  const load = new Load();
  const tunnels = await Promise.all([Tunnel.open(), Tunnel.open()]);
  for (let i = 0; i < 12; i += 1) {
    const [from, to] = i % 2 === 0 ? (['blue', 'green'] as const) : (['green', 'blue'] as const);
    const slow = call({ path: '/?wait=150' });
    const stream = call({ path: '/stream' });
    await new Promise((resolve) => setTimeout(resolve, 60));
    await edge.guard.switch({
      from,
      to,
      nonce: `switch-${i}`,
      deadlineSeconds: 30,
      limits: { max5xx: 0.01 },
    });
    // The very next request goes to the new colour, requests in flight end where they are.
    expect((await call()).colour).toBe(to);
    if (i % 3 === 2) {
      await edge.guard.revert(`switch-${i}`, 'only a test');
      await edge.guard.switch({ from, to, nonce: `again-${i}`, deadlineSeconds: 30 });
      await edge.guard.confirm(`again-${i}`);
    } else {
      await edge.guard.confirm(`switch-${i}`);
    }
    expect((await slow).colour).toBe(from);
    expect((await stream).body).toBe(
      `${Array.from({ length: 10 }, (_, n) => `${from} ${n}\n`).join('')}end\n`,
    );
    for (const tunnel of tunnels) expect(await tunnel.echo(`round ${i}`)).toBe('blue');
  }
  await load.stop();
  expect(load.failures, load.summary()).toEqual([]);
  expect(load.answers.length).toBeGreaterThan(500);
  const posts = [...blue, ...green].reduce((sum, replica) => sum + replica.posts, 0);
  // A POST that ran twice would show here.
  expect(posts).toBe(load.answers.filter((answer) => answer.body.includes('body-')).length);

  // Drained means: nothing in flight, tunnels included.
  expect((await edge.status()).colours.blue.current).toBe(2);
  for (const tunnel of tunnels) tunnel.close();
  await eventually('blue is drained', async () => (await edge.status()).colours.blue.current === 0);
});

test('who waits on the host is told by a file when a color has nothing in flight', async () => {
  const marker = join(edge.dir, 'run', drainedFile('blue'));
  const tunnel = await Tunnel.open();
  await expect(edge.guard.drain('blue')).rejects.toThrow(/blue is in use/);
  await edge.guard.switch(order);
  await expect(edge.guard.drain('blue')).rejects.toThrow(/blue is in use/);
  await edge.guard.confirm('n-1');
  // One from the drain before.
  writeFileSync(marker, '');
  expect(await edge.guard.drain('blue')).toBe('1 in flight');
  expect(existsSync(marker)).toBe(false);
  expect(await tunnel.echo('still')).toBe('blue');
  expect(existsSync(marker)).toBe(false);
  tunnel.close();
  await eventually('the file is there', () => existsSync(marker));
});

test('a switch is armed until it is confirmed, and every order may come twice', async () => {
  await edge.guard.switch({ ...order, limits: { max5xx: 0.01, maxP95Ms: 800 } });
  await expect(edge.guard.switch(order)).resolves.toMatch(/already armed by n-1/);
  await expect(edge.guard.switch({ ...order, nonce: 'n-2' })).rejects.toThrow(/armed by n-1/);

  const armed = await edge.status();
  expect(armed).toMatchObject({
    active: 'green',
    persisted: 'blue',
    armed: { nonce: 'n-1', from: 'blue', to: 'green', limits: 'max-5xx=1%,max-p95=800ms', stuck: null },
    last: null,
  });
  expect(armed.armed?.deadlineIn).toBeGreaterThan(25);

  await expect(edge.guard.confirm('n-9')).rejects.toThrow(/unknown nonce, green is active/);
  await edge.guard.confirm('n-1');
  await expect(edge.guard.confirm('n-1')).resolves.toMatch(/already confirmed/);
  await expect(edge.guard.revert('n-1')).rejects.toThrow(/already confirmed/);
  await expect(edge.guard.switch(order)).rejects.toThrow(/n-1 was already confirmed/);
  expect(await edge.status()).toMatchObject({ active: 'green', armed: null, last: { outcome: 'confirmed' } });
});

test('a revert by the runner names its reason and may come twice', async () => {
  await edge.guard.switch(order);
  await edge.guard.revert('n-1', 'the URL "https://x" answered 502; so back');
  await expect(edge.guard.revert('n-1')).resolves.toMatch(/already reverted/);
  await expect(edge.guard.confirm('n-1')).rejects.toThrow(
    /already reverted: asked \(the URL https:\/\/x answered 502/,
  );
  expect(await edge.status()).toMatchObject({ active: 'blue', armed: null });
  expect((await call()).colour).toBe('blue');
});

test('a switch is refused when it starts from the wrong colour or nobody is there', async () => {
  await expect(edge.guard.switch({ ...order, from: 'green', to: 'blue' })).rejects.toThrow(
    /blue is active, not green/,
  );
  for (const replica of green) replica.stop();
  dns.names.delete('green.backend.shop.sluice');
  await edge.up('green', 0);
  await expect(edge.guard.switch(order)).rejects.toThrow(/no replica of green is up/);
  await expect(edge.guard.switch(order)).rejects.toBeInstanceOf(EdgeRefused);
  await expect(edge.ask('sluice switch blue green n-3 30 max-5xx=many')).resolves.toMatch(
    /^refused: bad limit/,
  );
  await expect(edge.ask('sluice switch blue purple n-3 30')).resolves.toMatch(/^refused: /);
  await expect(edge.ask('sluice switch')).resolves.toMatch(/^refused: /);
  expect((await edge.status()).active).toBe('blue');
});
