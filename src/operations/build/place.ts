import type { BuildPlace } from '../../build/cache/cache.ts';
import type { GitRef } from '../../build/git/ref.ts';
import { engineRegistry } from '../../build/registry/engine.ts';
import type { Login, Registry } from '../../build/registry/model.ts';
import { openRegistries, type RegistriesEffects } from '../../build/registry/open.ts';
import { buildTargets } from '../../build/targets/targets.ts';
import { parseImage } from '../../config/images/reference.ts';
import { isCarried } from '../../config/images/transferred.ts';
import type { ComposeModel, Config } from '../../config/model.ts';

/** Where a build runs and its permissions there; if it does not push, why. */
export function placeOfBuild(
  env: Readonly<Record<string, string | undefined>>,
  ref: GitRef,
  push: boolean,
  carried: boolean,
): { readonly place: BuildPlace; readonly notPushed: string | undefined } {
  const notPushed = !push ? '--no-push' : carried ? undefined : ref.foreign;
  const service = env.ACTIONS_RESULTS_URL ?? env.ACTIONS_CACHE_URL;
  const gha = env.GITHUB_ACTIONS === 'true' && Boolean(service) && Boolean(env.ACTIONS_RUNTIME_TOKEN);
  const ci = Boolean(env.CI) && env.CI !== 'false';
  return { place: { ci, gha, push: notPushed === undefined }, notPushed };
}

/** Variables with which buildx reaches GitHub's cache service. */
export function cacheService(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const names = [
    'ACTIONS_RUNTIME_TOKEN',
    'ACTIONS_RESULTS_URL',
    'ACTIONS_CACHE_URL',
    'ACTIONS_CACHE_SERVICE_V2',
  ];
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}

/** Registries that the images of the app are pushed to. */
export function pushHosts(model: ComposeModel, config: Config): string[] {
  if (isCarried(config)) return [];
  const hosts = buildTargets(model, config).targets.map(
    ({ repository, name }) => parseImage(repository, name).registry,
  );
  return [...new Set(hosts)];
}

/** Registries by their names; with `registry: none` the engine replaces the registry of the images. */
export function registriesFor(
  config: Config,
  logins: ReadonlyMap<string, Login>,
  effects: RegistriesEffects,
): (host: string) => Registry {
  const open = openRegistries(logins, effects);
  if (!isCarried(config)) return open;
  const engine = engineRegistry(effects);
  return (host) => (host === engine.host ? engine : open(host));
}
