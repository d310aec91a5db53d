import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../kernel/clock.ts';
import type { ChildEnv } from '../../kernel/process/child-env.ts';
import { runProcess } from '../../kernel/process/process.ts';
import type { BuildTarget } from '../model.ts';
import { grants } from './abilities.ts';
import { type BakeBuild, type BakeOptions, bakeFile, bakeName, linkedTargets, networkFile } from './bake.ts';
import type { Builder } from './builder.ts';
import { buildFailure } from './failure.ts';
import { type ProgressReader, readProgress, type Step } from './progress.ts';

const mostAttempts = 3;
const throttledMs = 5_000;

export interface BakeEffects {
  /** With the logins (docker-config.ts). */
  readonly env: ChildEnv;
  /** The build's secrets, by the names that buildx reads them by. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Socket of the user's ssh-agent, for builds that have `ssh:`. */
  readonly sshAgent: string | undefined;
  /** Only for caches of the kind `gha`: it has the runner's token. */
  readonly cacheService: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly hasLogin: (host: string) => boolean;
  readonly onStep?: (step: Step) => void;
  /** The build failed because of a cache and runs again without it. */
  readonly onAgain?: (why: string) => void;
}

export interface BakeResult {
  /** Digest of each image, by the target's name; of its manifest or index, as the builder made it. */
  readonly digests: Readonly<Record<string, string>>;
  readonly progress: ProgressReader;
  /** Why no cache was read; undefined if they were. */
  readonly withoutCache: string | undefined;
}

/**
 * One `docker buildx bake` for all images: it builds shared stages once, and independent ones in parallel.
 *
 * @param all every target of the app, for those that others use as contexts.
 * @throws UserError `build.*`
 */
export async function runBake(
  builder: Builder,
  builds: readonly BakeBuild[],
  all: readonly BuildTarget[],
  options: BakeOptions,
  effects: BakeEffects,
): Promise<BakeResult> {
  const others = linkedTargets(
    builds.map(({ target }) => target),
    all,
  );
  const targets = [...builds.map(({ target }) => target), ...others];
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bake-'));
  try {
    const definition = join(folder, 'bake.json');
    const metadata = join(folder, 'metadata.json');
    // Build arguments may be secrets.
    const define = (what: readonly BakeBuild[]) =>
      writeFile(definition, bakeFile(what, others, options), { mode: 0o600 });
    await define(builds);
    const networks = networkFile(targets);
    const before = join(folder, 'networks.yml');
    if (networks !== undefined) await writeFile(before, networks, { mode: 0o600 });
    const files = [...(networks === undefined ? [] : ['--file', before]), '--file', definition];
    const names = builds.map(({ target }) => bakeName(target));
    const allow = grants(targets, builder.buildxVersion);
    const argv = ['bake', ...files, ...allow, '--metadata-file', metadata, '--progress', 'rawjson', ...names];
    let withoutCache: string | undefined;
    for (let attempt = 1; ; attempt++) {
      const progress = readProgress(targets.map(bakeName), effects.onStep);
      const { code } = await runProcess([...builder.buildx, ...argv], {
        cwd: folder,
        env: {
          ...effects.env,
          ...effects.secrets,
          ...(targets.some(({ ssh }) => ssh.length > 0) ? { SSH_AUTH_SOCK: effects.sshAgent } : {}),
          ...(usesCacheService(builds, targets) ? effects.cacheService : {}),
          BUILDX_METADATA_WARNINGS: 'true',
          BUILDX_METADATA_PROVENANCE: 'disabled',
          // Without it, bake asks for consent to read files outside of the current folder.
          BUILDX_BAKE_ENTITLEMENTS_FS: '0',
        },
        signal: effects.signal,
        onLine: (line, stream) => {
          if (stream === 'stderr') progress.feed(line);
        },
      });
      if (code === 0) return { digests: await readDigests(metadata, builds), progress, withoutCache };
      const broken = withoutCache === undefined ? brokenBlob(progress, builds) : undefined;
      if (broken !== undefined) {
        withoutCache = broken;
        effects.onAgain?.(broken);
        await define(builds.map(cacheless));
        continue;
      }
      // Another build of the same tree stored its image at the same moment; everything else is in the cache by now.
      const met = progress.rest().some((line) => /^ERROR: .*image "[^"]*": already exists/.test(line));
      const sources = await readSources(targets);
      const failure = buildFailure(progress, targets, code, sources, effects.hasLogin);
      // BuildKit itself retries a push, except after "too many requests".
      const isThrottled = failure.code === 'registry.throttled';
      if ((!met && !isThrottled) || attempt >= mostAttempts) throw failure;
      if (isThrottled) await effects.clock.sleep(throttledMs * attempt, effects.signal);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function usesCacheService(builds: readonly BakeBuild[], targets: readonly BuildTarget[]): boolean {
  const caches = [
    ...builds.flatMap(({ cacheFrom, cacheTo }) => [...cacheFrom, ...cacheTo]),
    ...targets.flatMap(({ cacheFrom }) => cacheFrom),
  ];
  return caches.some((cache) => /(?:^|,)type=gha(?:,|$)/.test(cache));
}

/**
 * BuildKit's errors for a layer that is missing where the cache claims it is. BuildKit notices only when a step needs the
 * layer, and reports that as the step's failure.
 */
const lostBlob =
  /could not fetch content descriptor|httpReadSeeker|unexpected commit digest|short read: expected|failed to copy: (?:read |unexpected EOF)|content digest sha256:\S+ not found|blob sha256:\S+: not found|missing descriptor handlers/;

function brokenBlob(progress: ProgressReader, builds: readonly BakeBuild[]): string | undefined {
  const reads = builds.some(({ cacheFrom, target }) => cacheFrom.length + target.cacheFrom.length > 0);
  if (!reads) return undefined;
  const errors = progress
    .steps()
    .flatMap(({ kind, error }) => (error === undefined || kind === 'cache-import' ? [] : [error]));
  return [...errors, ...progress.rest()].find((text) => lostBlob.test(text));
}

/** The same build without caches: layers that a broken cache did provide are in the builder's own by now. */
function cacheless(build: BakeBuild): BakeBuild {
  return { ...build, cacheFrom: [], target: { ...build.target, cacheFrom: [] } };
}

async function readSources(targets: readonly BuildTarget[]): Promise<Map<BuildTarget, string>> {
  const read = targets.map(async (target) => {
    const { dockerfile } = target;
    const text =
      dockerfile.kind === 'inline'
        ? dockerfile.text
        : await readFile(dockerfile.path, 'utf8').catch(() => '');
    return [target, text] as const;
  });
  return new Map(await Promise.all(read));
}

async function readDigests(file: string, builds: readonly BakeBuild[]): Promise<Record<string, string>> {
  const text = await readFile(file, 'utf8').catch(() => '{}');
  const metadata = JSON.parse(text) as Record<string, { 'containerimage.digest'?: string } | undefined>;
  return Object.fromEntries(
    builds.flatMap(({ target }) => {
      const digest = metadata[bakeName(target)]?.['containerimage.digest'];
      return digest === undefined ? [] : [[target.name, digest] as const];
    }),
  );
}
