import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { BedHost } from '../bed/host.ts';
import { story, until } from './harness/cli.ts';
import { expectNextDeploy, expectServes, statusOf, versionsOf } from './harness/serves.ts';
import { startTraffic, type Traffic } from './harness/traffic.ts';
import { openWorld, servingIn, type World, watched } from './harness/world.ts';

let world: World;
let traffic: Traffic;
let second: BedHost;

beforeAll(async () => {
  world = await openWorld({ target: 'production' });
  const [, other] = world.hosts;
  if (other === undefined) throw new Error('production needs two hosts');
  second = other;
  traffic = startTraffic(world);
});
afterAll(async () => {
  await traffic?.stop();
  world?.close();
});
beforeEach(() => traffic.mark());

/** Says something to the guard of a host's edge, past the runner. */
async function tellGuard(host: BedHost, service: string, command: string): Promise<void> {
  const socket = `/opt/sluice/bookreader/edge/${service}/run/admin.sock`;
  const answer = await host.must(`echo "sluice ${command}" | socat -t 5 - UNIX-CONNECT:${socket}`);
  expect(answer).toMatch(/^ok: /);
}

/** The nonce of the switch that is armed everywhere. */
async function armedNonce(): Promise<string> {
  const status = await statusOf(world);
  const nonces = status.hosts.flatMap((host) => Object.values(host.edges).map((edge) => edge.armed?.nonce));
  const [nonce] = nonces;
  expect(new Set(nonces).size, nonces.join()).toBe(1);
  if (nonce === undefined) throw new Error('no switch is armed');
  return nonce;
}

test('the edge of one host reverts: all hosts do', async () => {
  const old = servingIn(world);
  const tried = world.another();
  const running = world.start(world.deployOf(tried, watched));
  await running.after('switch');
  await tellGuard(second, 'backend', `revert ${await armedNonce()} test`);
  const run = await running.ended;
  expect(run.code, story(run)).toBe(1);
  expect(run.errors.map((error) => error.code)).toEqual(['watch.reverted']);
  expect(run.report?.outcome).toBe('reverted');
  expect(run.headline).toMatch(
    new RegExp(`^production serves bookreader ${old.name} \\(\\w+\\) on 2 hosts; `),
  );
  await expectServes(world, old);
  await expectNextDeploy(world, tried);
  await traffic.expectNoneFailed();
});

test('a runner killed between the confirmations of two hosts: the next deploy finishes', async () => {
  const tried = world.another();
  const running = world.start(world.deployOf(tried, watched));
  await running.after('switch');
  const nonce = await armedNonce();
  running.signal('SIGKILL');
  await running.ended;
  const [first] = world.hosts;
  if (first === undefined) throw new Error('production needs two hosts');
  for (const service of ['backend', 'frontend']) await tellGuard(first, service, `confirm ${nonce}`);
  // The same release again: it has to be finished on the second host, and its singleton changed over.
  const run = await world.run(world.deployOf(tried));
  expect(run.code, story(run)).toBe(0);
  expect(run.lines.find((line) => line.step === 'reconcile')?.message).toContain(
    `finished ${tried.name}, which was confirmed`,
  );
  expect(run.headline).toMatch(
    new RegExp(`^production (already )?serves bookreader ${tried.name} \\(\\w+\\) on 2 hosts; `),
  );
  world.serving = tried;
  await expectServes(world, tried);
  await expectNextDeploy(world, world.another());
  await traffic.expectNoneFailed();
});

// Last: the clients of the host without power do fail.
test('power cut of one host while armed: the other goes back', async () => {
  const old = servingIn(world);
  const tried = world.another();
  const running = world.start(world.deployOf(tried, watched));
  await running.after('switch');
  await second.powerCut();
  const run = await running.ended;
  await second.boot();
  expect(run.code, story(run)).toBe(1);
  expect(run.errors.map((error) => error.code)).not.toContain('bug');
  expect(run.headline).not.toContain(`serves bookreader ${tried.name}`);
  expect(run.headline).toContain('could not be reached');
  await until('the app answers', async () => {
    const versions = await versionsOf(world);
    return versions.length === 1 && versions[0] === old.version;
  });
  await expectServes(world, old);
  await traffic.mark();
  await expectNextDeploy(world, tried);
  await traffic.expectNoneFailed();
});
