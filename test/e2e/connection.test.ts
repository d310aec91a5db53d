import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { must } from '../bed/command.ts';
import type { BedHost } from '../bed/host.ts';
import { hostPlace, registry } from '../bed/layout.ts';
import { type Relay, startRelay } from '../bed/relay.ts';
import { type Running, story, until } from './harness/cli.ts';
import { expectNextDeploy, expectServes } from './harness/serves.ts';
import { startTraffic, type Traffic } from './harness/traffic.ts';
import { openWorld, quick, servingIn, type World, watched } from './harness/world.ts';

let relay: Relay;
let world: World;
let traffic: Traffic;

beforeAll(async () => {
  // All SSH goes through the relay, which can cut it for longer than a moment.
  relay = await startRelay({ target: hostPlace(1).ssh, oneWayDelay: 0 });
  const throughRelay = (host: BedHost) => ({ ...host, sshTarget: `deploy@${relay.host}:${relay.port}` });
  world = await openWorld({
    target: 'single',
    hosts: ([first, ...rest]) => (first === undefined ? [] : [throughRelay(first), ...rest]),
  });
  traffic = startTraffic(world);
});
afterAll(async () => {
  await traffic?.stop();
  await relay?.close();
  world?.close();
});
beforeEach(() => traffic.mark());

const onHost = async (script: string) => (await world.hosts[0]?.must(script)) ?? '';

/** The registry stands still in the midst of a pull. */
async function inTransfer(run: Running): Promise<void> {
  await run.after('preflight');
  await must(['docker', 'pause', registry.container]);
  await until('a pull waits for the registry', async () => {
    const open = await onHost(`ss -Htn state established dst 10.211.0.5:5000 | wc -l`);
    return Number(open) > 0;
  });
}

const inBackup = () =>
  until(
    'the restore test runs',
    async () => (await onHost('docker ps -q --filter name=^sluice-restore-test-')) !== '',
  );

const cuts = [
  { when: 'in transfer', wait: inTransfer, more: quick, step: 'transfer', outcome: 'failed-before-change' },
  {
    when: 'in backup',
    wait: inBackup,
    more: ['--no-migrate'],
    step: 'backup',
    outcome: 'failed-before-change',
  },
  {
    when: 'while armed',
    wait: (run: Running) => run.after('switch'),
    more: watched,
    step: 'watch',
    outcome: 'undone',
  },
] as const;

test.each(cuts)(
  'all SSH sessions die $when: the run comes back to undo',
  async ({ wait, more, step, outcome }) => {
    const old = servingIn(world);
    // Images that no container uses go, so that the release has to be pulled.
    if (step === 'transfer') await onHost('docker image prune --all --force >/dev/null');
    const tried = world.another();
    const running = world.start(world.deployOf(tried, more));
    try {
      await wait(running);
      await onHost('pkill -KILL -x sshd-session || true');
    } finally {
      if (step === 'transfer') await must(['docker', 'unpause', registry.container]);
    }
    const run = await running.ended;
    expect(run.code, story(run)).toBe(1);
    expect(run.errors.map((error) => error.code)).toEqual(['host.connection-lost']);
    expect(run.report?.outcome).toBe(outcome);
    expect(run.report?.unreachable).toEqual([]);
    expect(run.headline).toMatch(new RegExp(`^single serves bookreader ${old.name} \\(`));
    await expectServes(world, old);
    await expectNextDeploy(world, tried);
    await traffic.expectNoneFailed();
  },
);

test('the network refuses while armed: nobody comes back, the guard reverts', async () => {
  const old = servingIn(world);
  const tried = world.another();
  const running = world.start(world.deployOf(tried, watched));
  await running.after('switch');
  await relay.cut('reset');
  const run = await running.ended;
  await relay.restore();
  expect(run.code, story(run)).toBe(1);
  expect(run.errors.map((error) => error.code)).toEqual(['host.connection-lost']);
  expect(run.report?.outcome).toBe('interrupted');
  expect(run.report?.unreachable).toHaveLength(1);
  expect(run.headline).toMatch(
    new RegExp(
      `^the release on single is unknown; \\S+ could not be reached; the deploy of ${tried.name} was interrupted in step (watch|undo switch) `,
    ),
  );
  expect(run.headline).toContain(`so the guard reverts to ${old.name}`);
  expect(run.report?.nextAction).toContain('sluice status single');
  await expectServes(world, old);
  await expectNextDeploy(world, tried);
  await traffic.expectNoneFailed();
});

test('a second deploy at the same time', async () => {
  const [one, other] = [world.another(), world.another()];
  const first = world.start(world.deployOf(one), { GITHUB_ACTOR: 'ada' });
  await first.after('lease');
  const summary = join(world.project.folder, 'summary.md');
  const second = await world.run(world.deployOf(other), { GITHUB_STEP_SUMMARY: summary });
  expect(second.code, story(second)).toBe(1);
  expect(second.errors.map((error) => error.code)).toEqual(['lease.held']);
  expect(second.errors[0]?.message).toMatch(
    /is being deployed by ada, on .+, deploy \d{8}-\d{6}-\w{6}, since 2/,
  );
  // Nothing was planned yet, and still the summary says what serves.
  const [told = ''] = readFileSync(summary, 'utf8').split('\n');
  expect(told).toMatch(/single.* serves .*bookreader/);
  expect(told).toMatch(/stopped before it changed anything: .* is being deployed by ada/);

  const run = await first.ended;
  expect(run.code, story(run)).toBe(0);
  expect(second.errors[0]?.message).toContain(run.report?.deploy);
  await expectServes(world, one);
  await expectNextDeploy(world, world.another());
  await traffic.expectNoneFailed();
});
