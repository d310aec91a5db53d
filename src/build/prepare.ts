import { createHash } from 'node:crypto';
import { isCarried } from '../config/carried.ts';
import { parseImage } from '../config/image.ts';
import type { ComposeModel, Config } from '../config/model.ts';
import { messageOf, UserErrors } from '../kernel/errors.ts';
import { unsupported } from './abilities.ts';
import { linkedTargets, withDigest } from './bake.ts';
import type { Builder } from './builder.ts';
import { type BuildPlace, cacheFlags, chooseCache } from './cache.ts';
import { type BrokenCache, brokenCaches, withoutBroken } from './cache-check.ts';
import { cacheOfCarried, refuseUncarried } from './carried.ts';
import { contextFindings } from './context-hints.ts';
import { treeDigest } from './digest/digest.ts';
import type { GitRef } from './git-ref.ts';
import type { BuildTarget } from './model.ts';
import type { BuildFinding, BuildPlan, PlannedTarget } from './plan.ts';
import type { Registry } from './registry/model.ts';
import { needsPublished, tagsOf } from './tags.ts';
import { buildTargets } from './targets.ts';
import { triggersBeyondTree } from './triggers.ts';

export interface BuildRequest {
  readonly config: Config;
  readonly model: ComposeModel;
  readonly ref: GitRef;
  /** Tags instead of those that the git ref asks for. */
  readonly tags: readonly string[];
  readonly place: BuildPlace;
  readonly notPushed: string | undefined;
  /** Build also what the registry has. */
  readonly force: boolean;
  /** Folder of the `local` cache. */
  readonly cacheFolder: string;
}

export interface PrepareEffects {
  readonly registry: (host: string) => Registry;
  /** For a look at caches, which are worth no long wait: its requests end some seconds after it is opened. */
  readonly registryForCaches: () => (host: string) => Registry;
  /** What can build here; read meanwhile, and waited for only when something is to be built. */
  readonly builder: () => Promise<Builder>;
  readonly signal: AbortSignal;
  readonly log: { detail(message: string): void };
}

/** Reads files and registries and changes nothing. @throws UserError(s) `build.*`, `registry.*`, `compose.image`. */
export async function prepareBuild(request: BuildRequest, effects: PrepareEffects): Promise<BuildPlan> {
  const { config, ref, place } = request;
  const { targets, notes } = buildTargets(request.model, config);
  const digests = digester(targets, effects);
  const [looked, tags] = await Promise.all([
    Promise.all(targets.map((target) => look(target, targets, request, digests, effects))),
    releaseTags(request, targets, effects),
  ]);
  const builder = toBuild(looked).length > 0 ? await effects.builder() : undefined;
  const lacks = builder === undefined ? [] : unsupported(withLinked(toBuild(looked), targets), builder);
  if (lacks.length > 0) throw new UserErrors(lacks);
  const carried = isCarried(config);
  if (carried) refuseUncarried(config, targets, builder);
  const choose = carried ? cacheOfCarried : chooseCache;
  const cache = builder === undefined ? undefined : choose(builder, place, config.build.cache);
  const scope = { app: config.app, ref, folder: request.cacheFolder };
  const flagsOf = (target: BuildTarget) =>
    cache === undefined ? { from: [], to: [] } : cacheFlags(cache, target, scope);
  // Side by side: the look at the caches takes no longer than the question for the right to push.
  const [hints, broken] = await Promise.all([
    contextFindings(toBuild(looked)),
    brokenCaches(toBuild(looked).map(flagsOf), effects.registryForCaches(), effects.signal),
    place.push ? checkRights(looked, effects) : undefined,
  ]);
  const planned = looked.map(({ manifest, why, ...rest }): PlannedTarget => {
    if (manifest !== undefined) return { ...rest, action: { kind: 'reuse', manifest } };
    return { ...rest, action: { kind: 'build', why, cache: withoutBroken(flagsOf(rest.target), broken) } };
  });
  const facts = builder && { driver: builder.driver, engine: builder.engine, store: builder.store };
  const { notPushed } = request;
  return {
    app: config.app,
    ref,
    tags,
    push: place.push,
    carried,
    notPushed,
    targets: planned,
    builder: facts,
    cache,
    notes,
    findings: [...hints, ...broken.map(unreadCache)],
  };
}

type Looked = Omit<PlannedTarget, 'action'> & {
  readonly manifest: PlannedManifest;
  readonly why: string;
};
type PlannedManifest = Awaited<ReturnType<Registry['manifest']>>;

/** Computes the tree and asks the registry for an image of it. */
async function look(
  target: BuildTarget,
  all: readonly BuildTarget[],
  request: BuildRequest,
  digests: Digester,
  effects: PrepareEffects,
): Promise<Looked> {
  const { tree, bases } = await digests(target);
  const base = { target, tree, bases };
  if ('unresolved' in tree) {
    return { ...base, treeTag: undefined, manifest: undefined, why: tree.unresolved };
  }
  const treeTag = treeTagOf(tree.digest, request.config.build, target.run);
  const build = async (why: string): Promise<Looked> => {
    const beyond = await beyondTree(withLinked([target], all), digests, effects);
    if (beyond === undefined) return { ...base, treeTag, manifest: undefined, why };
    return {
      target,
      bases,
      tree: { unresolved: beyond },
      treeTag: undefined,
      manifest: undefined,
      why: beyond,
    };
  };
  if (request.force) return build('--force');
  if (target.noCache) return build('the compose file says no_cache');
  const { registry, repository } = parseImage(target.repository, target.name);
  const manifest = await effects.registry(registry).manifest(repository, treeTag);
  return manifest === undefined
    ? await build(`the ${isCarried(request.config) ? 'engine' : 'registry'} has no image of this tree`)
    : { ...base, treeTag, manifest, why: '' };
}

/** Why the bases take more than the digest says. Bases that can't be looked at are as good as those that do. */
async function beyondTree(
  targets: readonly BuildTarget[],
  digests: Digester,
  effects: PrepareEffects,
): Promise<string | undefined> {
  const looks = targets.map(async (target) =>
    triggersBeyondTree((await digests(target)).images, target.platforms, effects.registry),
  );
  try {
    return (await Promise.all(looks)).find((each) => each !== undefined);
  } catch (error) {
    effects.signal.throwIfAborted();
    return `the triggers of a base can't be read: ${messageOf(error)}`;
  }
}

/**
 * Tag of the image of a tree. What else shapes the image and is not in the tree is part of it: with another choice of
 * attestations it is another image.
 */
export function treeTagOf(
  digest: string,
  build: Pick<Config['build'], 'sbom' | 'provenance'>,
  run: BuildTarget['run'] = {},
): string {
  const parts = JSON.stringify([digest, build.sbom, build.provenance, run]);
  return `tree-${createHash('sha256').update(parts).digest('hex').slice(0, 32)}`;
}

export type Digester = (target: BuildTarget) => Promise<
  Pick<PlannedTarget, 'tree' | 'bases'> & {
    /** Every image that went into the digest, each by its digest. */
    readonly images: readonly string[];
  }
>;

/** Digests of trees, each with the digests of the base images that went into it. */
export function digester(
  targets: readonly BuildTarget[],
  effects: Pick<PrepareEffects, 'registry' | 'signal' | 'log'> & {
    /** Digests that are known already. */
    readonly bases?: ReadonlyMap<string, string>;
  },
): Digester {
  const given = effects.bases ?? new Map<string, string>();
  const bases = new Map(
    [...given].map(([reference, found]) => [reference, Promise.resolve(found)] as const),
  ) as Map<string, Promise<string | undefined>>;
  const known = new Map<string, ReturnType<Digester>>();

  const baseDigest = (reference: string): Promise<string | undefined> => {
    const asked = bases.get(reference) ?? askBase(reference, effects);
    bases.set(reference, asked);
    return asked;
  };
  const digest = (target: BuildTarget): ReturnType<Digester> => {
    const cached = known.get(target.name);
    if (cached !== undefined) return cached;
    const used: Record<string, string> = {};
    const images = new Set<string>();
    const made = treeDigest(target, {
      baseDigest: async (reference) => {
        const found = await baseDigest(reference);
        if (found !== undefined && !reference.includes('@')) used[reference] = found;
        return found;
      },
      targetDigest: async (name) => {
        const other = targets.find((each) => each.name === name);
        return other === undefined
          ? { unresolved: `there is no target ${name}` }
          : (await digest(other)).tree;
      },
      onImage: (reference, found) => images.add(withDigest(reference, found)),
      signal: effects.signal,
    }).then((tree) => ({ tree, bases: 'digest' in tree ? used : {}, images: [...images] }));
    known.set(target.name, made);
    return made;
  };
  return digest;
}

/** A base whose registry can't be asked has no digest, so that its image is built: the builder may know it. */
async function askBase(
  reference: string,
  effects: Pick<PrepareEffects, 'registry' | 'signal' | 'log'>,
): Promise<string | undefined> {
  const image = parseImage(reference, 'FROM');
  try {
    const found = await effects
      .registry(image.registry)
      .head(image.repository, image.digest ?? image.tag ?? 'latest');
    return found?.digest;
  } catch (error) {
    effects.signal.throwIfAborted();
    effects.log.detail(`${reference}: ${String(error)}`);
    return undefined;
  }
}

async function releaseTags(
  request: BuildRequest,
  targets: readonly BuildTarget[],
  effects: PrepareEffects,
): Promise<string[]> {
  if (request.tags.length > 0) return [...new Set(request.tags)];
  if (!needsPublished(request.ref)) return tagsOf(request.ref, []);
  // CI checkouts seldom have all tags of git: what was released the registry knows.
  const published = await Promise.all(
    targets.map((target) => {
      const { registry, repository } = parseImage(target.repository, target.name);
      return effects.registry(registry).tags(repository);
    }),
  );
  return tagsOf(request.ref, [...request.ref.tags, ...published.flat()]);
}

function unreadCache({ ref, why }: BrokenCache): BuildFinding {
  return { target: '', topic: 'cache', message: `${ref} is not read: ${why}` };
}

function withLinked(some: readonly BuildTarget[], all: readonly BuildTarget[]): BuildTarget[] {
  return [...some, ...linkedTargets(some, all)];
}

function toBuild(looked: readonly Looked[]): BuildTarget[] {
  return looked.flatMap(({ manifest, target }) => (manifest === undefined ? [target] : []));
}

/** Better refused now than after minutes of building. */
async function checkRights(looked: readonly Looked[], effects: PrepareEffects): Promise<void> {
  await Promise.all(
    toBuild(looked).map((target) => {
      const { registry, repository } = parseImage(target.repository, target.name);
      return effects.registry(registry).checkPush(repository);
    }),
  );
}
