import { randomBytes } from 'node:crypto';
import { parseImage } from '../config/images/reference.ts';
import { carriedReference } from '../config/images/transferred.ts';
import type { Config } from '../config/model.ts';
import type { Log } from '../kernel/log.ts';
import type { BakeBuild, BakeOutput } from './bake/bake.ts';
import type { Builder } from './bake/builder.ts';
import { bridgeEngine } from './bake/engine-bridge.ts';
import { watchBake } from './bake/log.ts';
import {
  cacheLeftOut,
  checkFindings,
  countCached,
  lostTree,
  type ProgressReader,
  slowestSteps,
} from './bake/progress.ts';
import { type BakeEffects, runBake } from './bake/run.ts';
import { changedTrees } from './digest/digester.ts';
import { ociLabels } from './git/tags.ts';
import { parseVersion } from './git/version.ts';
import type { BuildTarget } from './model.ts';
import type { BuildFinding, BuildPlan, BuildReport, PlannedTarget, TargetReport } from './plan.ts';
import { blobsBefore } from './publish/layers.ts';
import { type Publication, publish } from './publish/publish.ts';
import { storeInRegistry } from './publish/push.ts';
import { localRoots, rootUser, smokeAll } from './publish/smoke.ts';
import { heldUntilKept, keepAll } from './publish/transferred.ts';
import type { Manifest, Registry } from './registry/model.ts';

export interface BuildEffects
  extends Pick<BakeEffects, 'env' | 'secrets' | 'sshAgent' | 'cacheService' | 'signal' | 'clock'> {
  readonly log: Log;
  readonly registry: (host: string) => Registry;
  readonly registryForCaches: () => (host: string) => Registry;
  readonly registryForTags: (host: string) => Registry;
  readonly registryForUndo: () => (host: string) => Registry;
  readonly hasLogin: (host: string) => boolean;
  readonly builder: () => Promise<Builder>;
}

/** A target whose image is in the registry, or, when nothing is pushed, in the engine. */
interface Finished {
  readonly planned: PlannedTarget;
  readonly manifest: Manifest | undefined;
  readonly pushedBytes: number | undefined;
}

/**
 * Executes the plan: builds missing images, smoke-tests them, pushes them without release tags, and tags all images of the
 * set at the end.
 *
 * @throws UserError `build.*`, `registry.*`; then no tag of this build points to a new image.
 */
export async function applyBuild(
  plan: BuildPlan,
  config: Config,
  effects: BuildEffects,
): Promise<BuildReport> {
  const begun = effects.clock.elapsed();
  const findings: BuildFinding[] = [...plan.findings];
  const toBuild = plan.targets.filter(({ action }) => action.kind === 'build');
  const built = toBuild.length === 0 ? undefined : await buildAll(plan, toBuild, config, findings, effects);
  const finished = plan.targets.map((planned): Finished => {
    const { action } = planned;
    if (action.kind === 'reuse') return { planned, manifest: action.manifest, pushedBytes: 0 };
    return built?.finished.get(planned) ?? { planned, manifest: undefined, pushedBytes: undefined };
  });
  if (plan.push) await publishAll(plan, finished, findings, effects);
  const steps = built?.progress.steps() ?? [];
  return {
    app: plan.app,
    tags: plan.tags,
    pushed: plan.push && !plan.carried,
    images: plan.push ? imagesOf(finished, plan) : {},
    targets: finished.map((target) => targetReport(target, plan)),
    cache: plan.cache && { backend: plan.cache.backend, why: plan.cache.why },
    steps: countCached(steps),
    slowest: slowestSteps(steps),
    findings,
    ms: Math.round(effects.clock.elapsed() - begun),
  };
}

interface Built {
  readonly finished: ReadonlyMap<PlannedTarget, Finished>;
  readonly progress: ProgressReader;
}

async function buildAll(
  plan: BuildPlan,
  toBuild: readonly PlannedTarget[],
  config: Config,
  findings: BuildFinding[],
  effects: BuildEffects,
): Promise<Built> {
  const builder = await effects.builder();
  await using bridge = plan.push && !plan.carried ? await bridgeEngine(builder, effects) : undefined;
  const output = ({ target }: PlannedTarget) =>
    outputOf(target, plan, config, { isEngine: builder.driver === 'docker', pushes: bridge !== undefined });
  const nonce = randomBytes(6).toString('hex');
  const holdings = new Map(toBuild.map((planned) => [planned, holdingOf(planned, nonce, plan)] as const));
  const builds = toBuild.map((planned) =>
    bakeBuild(planned, holdings.get(planned) ?? '', output(planned), plan),
  );
  const blobs = plan.push && !plan.carried ? blobsBefore(toBuild, effects.registryForCaches()) : undefined;
  const { digests, progress, withoutCache } = await bake(plan, builder, builds, config, {
    ...effects,
    env: { ...effects.env, ...bridge?.env },
  });
  if (withoutCache !== undefined) findings.push(cacheLeftOut(withoutCache));
  findings.push(...checkFindings(progress, plan.targets));

  const image = (planned: PlannedTarget) =>
    output(planned) === 'push'
      ? `${planned.target.repository}@${digests[planned.target.name]}`
      : (holdings.get(planned) ?? '');
  await using _held = plan.carried ? heldUntilKept(toBuild, image, effects.registryForUndo) : undefined;
  const inReach = toBuild.filter((planned) => output(planned) !== 'nothing');
  const [lost] = await Promise.all([
    plan.push ? changedTrees(plan, toBuild, effects) : new Set<PlannedTarget>(),
    smokeAll(inReach, image, config, effects),
  ]);
  for (const { target } of lost) findings.push(lostTree(target.name));
  const stored = toBuild.filter((planned) => output(planned) === 'store');
  findings.push(...(await localRoots(stored, image, effects)));
  if (!plan.push) return { finished: new Map(), progress };
  if (plan.carried) {
    const kept = await keepAll(toBuild, image, lost, effects.registry);
    const all = [...kept].map(
      ([planned, manifest]) => [planned, { planned, manifest, pushedBytes: undefined }] as const,
    );
    return { finished: new Map(all), progress };
  }
  const known = (await blobs) ?? new Map();
  const finished = await Promise.all(
    toBuild.map(async (planned): Promise<[PlannedTarget, Finished]> => {
      const built = {
        planned,
        stored: output(planned) === 'store' ? image(planned) : undefined,
        digest: digests[planned.target.name] ?? '',
        isLost: lost.has(planned),
      };
      const { manifest, pushedBytes, runsAsRoot } = await storeInRegistry(
        built,
        known.get(planned) ?? new Set(),
        nonce,
        effects,
      );
      if (runsAsRoot) findings.push(rootUser(planned.target.name));
      return [planned, { planned, manifest, pushedBytes }];
    }),
  );
  return { finished: new Map(finished), progress };
}

async function bake(
  plan: BuildPlan,
  builder: Builder,
  builds: readonly BakeBuild[],
  config: Config,
  effects: BuildEffects,
) {
  const watch = watchBake(
    builds.map(({ target }) => target),
    effects.log,
  );
  const all = plan.targets.map(({ target }) => target);
  const { sbom, provenance } = config.build;
  const options = { sbom, provenance, isForeign: plan.ref.foreign !== undefined };
  try {
    const result = await runBake(builder, builds, all, options, { ...effects, ...watch });
    watch.done(result.progress);
    return result;
  } catch (error) {
    watch.failed();
    throw error;
  }
}

/**
 * An image with a smoke test must be in the engine; so must one that only the engine can push.
 *
 * @param by whether the engine itself builds, and whether it can push from the build.
 */
function outputOf(
  target: BuildTarget,
  plan: BuildPlan,
  config: Config,
  by: { readonly isEngine: boolean; readonly pushes: boolean },
): BakeOutput {
  const isTried = target.services.some((service) => config.build.smoke[service] !== undefined);
  if (by.isEngine && (isTried || !by.pushes)) return 'store';
  if (plan.push) return 'push';
  return isTried ? 'load' : 'nothing';
}

/** The next build would find a tree's tag in the engine. If the engine is all there is, that tag is therefore set last. */
function holdingOf({ target, treeTag }: PlannedTarget, nonce: string, plan: BuildPlan): string {
  return `${target.repository}:${plan.carried ? `build-${nonce}` : (treeTag ?? `build-${nonce}`)}`;
}

function bakeBuild(planned: PlannedTarget, holding: string, output: BakeOutput, plan: BuildPlan): BakeBuild {
  const { target, action, bases } = planned;
  const flags = action.kind === 'build' ? action.cache : { from: [], to: [] };
  const labels = ociLabels(plan.ref, target.name);
  return { target, holding, output, cacheFrom: flags.from, cacheTo: flags.to, labels, bases };
}

async function publishAll(
  plan: BuildPlan,
  finished: readonly Finished[],
  findings: BuildFinding[],
  effects: BuildEffects,
): Promise<void> {
  const publications = finished.flatMap(({ planned, manifest }): Publication[] => {
    if (manifest === undefined) return [];
    const { name, repository: whole } = planned.target;
    const { registry, repository } = parseImage(whole, name);
    return [{ name, registry, repository, manifest, tags: plan.tags }];
  });
  const moved = await publish(publications, effects);
  for (const { name, tag, from } of moved.filter((movedTag) => parseVersion(movedTag.tag) !== undefined)) {
    const message = `${tag} pointed to ${from} before: a version should always be the same image`;
    findings.push({ target: name, topic: 'tag-moved', message });
  }
}

function imagesOf(finished: readonly Finished[], { carried }: BuildPlan): Record<string, string> {
  return Object.fromEntries(
    finished.flatMap(({ planned: { target }, manifest }) =>
      manifest === undefined
        ? []
        : target.services.map((service) => {
            const { repository } = target;
            const { digest } = manifest;
            return [
              service,
              carried ? carriedReference(repository, digest) : `${repository}@${digest}`,
            ] as const;
          }),
    ),
  );
}

function targetReport({ planned, manifest, pushedBytes }: Finished, plan: BuildPlan): TargetReport {
  const { target, action } = planned;
  const isReused = action.kind === 'reuse';
  return {
    name: target.name,
    services: target.services,
    outcome: isReused ? 'reused' : 'built',
    why: isReused ? `the ${plan.carried ? 'engine' : 'registry'} has the image of this tree` : action.why,
    repository: target.repository,
    digest: manifest?.digest,
    pushedBytes,
  };
}
