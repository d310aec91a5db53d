import { tryParseImage } from '../../config/images/reference.ts';

/** Credentials for one registry. */
export interface RegistryAuth {
  readonly username: string;
  readonly password: string;
}

/** The login for an image's registry; undefined: the host's own `docker login`, or none. */
export type RegistryLogins = (reference: string) => RegistryAuth | undefined;

/**
 * SLUICE_REGISTRY_USER and SLUICE_REGISTRY_PASSWORD are for the registry of the app's own images, GITHUB_TOKEN is for
 * ghcr.io. No other registry gets them.
 *
 * @param own the registry that the password is for (config/images/app-registry.ts).
 */
export function registryLogins(
  env: Readonly<Record<string, string | undefined>>,
  own: string | undefined,
): RegistryLogins {
  const { SLUICE_REGISTRY_USER: username, SLUICE_REGISTRY_PASSWORD: password, GITHUB_TOKEN: token } = env;
  return (reference) => {
    const asked = tryParseImage(reference)?.registry;
    if (username && password && own !== undefined && asked === own) return { username, password };
    // Any user name will do with a token.
    if (token && asked === 'ghcr.io') return { username: env.GITHUB_ACTOR || 'token', password: token };
    return undefined;
  };
}
