import type { BuildPlace } from '../build/cache.ts';
import type { GitRef } from '../build/git-ref.ts';
import { buildTargets } from '../build/targets.ts';
import { parseImage } from '../config/image.ts';
import type { ComposeModel, Config } from '../config/model.ts';

/** Where a build runs and what it may do there; and why it does not push, where it does not. */
export function placeOfBuild(
  env: Readonly<Record<string, string | undefined>>,
  ref: GitRef,
  push: boolean,
): { readonly place: BuildPlace; readonly notPushed: string | undefined } {
  const notPushed = !push
    ? '--no-push'
    : ref.fork
      ? 'a pull request from a fork may read the registry, and no more'
      : undefined;
  const service = env.ACTIONS_RESULTS_URL ?? env.ACTIONS_CACHE_URL;
  const gha = env.GITHUB_ACTIONS === 'true' && Boolean(service) && Boolean(env.ACTIONS_RUNTIME_TOKEN);
  const ci = Boolean(env.CI) && env.CI !== 'false';
  return { place: { ci, gha, push: notPushed === undefined }, notPushed };
}

/** Registries that the images of the app are pushed to. */
export function pushHosts(model: ComposeModel, config: Config): string[] {
  const hosts = buildTargets(model, config).targets.map(
    ({ repository, name }) => parseImage(repository, name).registry,
  );
  return [...new Set(hosts)];
}
