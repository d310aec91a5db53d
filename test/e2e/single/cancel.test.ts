import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Running, story, until } from '../harness/cli.ts';
import { expectNextDeploy, expectServes } from '../harness/serves.ts';
import { startTraffic, type Traffic } from '../harness/traffic.ts';
import { openWorld, type Release, servingIn, type World } from '../harness/world.ts';

/** A cancelled job of GitHub Actions is killed about 7.5 s after its SIGINT. */
const longestMs = 7_000;

let world: World;
let traffic: Traffic;

beforeAll(async () => {
  world = await openWorld({ target: 'single' });
  traffic = startTraffic(world);
});
afterAll(async () => {
  await traffic?.stop();
  world?.close();
});
beforeEach(() => traffic.mark());

/** New containers are being made. */
async function inStart(_run: Running, release: Release): Promise<void> {
  const filter = `docker ps -aq --filter label=sluice.release=${release.name}`;
  await until('a container of the new release', async () => {
    const found = await world.hosts[0]?.must(filter);
    return found?.trim() !== '';
  });
}

const cancels = [
  { when: 'in start', wait: inStart, serves: 'old' },
  { when: 'in health', wait: (run: Running) => run.after('start'), serves: 'old' },
  { when: 'while armed', wait: (run: Running) => run.after('switch'), serves: 'old' },
  { when: 'in retire', wait: (run: Running) => run.after('confirm'), serves: 'new' },
] as const;

test.each(cancels)('SIGINT $when', async ({ wait, serves }) => {
  const old = servingIn(world);
  const tried = world.another();
  const running = world.start(world.deployOf(tried));
  await wait(running, tried);
  if (serves === 'old') await sleep(50);
  running.signal('SIGINT');
  const begun = performance.now();
  const run = await running.ended;
  expect(performance.now() - begun, story(run)).toBeLessThan(longestMs);

  const survivor = serves === 'new' ? tried : old;
  expect(run.code, story(run)).toBe(130);
  expect(run.report?.outcome, story(run)).toBe(serves === 'new' ? 'confirmed' : 'undone');
  expect(run.headline).toContain(`single serves bookreader ${survivor.name} (`);
  if (serves === 'old') expect(run.headline).toMatch(/was undone (after|before) the switch: Cancelled/);
  await expectServes(world, survivor);
  await expectNextDeploy(world, serves === 'new' ? world.another() : tried);
  await traffic.expectNoneFailed();
});
