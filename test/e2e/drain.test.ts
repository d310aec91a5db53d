import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BedHost } from '../bed/host.ts';
import { monotonic } from '../bed/load/clock.ts';
import { type RunningLoad, startLoad } from '../bed/load/start.ts';
import { story, until } from './harness/cli.ts';
import { expectNextDeploy, expectServes, statusOf, versionsOf } from './harness/serves.ts';
import { openWorld, servingIn, type World } from './harness/world.ts';

const drainSeconds = 40;

let world: World;
let host: BedHost;
let load: RunningLoad;

beforeAll(async () => {
  world = await openWorld({ target: 'single', settings: { drain: `${drainSeconds}s` } });
  const [first] = world.hosts;
  if (first === undefined) throw new Error('no host');
  host = first;
  load = startLoad({ urls: world.urls, rate: 10, webSockets: 2, slowSeconds: 2 });
  await until('two WebSockets are open', async () => (await load.snapshot()).webSockets.open >= 2);
});
afterAll(async () => {
  await load?.stop();
  world?.close();
});

/** Containers of a release that run, workers and schedulers among them. */
async function running(release: string): Promise<string[]> {
  const names = await host.must(
    `docker ps --filter label=sluice.release=${release} --filter label=sluice.service=backend --format '{{.Names}}'`,
  );
  return names.trim().split('\n').filter(Boolean);
}

test('WebSockets go on for the whole drain, and the command waits for none of it', async () => {
  const old = servingIn(world);
  const before = (await load.snapshot()).webSockets;
  const tried = world.another();
  const run = await world.run(world.deployOf(tried));
  const ended = monotonic();
  expect(run.report?.outcome, story(run)).toBe('confirmed');
  expect(await running(old.name)).not.toEqual([]);
  expect((await statusOf(world)).hosts[0]?.finishing.map(({ service }) => service)).toContain('backend');
  // What is left of the drain when the command has ended: the confirmation was seconds ago at the most.
  await sleep(drainSeconds * 1000 - 5_000);
  expect((await load.snapshot()).webSockets.cuts).toEqual(before.cuts);
  await until('the old release has ended', async () => (await running(old.name)).length === 0, 60);
  const { cuts } = (await load.snapshot()).webSockets;
  const early = cuts.filter(
    ({ at, version }) => version === old.version && at < ended + (drainSeconds - 5) * 1000,
  );
  expect(early).toEqual([]);
  expect(cuts.filter(({ version }) => version === old.version).length).toBeGreaterThanOrEqual(2);
  expect((await load.snapshot()).failures).toEqual([]);
});

test('power cut while the old release drains: it stays down, and the next deploy goes on', async () => {
  const old = servingIn(world);
  const tried = world.another();
  const run = await world.run(world.deployOf(tried));
  expect(run.report?.outcome, story(run)).toBe('confirmed');
  expect(await running(old.name)).not.toEqual([]);
  await host.powerCut();
  await host.boot();
  await until('the app answers', async () => (await versionsOf(world)).join() === tried.version, 60);
  await expectServes(world, tried);
  expect(await running(old.name)).toEqual([]);
  await expectNextDeploy(world, world.another());
});
