import { homedir } from 'node:os';
import { join } from 'node:path';
import { linkedTargets } from '../build/bake.ts';
import { applyBuild } from '../build/build.ts';
import { readBuilder } from '../build/builder.ts';
import { readGitRef } from '../build/git-ref.ts';
import type { BuildPlan, BuildReport } from '../build/plan.ts';
import { type BuildRequest, prepareBuild } from '../build/prepare.ts';
import { logIn } from '../build/registry/docker-config.ts';
import { environmentLogins, findLogin, variablesOfHelpers } from '../build/registry/logins.ts';
import { cacheFields } from '../build/reserved.ts';
import { buildSecrets } from '../build/secrets.ts';
import { passwordRegistry } from '../config/app-registry.ts';
import { isCarried } from '../config/carried.ts';
import { loadBuildModel } from '../config/compose-build.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/model.ts';
import { credentialFiles, isGivenToBuilds, withoutReserved } from '../config/reserved.ts';
import { placeOfBuild, pushHosts, registriesFor } from './build-place.ts';
import { buildVariables } from './build-variables.ts';
import type { OperationContext } from './context.ts';

export interface BuildOptions {
  /** Say what would be built, and do nothing. */
  readonly dryRun: boolean;
  /** Tags in place of those of the git ref. */
  readonly tags: readonly string[];
  readonly push: boolean;
  readonly force: boolean;
}

/** `report` is undefined after a dry run. */
export interface BuildResult {
  readonly plan: BuildPlan;
  readonly report: BuildReport | undefined;
}

/** A cancelled job has about seven seconds for everything; taking back tags gets most of them. */
const undoMs = 4_000;
/** Putting a tag takes milliseconds; after a cancellation it may take this long. */
const tagsMs = 2_000;
/** A plan waits no longer than this for an answer, and leaves the question open. */
const planLimits = { tries: 2, requestMs: 5_000 };
/** A cache that is not there by then saves no time. */
const cachesMs = 5_000;

/**
 * Builds, or finds, the images of all services, and pushes them.
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
  // What builds is asked meanwhile; a build that finds everything done does not wait for the answer.
  const idle = new AbortController();
  const clean = withoutReserved(env, config, isDockers);
  const builder = readBuilder({ env: clean, signal: AbortSignal.any([signal, idle.signal]) });
  builder.catch(() => {});
  try {
    const variables = await buildVariables(config, targetName, effects);
    const [model, ref] = await Promise.all([
      loadBuildModel(config, variables, effects),
      readGitRef(config.folder, effects),
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
    const helpers = await variablesOfHelpers(env);
    const isNeeded = (name: string) => isDockers(name) || helpers(name) || isForCaches(name, plan, config);
    const own = withoutReserved(env, config, isNeeded);
    await using loggedIn = await logIn({ ...own, ...secrets.variables }, logins);
    const hosts = new Set<string>();
    for (const host of pushHosts(model, config)) {
      if (toBuild.length > 0 && (await findLogin(host, logins, effects)) !== undefined) hosts.add(host);
    }
    const report = await applyBuild({ ...plan, targets: secrets.planned }, config, {
      ...effects,
      env: loggedIn.env,
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

/** Docker’s own variable for its logins. */
const isDockers = (name: string) => name === 'DOCKER_AUTH_CONFIG';

/** What buildx reads itself of the job's credentials: those of the caches that are used. Secrets get names of ours. */
function isForCaches(name: string, { targets }: BuildPlan, config: Config): boolean {
  const caches = targets.flatMap(({ target, action }) => [
    ...(action.kind === 'build' ? [...action.cache.from, ...action.cache.to] : []),
    ...target.cacheFrom,
    ...target.cacheTo,
  ]);
  const types = new Set(caches.map((entry) => cacheFields(entry).get('type')));
  if (types.has('gha') && githubCache.includes(name)) return true;
  return types.has('s3') && /^AWS_/.test(name) && isGivenToBuilds('AWS_ACCESS_KEY_ID', config);
}

const githubCache = [
  'ACTIONS_RUNTIME_TOKEN',
  'ACTIONS_RESULTS_URL',
  'ACTIONS_CACHE_URL',
  'ACTIONS_CACHE_SERVICE_V2',
];

function headline(plan: BuildPlan): string {
  const builds = plan.targets.filter(({ action }) => action.kind === 'build').length;
  return `${builds} of ${plan.targets.length} to build, as ${plan.tags.join(', ')}`;
}

/** Aborts a while after another signal. */
function later(signal: AbortSignal, ms: number): AbortSignal {
  const controller = new AbortController();
  const onAbort = () => void setTimeout(() => controller.abort(signal.reason), ms).unref();
  signal.addEventListener('abort', onAbort, { once: true });
  return controller.signal;
}
