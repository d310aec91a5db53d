import { expect } from 'vitest';
import type { HostStatus } from '../../../src/deploy/on-host/status.ts';
import { ask } from '../../bed/load/ask.ts';
import { type CliRun, story, until } from './cli.ts';
import type { Release, World } from './world.ts';

/** Answer of `sluice status --json`. */
export interface Status {
  readonly ok: boolean;
  readonly split: boolean;
  readonly hosts: readonly HostStatus[];
}

export async function statusOf(world: World): Promise<Status> {
  const run = await world.run(['status', world.target]);
  try {
    const status = JSON.parse(run.stdout) as Partial<Status>;
    if (status.hosts !== undefined) return status as Status;
  } catch {
    // The story says more than the parser could.
  }
  throw new Error(`sluice status has no answer: ${story(run)}`);
}

const paths = ['/api/version', '/api/books', '/', '/api/version', '/api/books/1', '/'];

/** Versions that answer at each host, asked directly and over connections of their own. */
export async function versionsOf(world: World): Promise<string[]> {
  const answers = await Promise.all(
    world.urls.flatMap((url) =>
      paths.map((path) =>
        ask(url, { path, agent: false, wanted: 200, timeoutMs: 10_000 }).catch((error: unknown) => ({
          version: `no answer (${error instanceof Error ? error.message : error})`,
        })),
      ),
    ),
  );
  return [...new Set(answers.map((answer) => answer.version ?? 'no version'))];
}

/** Waits for the guards if they still watch, then expects that this release, and nothing else, serves everywhere. */
export async function expectServes(world: World, release: Release): Promise<Status> {
  let status = await statusOf(world);
  await until('no switch is armed', async () => {
    if (!status.hosts.some(isArmed)) return true;
    status = await statusOf(world);
    return false;
  });
  expect(await versionsOf(world)).toEqual([release.version]);
  const what = JSON.stringify(status, undefined, 1);
  expect(status.split, what).toBe(false);
  expect(status.hosts.length, what).toBe(world.hosts.length);
  for (const host of status.hosts) {
    expect(host.current, what).toBe(release.name);
    expect([...new Set(host.serving.map((serving) => serving.release))], what).toEqual([release.name]);
    const edges = Object.values(host.edges);
    expect(edges.map((edge) => edge.service).sort(), what).toEqual(['backend', 'frontend']);
    expect(new Set(edges.map((edge) => edge.active)).size, what).toBe(1);
    for (const edge of edges) expect(edge.persisted, what).toBe(edge.active);
  }
  return status;
}

function isArmed(host: HostStatus): boolean {
  return Object.values(host.edges).some((edge) => edge.armed !== null);
}

/**
 * The promise after every fault: a plain deploy succeeds without a hand, and leaves nothing of the one before.
 *
 * @param release the one that was tried before, or a new one.
 */
export async function expectNextDeploy(world: World, release: Release): Promise<CliRun> {
  const run = await world.run(world.deployOf(release));
  expect(run.code, story(run)).toBe(0);
  expect(run.report?.outcome, story(run)).toBe('confirmed');
  expect(run.headline).toContain(`${world.target} serves bookreader ${release.name} (`);
  const status = await expectServes(world, release);
  expect(status.ok, JSON.stringify(status, undefined, 1)).toBe(true);
  await Promise.all(world.hosts.map((host) => expectTidy(host.must, release)));
  return run;
}

/**
 * Nothing runs but the release, its data, its edges and what stands in front; nothing of a one-off is left. The
 * release before may still be ending, nobody waits for that.
 */
async function expectTidy(must: (script: string) => Promise<string>, release: Release): Promise<void> {
  // Asked again and again on the host itself: a `docker exec` for each question would cost more than the question.
  await must(`n=0
while :; do
  coloured=$(docker ps --filter label=sluice.colour --format '{{.Label "sluice.release"}}' | sort -u)
  one_off=$(docker ps -a --format '{{.Names}}' | grep -E '^sluice-(migrate|restore-test|job)-')
  if [ "$coloured" = '${release.name}' ] && [ -z "$one_off" ]; then exit 0; fi
  n=$((n + 1))
  if [ $n -gt 200 ]; then echo still there: $coloured $one_off; exit 1; fi
  sleep 0.1
done`);
}
