import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Running, until } from '../harness/cli.ts';
import { expectNextDeploy, expectServes } from '../harness/serves.ts';
import { startTraffic, type Traffic } from '../harness/traffic.ts';
import { openWorld, quick, servingIn, type World } from '../harness/world.ts';

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
  /** Whether the containers of the next deploy get the addresses of the dead run's, or others. */
  readonly addresses?: Addresses;
}

type Addresses = 'reused' | 'fresh';

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
  { when: 'after start', wait: after('start'), serves: 'old', reconciles: true, addresses: 'reused' },
  { when: 'after health', wait: after('health'), serves: 'old', reconciles: true, addresses: 'fresh' },
  { when: 'after switch', wait: after('switch'), serves: 'old', reconciles: true, addresses: 'fresh' },
  {
    when: 'after switch, next deploy at once',
    wait: after('switch'),
    serves: 'old',
    reconciles: true,
    atOnce: true,
    addresses: 'reused',
  },
  { when: 'after watch', wait: after('watch'), serves: 'old', reconciles: true, addresses: 'fresh' },
  { when: 'after confirm', wait: after('confirm'), serves: 'new', reconciles: true },
  { when: 'after retire', wait: after('retire'), serves: 'new', reconciles: true },
];

// Each kill with one of both; `SLUICE_KILLS=all` tries each with both.
const tried =
  process.env.SLUICE_KILLS === 'all'
    ? kills.flatMap((kill) =>
        kill.addresses === undefined
          ? [kill]
          : (['reused', 'fresh'] as const).map((addresses) => ({ ...kill, addresses })),
      )
    : kills;
const cases = tried.map((kill) => ({
  ...kill,
  name: kill.addresses === undefined ? kill.when : `${kill.when}, addresses ${kill.addresses}`,
}));

test.each(cases)('a runner killed $name', async (kill) => {
  const { wait, serves, more = quick, reconciles, atOnce, addresses } = kill;
  const old = servingIn(world);
  const release = world.another();
  // A network gives its lowest free address: these are free for the next deploy, above them are those of the dead run.
  if (addresses === 'fresh') await onHost(holdAddresses);
  const run = world.start(world.deployOf(release, more));
  await wait(run);
  run.signal('SIGKILL');
  expect((await run.ended).code).toBeNull();
  const dead = addresses === undefined ? [] : await addressesOf(release);
  await onHost(freeAddresses);

  const survivor = serves === 'new' ? release : old;
  world.serving = survivor;
  if (!atOnce) await expectServes(world, survivor);
  const next = await expectNextDeploy(world, serves === 'new' ? world.another() : release);
  expect(next.lines.some((line) => line.step === 'reconcile')).toBe(reconciles);
  if (addresses !== undefined) {
    const now = await addressesOf(release);
    expect(dead.length).toBeGreaterThan(0);
    expect(
      now.some((address) => dead.includes(address)),
      `${dead} before, ${now} now`,
    ).toBe(addresses === 'reused');
  }
  await traffic.expectNoneFailed();
});

const onHost = async (script: string) => (await world.hosts[0]?.must(script)) ?? '';

const holders = 'holder-1 holder-2 holder-3 holder-4 holder-5';
const holdAddresses = `image=$(docker inspect --format '{{.Image}}' bookreader-db-1)
for name in ${holders}; do
  docker run --detach --name $name --network bookreader_default --entrypoint sleep "$image" 600 &
done
wait`;
const freeAddresses = `docker rm --force ${holders} >/dev/null 2>&1 || true`;

async function addressesOf(release: { readonly name: string }): Promise<string[]> {
  const found = await onHost(
    `docker ps -q --filter label=sluice.release=${release.name} --filter label=sluice.colour |
      xargs -r docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}'`,
  );
  return found.split(/\s+/).filter((address) => address !== '');
}
