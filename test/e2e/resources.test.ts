import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type CliRun, story } from './harness/cli.ts';
import { expectNextDeploy, expectServes } from './harness/serves.ts';
import { startTraffic, type Traffic } from './harness/traffic.ts';
import { openWorld, quick, type Release, servingIn, type World, watched } from './harness/world.ts';

let world: World;
let traffic: Traffic;

beforeAll(async () => {
  world = await openWorld({ target: 'single', first: 'v1', versions: ['v3', 'v4'] });
  traffic = startTraffic(world);
});
afterAll(async () => {
  await traffic?.stop();
  world?.close();
});
beforeEach(() => traffic.mark());
afterEach(async () => {
  await world.bed.startRegistry();
  await freeDisk();
});

const onHost = async (script: string) => (await world.hosts[0]?.must(script)) ?? '';
const freeDisk = () => onHost('rm -rf /bed/disk/fill /bed/disk/more');
const sql = (statement: string) =>
  onHost(`docker exec bookreader-db-1 psql -U bookreader -d bookreader -qAtX -c "${statement}"`);

/** A deploy that must fail with one error and change nothing of what serves. */
async function expectRefused(tried: Release, code: string, more: readonly string[] = quick): Promise<CliRun> {
  const old = servingIn(world);
  const run = await world.run(world.deployOf(tried, more));
  expect(
    run.errors.map((error) => error.code),
    story(run),
  ).toEqual([code]);
  expect(run.code).toBe(1);
  if (run.report !== undefined) expect(run.headline).toContain(`single serves bookreader ${old.name} (`);
  await expectServes(world, old);
  return run;
}

// First, while the schema is still the one of v1.
test('a migration that waits for a lock gives up, and nobody waits for it', async () => {
  const tried = world.another('v2');
  const config = world.config((content) => {
    Object.assign(content.migrate as object, { 'lock-timeout': '1s' });
  });
  // A long report: it reads the table, so the migration has to wait, and whoever comes after the migration too.
  await onHost(
    `docker exec -d bookreader-db-1 psql -U bookreader -d bookreader -c 'BEGIN; SELECT count(*) FROM bookmarks; SELECT pg_sleep(60)'`,
  );
  try {
    const run = await expectRefused(tried, 'migrate.locked', ['--no-backup', '--config', config]);
    expect(run.report?.migration?.before).toBe('0001');
    expect(await sql(`SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'`)).toBe('0\n');
    expect(await sql('SELECT version_num FROM alembic_version')).toBe('0001\n');
  } finally {
    await sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()`,
    );
  }
  const next = await world.run(world.deployOf(tried, ['--no-backup']));
  expect(next.code, story(next)).toBe(0);
  expect(next.report?.migration).toMatchObject({ before: '0001', after: '0002 (head)' });
  await expectServes(world, tried);
  await traffic.expectNoneFailed();
});

test('a migration that fails', async () => {
  const tried = world.another();
  const config = world.config((content) => {
    Object.assign(content.migrate as object, { command: 'alembic upgrade nonsense' });
  });
  const run = await expectRefused(tried, 'migrate.failed', ['--config', config]);
  expect(run.report?.error?.output).toContain('nonsense');
  expect(run.report?.error?.hint).toMatch(/sluice restore single \S+before-r\d+/);
  expect(run.report?.backup?.restoreTest?.ok).toBe(true);
  await expectNextDeploy(world, tried);
  await traffic.expectNoneFailed();
});

test('the registry is down', async () => {
  const tried = world.another();
  await onHost('docker image prune --all --force >/dev/null');
  await world.bed.stopRegistry();
  await expectRefused(tried, 'image.unresolved');
  await world.bed.startRegistry();
  await expectNextDeploy(world, tried);
  await traffic.expectNoneFailed();
});

test('too little disk: refused before anything is changed', async () => {
  const tried = world.another();
  await world.hosts[0]?.fillDisk(300);
  const run = await expectRefused(tried, 'preflight.failed');
  expect(run.report?.outcome).toBe('failed-before-change');
  await freeDisk();
  await expectNextDeploy(world, tried);
  await traffic.expectNoneFailed();
});

test('no disk at all, and nobody asked before', async () => {
  const old = servingIn(world);
  const tried = world.another();
  await world.hosts[0]?.fillDisk(1);
  // The last blocks go only to small files.
  await onHost(`mkdir -p /bed/disk/more; n=0
until ! head -c 4096 /dev/zero >/bed/disk/more/$n 2>/dev/null; do n=$((n + 1)); done`);
  const run = await world.run(world.deployOf(tried, [...quick, '--no-preflight']));
  expect(run.code, story(run)).toBe(1);
  expect(
    ['lease.unusable', 'journal.unwritable', 'host.disk-full', 'host.write-failed'],
    story(run),
  ).toContain(run.errors[0]?.code);
  await expectServes(world, old);
  await freeDisk();
  await expectNextDeploy(world, tried);
  await traffic.expectNoneFailed();
});

test('a release that never gets well', async () => {
  const run = await expectRefused(world.another('v3'), 'health.component');
  expect(run.headline).toContain('was undone before the switch');
  await expectNextDeploy(world, world.another());
  await traffic.expectNoneFailed();
});

test('a release that answers 500 after the switch: the guard takes it out', async () => {
  const run = await expectRefused(world.another('v4'), 'watch.reverted', watched);
  expect(run.report?.outcome).toBe('reverted');
  expect(run.headline).toMatch(
    /r\d+ was reverted after [\d.]+ s: \d+ of \d+ answers since the switch were errors/,
  );
  await traffic.expectNoneFailed('v4');
  await expectNextDeploy(world, world.another());
});

// Last: without its database the app cannot answer, so here requests may fail.
test('the database is down at the backup', async () => {
  const old = servingIn(world);
  const tried = world.another();
  // The release has to be pulled first, so the database dies before the backup.
  await onHost('docker image prune --all --force >/dev/null');
  const running = world.start(world.deployOf(tried, ['--no-migrate']));
  await running.after('preflight');
  await onHost('docker kill bookreader-db-1');
  const run = await running.ended;
  expect(run.code, story(run)).toBe(1);
  expect(run.errors[0]?.code, story(run)).toMatch(/^backup\./);
  expect(run.headline).toContain(`single serves bookreader ${old.name} (`);
  // The next deploy starts the database, too.
  await expectNextDeploy(world, tried);
  await traffic.mark();
  await expectNextDeploy(world, world.another());
  await traffic.expectNoneFailed();
});
