import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Running, until } from './harness/cli.ts';
import { expectNextDeploy, expectServes } from './harness/serves.ts';
import { startTraffic, type Traffic } from './harness/traffic.ts';
import { openWorld, quick, servingIn, type World } from './harness/world.ts';

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

interface Kill {
  readonly when: string;
  readonly wait: (run: Running) => Promise<void>;
  readonly serves: 'old' | 'new';
  /** Arguments instead of --no-backup --no-migrate. */
  readonly more?: readonly string[];
  /** The run had opened its journal, so the next one has something to finish or undo. */
  readonly reconciles: boolean;
  /** The next deploy does not wait for the guard's deadline: it reverts the dead run's switch by itself. */
  readonly atOnce?: boolean;
}

const after = (step: string) => (run: Running) => run.after(step);

/** While a one-off container of the step runs. */
const during = (container: string) => () =>
  until(`a container ${container}…`, async () => {
    const found = await world.hosts[0]?.must(`docker ps -q --filter name=^${container}`);
    return found?.trim() !== '';
  });

const kills: readonly Kill[] = [
  { when: 'after lease', wait: after('lease'), serves: 'old', reconciles: false },
  { when: 'after transfer', wait: after('transfer'), serves: 'old', reconciles: true },
  {
    when: 'in backup',
    wait: during('sluice-restore-test-'),
    serves: 'old',
    more: ['--no-migrate'],
    reconciles: true,
  },
  {
    when: 'in migrate',
    wait: during('sluice-migrate-'),
    serves: 'old',
    more: ['--no-backup'],
    reconciles: true,
  },
  { when: 'after start', wait: after('start'), serves: 'old', reconciles: true },
  { when: 'after health', wait: after('health'), serves: 'old', reconciles: true },
  { when: 'after switch', wait: after('switch'), serves: 'old', reconciles: true },
  {
    when: 'after switch, next deploy at once',
    wait: after('switch'),
    serves: 'old',
    reconciles: true,
    atOnce: true,
  },
  { when: 'after watch', wait: after('watch'), serves: 'old', reconciles: true },
  { when: 'after confirm', wait: after('confirm'), serves: 'new', reconciles: true },
  { when: 'after retire', wait: after('retire'), serves: 'new', reconciles: true },
];

test.each(kills)('a runner killed $when', async ({ wait, serves, more = quick, reconciles, atOnce }) => {
  const old = servingIn(world);
  const tried = world.another();
  const run = world.start(world.deployOf(tried, more));
  await wait(run);
  run.signal('SIGKILL');
  expect((await run.ended).code).toBeNull();

  const survivor = serves === 'new' ? tried : old;
  world.serving = survivor;
  if (!atOnce) await expectServes(world, survivor);
  const next = await expectNextDeploy(world, serves === 'new' ? world.another() : tried);
  expect(next.lines.some((line) => line.step === 'reconcile')).toBe(reconciles);
  await traffic.expectNoneFailed();
});
