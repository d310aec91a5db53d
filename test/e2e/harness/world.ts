import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Project, type ProjectSettings, writeProject } from '../../bed/app/project.ts';
import { buildVersions, type VersionName } from '../../bed/app/versions.ts';
import { type Bed, type BedHost, upBed } from '../../bed/bed.ts';
import { type CliRun, type Running, startCli, story } from './cli.ts';

/** A release that is to serve: its name, and the version of the example in it. */
export interface Release {
  readonly name: string;
  readonly version: VersionName;
}

export interface WorldOptions {
  readonly target: 'single' | 'production';
  /** Versions besides v2 and v5. */
  readonly versions?: readonly VersionName[];
  /** What serves first; v2 by default. */
  readonly first?: VersionName | 'nothing';
  readonly settings?: ProjectSettings;
  /** Changes what the project says of the hosts, such as the way to reach them. */
  readonly hosts?: (hosts: readonly BedHost[]) => readonly BedHost[];
}

/** What the backup and the migration have nothing to do with goes without them. */
export const quick = ['--no-backup', '--no-migrate'] as const;

/** For faults in the watch that take a moment to happen. */
export const watched = [...quick, '--watch', '10s'] as const;

/** The bed with a project on it, and a release that serves. One per test file. */
export interface World {
  readonly bed: Bed;
  readonly hosts: readonly BedHost[];
  readonly project: Project;
  readonly target: string;
  readonly urls: readonly string[];
  /** The release that was confirmed last: by a run that said so, or set by a test that killed its run. */
  serving: Release | undefined;
  /** A release that does not serve yet; of another version than the one that does, unless one is named. */
  another(version?: VersionName): Release;
  start(args: readonly string[], env?: Readonly<Record<string, string>>): Running;
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<CliRun>;
  /** Arguments of a deploy; backup and migration only if asked. */
  deployOf(release: Release, more?: readonly string[]): string[];
  /** A config with a change, for `--config`. */
  config(change: (config: Record<string, unknown>) => void): string;
  close(): void;
}

/** Brings the bed up, empties the hosts of the target and deploys the first release. */
export async function openWorld(options: WorldOptions): Promise<World> {
  const { target, settings, first = 'v2' } = options;
  const bed = await upBed({ hosts: 2, log: () => {} });
  const folder = mkdtempSync(join(tmpdir(), 'sluice-e2e-'));
  const close = () => {
    rmSync(folder, { recursive: true, force: true });
    bed.release();
  };
  try {
    const wanted: VersionName[] = ['v2', 'v5', ...(options.versions ?? [])];
    if (first !== 'nothing') wanted.push(first);
    const own = ownHosts(bed);
    const hosts = target === 'single' ? own.slice(0, 1) : own;
    await Promise.all([
      buildVersions([...new Set(wanted)], () => {}),
      ...(isShared ? hosts : own).map((host) => host.wipe()),
    ]);
    const world = worldOf(
      bed,
      own,
      hosts,
      folder,
      { ...options, settings: { ...swift, ...settings } },
      close,
    );
    if (first !== 'nothing') await deployFirst(world, first);
    return world;
  } catch (error) {
    close();
    throw error;
  }
}

/** Set by vitest.config.ts where two workers share the bed: each has a host for itself. */
const isShared = process.env['SLUICE_E2E_SHARED_BED'] === '1';

/** The hosts of the bed, this worker's host first. */
function ownHosts({ hosts }: Bed): readonly BedHost[] {
  const first = isShared ? Number(process.env['VITEST_POOL_ID']) - 1 : 0;
  return [...hosts.slice(first), ...hosts.slice(0, first)];
}

/** Short watch, deadline and drain: a test waits for each of them more than once. */
const swift: ProjectSettings = {
  watch: { for: '500ms', 'max-5xx': '1%', 'min-5xx': 10, deadline: '4s' },
  drain: '500ms',
};

function worldOf(
  bed: Bed,
  all: readonly BedHost[],
  hosts: readonly BedHost[],
  folder: string,
  options: WorldOptions,
  close: () => void,
): World {
  const { target } = options;
  const project = writeProject(folder, options.hosts?.(all) ?? all, options.settings ?? {});
  const releases = new Map<string, Release>();
  let configs = 0;
  const world: World = {
    bed,
    hosts,
    project,
    target,
    urls: hosts.map((host) => `http://${host.http.host}:${host.http.port}`),
    serving: undefined,
    another: (version) => {
      const name = `r${releases.size + 1}`;
      const release = { name, version: version ?? (world.serving?.version === 'v2' ? 'v5' : 'v2') };
      releases.set(name, release);
      return release;
    },
    start: (args, env = {}) => {
      const running = startCli(args, { folder, key: bed.privateKeyPath, env });
      const ended = running.ended.then((run) => {
        const { report } = run;
        if (report?.outcome === 'confirmed') world.serving = releases.get(report.release);
        return run;
      });
      return { ...running, ended };
    },
    run: (args, env) => world.start(args, env).ended,
    deployOf: ({ name, version }, more = quick) => [
      ...['deploy', target, '--release', name, '--images', project.images(version)],
      ...more,
    ],
    config: (change) => {
      const config = parse(readFileSync(project.config, 'utf8')) as Record<string, unknown>;
      change(config);
      configs += 1;
      const file = join(folder, `sluice-${configs}.yml`);
      writeFileSync(file, stringify(config, { lineWidth: 0 }));
      return file;
    },
    close,
  };
  return world;
}

async function deployFirst(world: World, version: VersionName): Promise<void> {
  const run = await world.run(world.deployOf(world.another(version), ['--no-backup']));
  expect(run.code, story(run)).toBe(0);
}

/** What served before a fault, and has to serve after it unless the new release was confirmed. */
export function servingIn(world: World): Release {
  if (world.serving === undefined) throw new Error('nothing serves');
  return world.serving;
}
