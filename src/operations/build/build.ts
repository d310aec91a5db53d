import { homedir } from 'node:os';
import { join } from 'node:path';
import { linkedTargets } from '../../build/bake/bake.ts';
import { readBuilder } from '../../build/bake/builder.ts';
import { applyBuild } from '../../build/build.ts';
import { readGitRef } from '../../build/git/ref.ts';
import type { BuildPlan, BuildReport } from '../../build/plan.ts';
import { type BuildRequest, prepareBuild } from '../../build/prepare.ts';
import { logIn } from '../../build/registry/docker-config.ts';
import { environmentLogins, findLogin } from '../../build/registry/logins.ts';
import { cacheFields } from '../../build/targets/reserved.ts';
import { buildSecrets, secretFileTexts } from '../../build/targets/secrets.ts';
import { loadBuildModel } from '../../config/compose/build-model.ts';
import { passwordRegistry } from '../../config/images/app-registry.ts';
import { isCarried } from '../../config/images/transferred.ts';
import type { Config } from '../../config/model.ts';
import { credentialFiles, isGivenToBuilds } from '../../config/secrets/reserved.ts';
import { loadConfig } from '../../config/sluice-yml/load.ts';
import { dockerEnv } from '../../kernel/process/child-env.ts';
import type { OperationContext } from '../context.ts';
import { buildVariables, cacheService, placeOfBuild, pushHosts, registriesFor } from './place.ts';

export interface BuildOptions {
  /** Only plan the build. */
  readonly dryRun: boolean;
  /** Tags that replace those of the git ref. */
  readonly tags: readonly string[];
  readonly push: boolean;
  readonly force: boolean;
}

/** `report` is undefined after a dry run. */
export interface BuildResult {
  readonly plan: BuildPlan;
  readonly report: BuildReport | undefined;
}

/** A canceled job has about seven seconds in all; reverting tags gets most of them. */
const undoMs = 4_000;
/** Setting a tag takes milliseconds; after a cancellation it may take this long. */
const tagsMs = 2_000;
/** Longest wait of a plan for an answer; then it is shown without. */
const planLimits = { tries: 2, requestMs: 5_000 };
/** A cache that takes longer to check saves no time. */
const cachesMs = 5_000;

/**
 * Builds the images of all services, reusing unchanged ones, and pushes them.
 *
 * @param targetName whose variables the compose files see; undefined: those of the environment.
 */
export async function buildImages(
  context: OperationContext,
  targetName: string | undefined,
  options: BuildOptions,
): Promise<BuildResult> {
  const { effects } = context;
  const { env, mask, signal } = effects;
  for (const name of ['SLUICE_REGISTRY_PASSWORD', 'GITHUB_TOKEN']) mask.add(env[name] ?? '');
  const config = await loadConfig(context.config);
  // The builder is queried in parallel; a build with nothing to do does not wait for the answer.
  const idle = new AbortController();
  const builder = readBuilder({ env: dockerEnv(env), signal: AbortSignal.any([signal, idle.signal]) });
  builder.catch(() => {});
  try {
    const variables = await buildVariables(config, targetName, effects);
    const [model, ref] = await Promise.all([
      loadBuildModel(config, variables, effects),
      readGitRef(config.folder, effects, options.tags.length > 0),
    ]);
    const { place, notPushed } = placeOfBuild(env, ref, options.push, isCarried(config));
    const request: BuildRequest = {
      ...{ config, model, variables, ref, tags: options.tags, place, notPushed, force: options.force },
      credentialFiles: credentialFiles(env),
      isPlanAlone: options.dryRun,
      cacheFolder: join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sluice', config.app),
    };
    const logins = environmentLogins(env, passwordRegistry(config, pushHosts(model, config), env));
    const registriesUntil = (end: AbortSignal, limits: { tries?: number; requestMs?: number } = {}) =>
      registriesFor(config, logins, { ...effects, fetch, signal: end, ...limits });
    const registry = registriesUntil(signal, options.dryRun ? planLimits : {});
    const registryForCaches = () =>
      registriesUntil(AbortSignal.any([signal, AbortSignal.timeout(cachesMs)]), { tries: 2 });
    const step = effects.log.step('plan');
    const looks = { ...effects, registry, registryForCaches, builder: () => builder };
    const plan = await prepareBuild(request, looks).catch((error) => {
      step.failed('nothing was built');
      throw error;
    });
    step.done(headline(plan));
    if (options.dryRun) return { plan, report: undefined };

    const toBuild = plan.targets.filter(({ action }) => action.kind === 'build').map(({ target }) => target);
    const all = plan.targets.map(({ target }) => target);
    const needed = [...toBuild, ...linkedTargets(toBuild, all)];
    const secrets = buildSecrets(plan.targets, needed, { ...env, ...variables });
    for (const secret of Object.values(secrets.variables)) mask.add(secret);
    for (const text of await secretFileTexts(needed)) mask.add(text);
    await using loggedIn = await logIn(env, logins);
    const hosts = new Set<string>();
    for (const host of pushHosts(model, config)) {
      if (toBuild.length > 0 && (await findLogin(host, logins, effects)) !== undefined) hosts.add(host);
    }
    const report = await applyBuild({ ...plan, targets: secrets.planned }, config, {
      ...effects,
      env: loggedIn.env,
      secrets: { ...storeKeys(plan, config, env), ...secrets.variables },
      sshAgent: env.SSH_AUTH_SOCK,
      cacheService: cacheService(env),
      registry,
      registryForCaches,
      registryForTags: registriesUntil(later(signal, tagsMs)),
      registryForUndo: () => registriesUntil(AbortSignal.timeout(undoMs)),
      hasLogin: (host) => hosts.has(host),
      builder: () => builder,
    });
    return { plan, report };
  } finally {
    idle.abort();
  }
}

/** The job's AWS keys, for caches in S3, if sluice.yml gives them to builds. */
function storeKeys(
  { targets }: BuildPlan,
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const caches = targets.flatMap(({ target, action }) => [
    ...(action.kind === 'build' ? [...action.cache.from, ...action.cache.to] : []),
    ...target.cacheFrom,
    ...target.cacheTo,
  ]);
  const usesStore = caches.some((entry) => cacheFields(entry).get('type') === 's3');
  if (!usesStore || !isGivenToBuilds('AWS_ACCESS_KEY_ID', config)) return {};
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      /^AWS_/.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  );
}

function headline(plan: BuildPlan): string {
  const builds = plan.targets.filter(({ action }) => action.kind === 'build').length;
  return `${builds} of ${plan.targets.length} to build, tagged ${plan.tags.join(', ')}`;
}

/** Aborts a while after another signal. */
function later(signal: AbortSignal, ms: number): AbortSignal {
  const controller = new AbortController();
  const onAbort = () => void setTimeout(() => controller.abort(signal.reason), ms).unref();
  signal.addEventListener('abort', onAbort, { once: true });
  return controller.signal;
}
