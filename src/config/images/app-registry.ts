import { UserError } from '../../kernel/errors.ts';
import { plain } from '../compose/load.ts';
import type { ComposeModel, Config } from '../model.ts';
import { tryParseImage } from './reference.ts';
import { isCarried } from './transferred.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The one registry that SLUICE_REGISTRY_USER and SLUICE_REGISTRY_PASSWORD are for: that of `registry:` in sluice.yml, else
 * the only one that the app's own images are in. A compose file also names images of others, and their registries must
 * not see the password.
 *
 * @param hosts registries of the images that the app builds.
 * @returns undefined where there is no password, or no registry.
 * @throws UserError `config.missing-key` if it cannot be determined.
 */
export function passwordRegistry(
  config: Pick<Config, 'app' | 'registry'> & { readonly file?: string },
  hosts: readonly string[],
  env: Env,
): string | undefined {
  const { SLUICE_REGISTRY_USER: user, SLUICE_REGISTRY_PASSWORD: password } = env;
  if (!user || !password || isCarried(config)) return undefined;
  if (config.registry !== undefined) return tryParseImage(`${config.registry}/any`)?.registry;
  // The job's token is the login at ghcr.io, so the password is for the other one.
  const all = [...new Set(hosts)];
  const others = all.length > 1 && env.GITHUB_TOKEN ? all.filter((host) => host !== 'ghcr.io') : all;
  if (others.length === 1) return others[0];
  throw new UserError({
    code: 'config.missing-key',
    message:
      others.length === 0
        ? 'registry is missing: Sluice builds no image here, so it cannot tell which registry SLUICE_REGISTRY_PASSWORD is for'
        : `registry is missing: images are in ${others.join(' and ')}, and SLUICE_REGISTRY_PASSWORD is for one of them`,
    hint: `Add it to sluice.yml, for example registry: ${others[0] ?? 'registry.example.com'}/acme. For other registries, use \`docker login\`.`,
    ...(config.file === undefined ? {} : { at: { file: config.file } }),
  });
}

/** Registries of the images that a model's services build, as far as these have names. */
export function builtRegistries({ services }: Pick<ComposeModel, 'services'>): string[] {
  return Object.values(services).flatMap(({ build, image }) => {
    const parsed = build === undefined || image === undefined ? undefined : tryParseImage(plain(image));
    return parsed?.registry ?? [];
  });
}
