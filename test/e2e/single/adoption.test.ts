import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { must } from '../../bed/command.ts';
import type { BedHost } from '../../bed/host.ts';
import { story } from '../harness/cli.ts';
import { expectNextDeploy, expectServes, versionsOf } from '../harness/serves.ts';
import { slowSeconds, startTraffic } from '../harness/traffic.ts';
import { openWorld, type World } from '../harness/world.ts';

let world: World;
let host: BedHost;

beforeAll(async () => {
  world = await openWorld({ target: 'single', first: 'nothing' });
  const [first] = world.hosts;
  if (first === undefined) throw new Error('no host');
  host = first;
  await upPlain();
});
afterAll(() => world?.close());

/** The app as its team ran it before: `docker compose up` on the server. */
async function upPlain(): Promise<void> {
  await host.must('rm -rf /home/deploy/plain');
  await must(['docker', 'cp', world.project.folder, `${host.name}:/home/deploy/plain`]);
  const compose = 'docker compose -f compose.yml -f compose.prod.yml -f compose.bed.yml --env-file .env.bed';
  await host.must(
    `cd /home/deploy/plain && export TAG=v2 && {
  ${compose} up -d --wait db redis &&
  ${compose} run --rm backend alembic upgrade head &&
  ${compose} up -d --wait
} 2>&1`,
    { timeout: 180_000 },
  );
}

/** For each of two reloads, of six clients with connections that idle most of the time. */
const maxResets = 6;

test('the first deploy over a running plain compose project', async () => {
  expect(await versionsOf(world)).toEqual(['v2']);
  const rows = () =>
    host.must(
      'docker exec bookreader-db-1 psql -U bookreader -d bookreader -qAtX -c "SELECT count(*) FROM books"',
    );
  const before = await rows();
  const traffic = startTraffic(world);
  await traffic.mark();
  try {
    const release = world.another('v5');
    const run = await world.run(world.deployOf(release));
    expect(run.code, story(run)).toBe(0);
    await expectServes(world, release);
    // The user's own nginx is reloaded twice, this once. It closes idle connections then, and a request that is on its
    // way on one of them is reset (nginx 1.27.4 has keepalive_min_timeout against that); a stream that ends has promised
    // "keep-alive" before. Nothing else may fail, and no request that nginx has taken.
    const failures = await traffic.failures();
    expect(failures.filter(({ kind }) => kind !== 'reset')).toEqual([]);
    const resets = failures.filter(({ client }) => client !== 'stream');
    expect(resets.reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(maxResets);
    // Its own hosts file led nginx past the containers that were to go, and is as it was.
    expect(await host.must('docker exec bookreader-nginx-1 cat /etc/hosts')).not.toContain('sluice');
    // The data stayed where it was.
    expect(await rows()).toBe(before);
    // The last stream that began before the reload is over then.
    await sleep(slowSeconds * 1000 + 500);
    await traffic.mark();
    await expectNextDeploy(world, world.another());
    await traffic.expectNoneFailed();
  } finally {
    await traffic.stop();
  }
});
