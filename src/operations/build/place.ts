import type { BuildPlace } from '../../build/cache/cache.ts';
import type { GitRef } from '../../build/git/ref.ts';
import { openRegistries, type RegistriesEffects } from '../../build/registry/client.ts';
import { engineRegistry } from '../../build/registry/engine.ts';
import type { Login, Registry } from '../../build/registry/model.ts';
import { buildTargets } from '../../build/targets/targets.ts';
import { loadEnv } from '../../config/env/env.ts';
import { parseImage } from '../../config/images/reference.ts';
import { isCarried } from '../../config/images/transferred.ts';
import type { ComposeModel, Config, Env } from '../../config/model.ts';
import { whyReserved } from '../../config/secrets/reserved.ts';
import type { Effects } from '../../kernel/run.ts';
import { chooseTarget } from '../target.ts';

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

/** Names that configure docker itself, or that have no meaning in a compose file. */
const left = /^(?:DOCKER_|BUILDX_|BUILDKIT_|OTEL_|LD_|GODEBUG$|GOGC$|GOMEMLIMIT$|GOTRACEBACK$|PATH$|_$)/;

/**
 * Variables for the compose files in a build: those of the given target, without files on its hosts; otherwise, those of
 * the environment Sluice runs in, as `docker compose build` sees them, without the credentials of the job.
 */
export async function buildVariables(
  config: Config,
  name: string | undefined,
  effects: Effects,
): Promise<Env> {
  const own = Object.fromEntries(
    Object.entries(effects.env).filter((entry): entry is [string, string] => {
      const [variable, value] = entry;
      return value !== undefined && !left.test(variable) && whyReserved(variable, config) === undefined;
    }),
  );
  if (name === undefined) return own;
  const target = chooseTarget(config, name);
  const [host] = target.hosts;
  if (host === undefined) return own;
  const sources = target.env.filter(({ kind }) => kind !== 'host-file');
  const { values } = await loadEnv(
    config,
    { ...target, env: sources },
    { ...host, env: {} },
    { env: effects.env, mask: effects.mask },
  );
  return values;
}
