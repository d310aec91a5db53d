import { createHash } from 'node:crypto';
import { missingBuildFiles } from '../config/compose/build-files.ts';
import type { BuildModel } from '../config/compose/build-model.ts';
import { parseImage, tryParseImage } from '../config/images/reference.ts';
import { isCarried } from '../config/images/transferred.ts';
import type { Config, Env } from '../config/model.ts';
import { messageOf, UserError, UserErrors } from '../kernel/errors.ts';
import { unsupported } from './bake/abilities.ts';
import { linkedTargets } from './bake/bake.ts';
import type { Builder } from './bake/builder.ts';
import { type BuildPlace, cacheFlags, chooseCache } from './cache/cache.ts';
import { type BrokenCache, brokenCaches, withoutBroken } from './cache/check.ts';
import { contextFindings } from './digest/context-hints.ts';
import { type Digester, digester } from './digest/digester.ts';
import { triggersBeyondTree } from './digest/triggers.ts';
import type { GitRef } from './git/ref.ts';
import { needsPublished, tagsOf } from './git/tags.ts';
import type { BuildTarget } from './model.ts';
import {
  askQuestions,
  type BuildFinding,
  type BuildPlan,
  type PlannedTarget,
  type Questions,
  type Unasked,
} from './plan.ts';
import { cacheOfCarried, refuseUncarried } from './publish/transferred.ts';
import type { Registry } from './registry/model.ts';
import { activeTargets } from './targets/active.ts';
import { refuseReserved } from './targets/reserved.ts';
import { linkSiblings } from './targets/siblings.ts';

export interface BuildRequest {
  readonly config: Config;
  readonly model: BuildModel;
  /** Variables for the compose files. */
  readonly variables: Env;
  /** Files with credentials of the job, which builds must not read. */
  readonly credentialFiles: readonly string[];
  readonly ref: GitRef;
  /** Tags that replace those of the git ref. */
  readonly tags: readonly string[];
  readonly place: BuildPlace;
  readonly notPushed: string | undefined;
  /** Also build images that the registry has. */
  readonly force: boolean;
  /** Whether the plan is only shown: then a registry or a builder that does not answer is a line in it, not an error. */
  readonly isPlanAlone: boolean;
  /** Folder of the `local` cache. */
  readonly cacheFolder: string;
}

export interface PrepareEffects {
  readonly registry: (host: string) => Registry;
  /** For checks of caches, which are not worth a long wait: all requests end some seconds after this is opened. */
  readonly registryForCaches: () => (host: string) => Registry;
  /** The builder; read in parallel, and awaited only if there is something to build. */
  readonly builder: () => Promise<Builder>;
  readonly signal: AbortSignal;
  readonly log: { detail(message: string): void };
}

/**
 * Reads files and registries and changes nothing.
 *
 * @throws UserError(s) `build.*`, `registry.*`, `compose.image`, `compose.reserved`. A plan that is only shown does not throw
 * `build.builder`; a plan that pushes nothing does not throw `registry.*`.
 */
export async function prepareBuild(request: BuildRequest, effects: PrepareEffects): Promise<BuildPlan> {
  const { config, ref, place, isPlanAlone } = request;
  const { model, ...found } = await activeTargets(request.model, config);
  const missing = await missingBuildFiles(model, config);
  if (missing.length > 0) throw new UserErrors(missing);
  const { targets, notes } = await linkSiblings(found, model, config);
  await refuseReserved(targets, config, request);
  const digests = digester(targets, effects);
  const questions = askQuestions(isPlanAlone || !place.push, effects.signal);
  const [looked, tags] = await Promise.all([
    Promise.all(targets.map((target) => look(target, targets, request, digests, questions, effects))),
    releaseTags(request, targets, questions, effects),
  ]);
  const { builder, problem } = toBuild(looked).length > 0 ? await askBuilder(isPlanAlone, effects) : {};
  const lacks = builder === undefined ? [] : unsupported(withLinked(toBuild(looked), targets), builder);
  if (lacks.length > 0) throw new UserErrors(lacks);
  const carried = isCarried(config);
  if (carried) refuseUncarried(config, targets, builder);
  const choose = carried ? cacheOfCarried : chooseCache;
  const cache = builder === undefined ? undefined : choose(builder, place, config.build.cache);
  const scope = { app: config.app, ref, folder: request.cacheFolder };
  const flagsOf = (target: BuildTarget) =>
    cache === undefined ? { from: [], to: [] } : cacheFlags(cache, target, scope);
  // In parallel: checking the caches takes no longer than checking the permission to push.
  const [hints, broken] = await Promise.all([
    contextFindings(toBuild(looked)),
    brokenCaches(toBuild(looked).map(flagsOf), effects.registryForCaches(), effects.signal),
    place.push ? checkRights(looked, questions, effects) : undefined,
  ]);
  const planned = looked.map(({ manifest, why, isUnasked, ...rest }): PlannedTarget => {
    if (manifest !== undefined) return { ...rest, action: { kind: 'reuse', manifest } };
    const caches = withoutBroken(flagsOf(rest.target), broken);
    return { ...rest, action: { kind: 'build', why, isUnasked, cache: caches } };
  });
  const facts = builder && { driver: builder.driver, engine: builder.engine, store: builder.store };
  const unasked = questions.unasked();
  const isKnown = ({ ref: cached }: BrokenCache) =>
    unasked.some(({ host }) => host === tryParseImage(cached)?.registry);
  return {
    app: config.app,
    ref,
    tags,
    push: place.push,
    carried,
    notPushed: request.notPushed,
    targets: planned,
    builder: facts,
    cache,
    unasked,
    notes: [...(isPlanAlone ? ref.notes : []), ...notes, ...(problem === undefined ? [] : [problem])],
    findings: [
      ...(isPlanAlone ? [] : [...unasked.map(unaskedRegistry), ...ref.notes.map(checkoutNote)]),
      ...hints,
      ...broken.filter((brokenCache) => !isKnown(brokenCache)).map(unreadCache),
    ],
  };
}

async function askBuilder(
  isPlanAlone: boolean,
  effects: PrepareEffects,
): Promise<{ readonly builder?: Builder; readonly problem?: string }> {
  try {
    return { builder: await effects.builder() };
  } catch (error) {
    effects.signal.throwIfAborted();
    if (!isPlanAlone || !(error instanceof UserError)) throw error;
    return { problem: `this machine cannot build: ${messageOf(error)}` };
  }
}

type Looked = Omit<PlannedTarget, 'action'> & {
  readonly manifest: PlannedManifest;
  readonly why: string;
  readonly isUnasked: boolean;
};
type PlannedManifest = Awaited<ReturnType<Registry['manifest']>>;

/** Computes the tree and asks the registry for an image of it. */
async function look(
  target: BuildTarget,
  all: readonly BuildTarget[],
  request: BuildRequest,
  digests: Digester,
  questions: Questions,
  effects: PrepareEffects,
): Promise<Looked> {
  const { tree, bases } = await digests(target);
  const base = { target, tree, bases, isUnasked: false };
  if ('unresolved' in tree) {
    return { ...base, treeTag: undefined, manifest: undefined, why: tree.unresolved };
  }
  const treeTag = treeTagOf(tree.digest, request.config.build, target.run);
  const build = async (why: string): Promise<Looked> => {
    const beyond = await beyondTree(withLinked([target], all), digests, effects);
    if (beyond === undefined) return { ...base, treeTag, manifest: undefined, why };
    const unresolved = { tree: { unresolved: beyond }, treeTag: undefined };
    return { ...base, ...unresolved, manifest: undefined, why: beyond };
  };
  if (request.force) return build('--force');
  if (target.noCache) return build('the compose file sets no_cache');
  const { registry, repository } = parseImage(target.repository, target.name);
  const found = await questions.ask(registry, () => effects.registry(registry).manifest(repository, treeTag));
  if ('unasked' in found) {
    const why = 'unless the registry, which did not answer, has the image of this tree';
    return { ...base, treeTag, manifest: undefined, why, isUnasked: true };
  }
  const { answer: manifest } = found;
  return manifest === undefined
    ? await build(`the ${isCarried(request.config) ? 'engine' : 'registry'} has no image of this tree`)
    : { ...base, treeTag, manifest, why: '' };
}

/** Why triggers of the bases use inputs that the digest does not cover. Bases that cannot be inspected count as such. */
async function beyondTree(
  targets: readonly BuildTarget[],
  digests: Digester,
  effects: PrepareEffects,
): Promise<string | undefined> {
  const looks = targets.map(async (target) =>
    triggersBeyondTree((await digests(target)).images, target.platforms, effects.registry),
  );
  try {
    return (await Promise.all(looks)).find((candidate) => candidate !== undefined);
  } catch (error) {
    effects.signal.throwIfAborted();
    return `the triggers of a base cannot be read: ${messageOf(error)}`;
  }
}

/**
 * Tag of the image of a tree. The choice of attestations is part of it, because it changes the image.
 */
export function treeTagOf(
  digest: string,
  build: Pick<Config['build'], 'sbom' | 'provenance'>,
  run: BuildTarget['run'] = {},
): string {
  const parts = JSON.stringify([digest, build.sbom, build.provenance, run]);
  return `tree-${createHash('sha256').update(parts).digest('hex').slice(0, 32)}`;
}

async function releaseTags(
  request: BuildRequest,
  targets: readonly BuildTarget[],
  questions: Questions,
  effects: PrepareEffects,
): Promise<string[]> {
  if (request.tags.length > 0) return [...new Set(request.tags)];
  if (!needsPublished(request.ref)) return tagsOf(request.ref, []);
  // CI checkouts rarely have all git tags; the registry has the released ones.
  const published = await Promise.all(
    targets.map(async (target) => {
      const { registry, repository } = parseImage(target.repository, target.name);
      const found = await questions.ask(registry, () => effects.registry(registry).tags(repository));
      return 'answer' in found ? found.answer : [];
    }),
  );
  return tagsOf(request.ref, [...request.ref.tags, ...published.flat()]);
}

function checkoutNote(message: string): BuildFinding {
  return { target: '', topic: 'checkout', message };
}

/** Without a push, a registry that does not answer costs only the time of a build. */
function unaskedRegistry({ why }: Unasked): BuildFinding {
  return { target: '', topic: 'registry', message: why };
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

/** Fails now, not after minutes of building. */
async function checkRights(
  looked: readonly Looked[],
  questions: Questions,
  effects: PrepareEffects,
): Promise<void> {
  await Promise.all(
    toBuild(looked).map((target) => {
      const { registry, repository } = parseImage(target.repository, target.name);
      return questions.ask(registry, () => effects.registry(registry).checkPush(repository));
    }),
  );
}
