import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BedHost } from '../../bed/host.ts';
import { monotonic } from '../../bed/load/clock.ts';
import { type RunningLoad, startLoad } from '../../bed/load/start.ts';
import { type CliRun, type Running, story, until } from '../harness/cli.ts';
import { expectNextDeploy, expectServes, statusOf, versionsOf } from '../harness/serves.ts';
import { startTraffic, type Traffic } from '../harness/traffic.ts';
import { openWorld, quick, type Release, servingIn, type World, watched } from '../harness/world.ts';

// Faults of the machine stop what carries the traffic: here requests may fail, but only until it is back.

let world: World;
let host: BedHost;
let traffic: Traffic;

beforeAll(async () => {
  world = await openWorld({ target: 'single' });
  const [first] = world.hosts;
  if (first === undefined) throw new Error('no host');
  host = first;
  traffic = startTraffic(world);
});
afterAll(async () => {
  await traffic?.stop();
  world?.close();
});

/** Starts a deploy and waits until it has done a step. */
async function deployUntil(step: string): Promise<{ old: Release; tried: Release; running: Running }> {
  const old = servingIn(world);
  const tried = world.another();
  const running = world.start(world.deployOf(tried, step === 'switch' ? watched : quick));
  await running.after(step);
  return { old, tried, running };
}

/** The app answers again, and what it answers is one release. */
async function untilAnswers(): Promise<void> {
  const broken = (versions: string[]) =>
    versions.length !== 1 || versions.some((version) => version.startsWith('no '));
  await until('the app answers', async () => !broken(await versionsOf(world)), 60);
}

/** From here on nobody may fail any more. */
async function expectWellAfter(tried: Release): Promise<void> {
  await traffic.mark();
  await expectNextDeploy(world, tried);
  await traffic.expectNoneFailed();
}

function expectNotConfirmed(run: CliRun, tried: Release): void {
  expect(run.code, story(run)).toBe(1);
  expect(run.report?.outcome, story(run)).not.toBe('confirmed');
  expect(run.headline).not.toContain(`serves bookreader ${tried.name}`);
  expect(run.errors.map((error) => error.code)).not.toContain('bug');
}

/** The host may be back before the run gives up. Either way the first line says what is known, and no more. */
function expectHonest(run: CliRun, serves: Release): void {
  const start = run.report?.unreachable.length
    ? 'the release on single is unknown; '
    : `single serves bookreader ${serves.name} `;
  expect(run.headline.slice(0, start.length)).toBe(start);
}

test('power cut while armed: the old release serves after the boot', async () => {
  const { old, tried, running } = await deployUntil('switch');
  await host.powerCut();
  await host.boot();
  const run = await running.ended;
  expectNotConfirmed(run, tried);
  expectHonest(run, old);
  await untilAnswers();
  await expectServes(world, old);
  await expectWellAfter(tried);
});

test('power cut right after the confirmation: the new release serves after the boot', async () => {
  const { tried, running } = await deployUntil('confirm');
  await host.powerCut();
  await host.boot();
  const run = await running.ended;
  expect(run.code, story(run)).toBe(0);
  expect(run.report?.outcome).toBe('confirmed');
  expectHonest(run, tried);
  await untilAnswers();
  await expectServes(world, tried);
  await expectWellAfter(world.another());
});

test.each([
  { how: 'restarted', crash: false },
  { how: 'killed', crash: true },
])('the engine is $how while armed: the old release serves', async ({ crash }) => {
  const { old, tried, running } = await deployUntil('switch');
  await host.restartDockerd({ crash });
  const run = await running.ended;
  expectNotConfirmed(run, tried);
  await untilAnswers();
  await expectServes(world, old);
  await expectWellAfter(tried);
});

const backendEdge = '"$(docker ps -q --filter label=sluice.edge --filter label=sluice.service=backend)"';

test('HAProxy is killed while armed: it comes back with the old release', async () => {
  await traffic.mark();
  const { old, tried, running } = await deployUntil('switch');
  await host.must(
    `docker top ${backendEdge} -eo pid,comm | awk '$2 == "haproxy" { print $1 }' | xargs kill -KILL`,
  );
  const run = await running.ended;
  expectNotConfirmed(run, tried);
  expect(run.errors.map((error) => error.code)).toEqual(['watch.reverted']);
  expect(run.headline).toContain(`single serves bookreader ${old.name} (`);
  await expectServes(world, old);
  await expectWellAfter(tried);
});

test('the edge is killed while armed: the next deploy brings it back', async () => {
  const { tried, running } = await deployUntil('switch');
  await host.must(`docker kill ${backendEdge}`);
  const run = await running.ended;
  expectNotConfirmed(run, tried);
  await expectNextDeploy(world, tried);
  await traffic.mark();
  await expectNextDeploy(world, world.another());
  await traffic.expectNoneFailed();
});

describe('with WebSockets open and a drain of 20 s', () => {
  const drainSeconds = 20;
  let load: RunningLoad;
  let config: string;

  beforeAll(async () => {
    config = world.config((settings) => {
      settings.drain = `${drainSeconds}s`;
    });
    load = startLoad({ urls: world.urls, rate: 10, webSockets: 2, slowSeconds: 2 });
    await until('two WebSockets are open', async () => (await load.snapshot()).webSockets.open >= 2);
  });
  afterAll(async () => {
    await load?.stop();
  });

  /** Containers of a release's web process that run. */
  async function running(release: string): Promise<string[]> {
    const filters = [`sluice.release=${release}`, 'sluice.service=backend'].map(
      (label) => `--filter label=${label}`,
    );
    const names = await host.must(`docker ps ${filters.join(' ')} --format '{{.Names}}'`);
    return names.trim().split('\n').filter(Boolean);
  }

  async function deploy(): Promise<{ old: Release; tried: Release }> {
    const old = servingIn(world);
    const tried = world.another();
    const run = await world.run([...world.deployOf(tried), '--config', config]);
    expect(run.report?.outcome, story(run)).toBe('confirmed');
    expect(await running(old.name)).not.toEqual([]);
    return { old, tried };
  }

  test('they go on for the whole drain, and the command waits for none of it', async () => {
    const { cuts: before } = (await load.snapshot()).webSockets;
    const { old } = await deploy();
    const ended = monotonic();
    expect((await statusOf(world)).hosts[0]?.finishing.map(({ service }) => service)).toContain('backend');
    // The confirmation was seconds ago at the most.
    await sleep(drainSeconds * 1000 - 5_000);
    expect((await load.snapshot()).webSockets.cuts).toEqual(before);
    await until('the old release has ended', async () => (await running(old.name)).length === 0, 60);
    const after = await load.snapshot();
    const cuts = after.webSockets.cuts.filter(({ version }) => version === old.version).slice(before.length);
    expect(cuts.length).toBeGreaterThanOrEqual(2);
    expect(cuts.filter(({ at }) => at < ended + (drainSeconds - 5) * 1000)).toEqual([]);
    expect(after.failures).toEqual([]);
  });

  test('a power cut meanwhile: the old release stays down, and the next deploy goes on', async () => {
    const { old, tried } = await deploy();
    await host.powerCut();
    await host.boot();
    await untilAnswers();
    await expectServes(world, tried);
    expect(await running(old.name)).toEqual([]);
    await expectWellAfter(world.another());
  });
});
