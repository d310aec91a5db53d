import { tryParseImage } from '../../config/images/reference.ts';
import { carriedDigest } from '../../config/images/transferred.ts';
import { docker } from '../../host/engine/docker-cli.ts';
import type { Host } from '../../host/model.ts';
import { messageOf, UserError } from '../../kernel/errors.ts';
import { tail } from '../../kernel/process/process.ts';
import { type Platform, platformsIn } from '../preflight/platforms.ts';

const longestPullMs = 1_800_000;
/** Timeout of one request. The engine's own timeout for a dead registry is much longer. */
const registryMs = 60_000;

const digestPattern = /@sha256:[0-9a-f]{64}$/;

export function hasDigest(reference: string): boolean {
  return digestPattern.test(reference);
}

/** Whether a reference is immutable: it has a registry's digest, or that of a transferred image. */
export function isFixed(reference: string): boolean {
  return hasDigest(reference) || carriedDigest(reference) !== undefined;
}

/** `ghcr.io/acme/app:v1` → `ghcr.io/acme/app`; a colon before the last slash is the registry's port. */
export function repositoryOf(reference: string): string {
  const name = reference.replace(digestPattern, '');
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') ? name.slice(0, colon) : name;
}

/**
 * Resolves image references to digests through a host's engine, so that a release is fixed even if tags move.
 *
 * @returns reference → `repository@sha256:…` and the platforms that the registry reported.
 * @throws UserError `image.unresolved` with the image and the registry's answer.
 */
export async function resolveDigests(
  host: Host,
  references: readonly string[],
  logins: RegistryLogins,
  signal: AbortSignal,
): Promise<Map<string, ResolvedImage>> {
  const resolved = await Promise.all(
    [...new Set(references)].map(async (reference): Promise<readonly [string, ResolvedImage]> => {
      if (isFixed(reference)) return [reference, { reference, platforms: [] }];
      const { digest, platforms } = await findDigest(host, reference, logins(reference), signal);
      return [reference, { reference: `${repositoryOf(reference)}@${digest}`, platforms }];
    }),
  );
  return new Map(resolved);
}

/** An image by its digest. */
export interface ResolvedImage {
  readonly reference: string;
  /** Empty: unknown. */
  readonly platforms: readonly Platform[];
}

async function findDigest(
  host: Host,
  reference: string,
  auth: RegistryAuth | undefined,
  signal: AbortSignal,
): Promise<{ readonly digest: string; readonly platforms: readonly Platform[] }> {
  try {
    const answer = await distribution(host, reference, auth, signal);
    if (answer !== undefined) return answer;
  } catch (error) {
    signal.throwIfAborted();
    if (auth !== undefined || !isDenied(error)) throw unresolved(host, reference, messageOf(error));
  }
  const pulled = await docker(host, ['pull', '--quiet', reference], {
    signal,
    timeoutMs: longestPullMs,
  });
  if (pulled.code !== 0) throw unresolved(host, reference, tail(pulled.stderr, 3));
  const image: { RepoDigests?: string[]; Os?: string; Architecture?: string } = await host.engine
    .getImage(reference)
    .inspect();
  const found =
    image.RepoDigests?.find((digest) => digest.startsWith(`${repositoryOf(reference)}@`)) ??
    image.RepoDigests?.[0];
  if (found === undefined)
    throw unresolved(host, reference, 'the image has no digest, because it was never pushed to a registry');
  return {
    digest: found.slice(found.indexOf('@') + 1),
    platforms: platformsIn([{ os: image.Os, architecture: image.Architecture }]),
  };
}

async function distribution(
  host: Host,
  reference: string,
  auth: RegistryAuth | undefined,
  signal: AbortSignal,
): Promise<{ readonly digest: string; readonly platforms: readonly Platform[] } | undefined> {
  const image = host.engine.getImage(reference);
  const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(registryMs)]);
  abortSignal.throwIfAborted();
  const asked = image.distribution(auth === undefined ? {} : { authconfig: auth });
  // dockerode cannot cancel this request, so it continues in the background.
  const given = new Promise<never>((_, reject) =>
    abortSignal.addEventListener('abort', () => reject(abortSignal.reason), { once: true }),
  );
  const answer = (await Promise.race([asked, given])) as {
    Descriptor?: { digest?: string };
    Platforms?: unknown;
  };
  const digest = answer.Descriptor?.digest;
  return digest === undefined ? undefined : { digest, platforms: platformsIn(answer.Platforms) };
}

function isDenied(error: unknown): boolean {
  const status = (error as { statusCode?: number }).statusCode;
  return status === 401 || status === 403 || /unauthorized|denied|no basic auth/i.test(messageOf(error));
}

function unresolved(host: Host, reference: string, why: string): UserError {
  return new UserError({
    code: 'image.unresolved',
    message: `${host.name}: cannot get the digest of ${reference} from the registry`,
    hint: 'Check that the image is pushed, its name is right and the registry is up. For a private registry, set SLUICE_REGISTRY_USER and SLUICE_REGISTRY_PASSWORD, or log in on the host.',
    output: why,
  });
}

/** All references of images on the host's engine. */
export async function presentImages(host: Host): Promise<ReadonlySet<string>> {
  const images = await host.engine.listImages();
  return new Set(images.flatMap((image) => [...(image.RepoDigests ?? []), ...(image.RepoTags ?? [])]));
}

/**
 * Pulls images in parallel. A pull is safe to repeat, so a failed one is retried once.
 *
 * @throws UserError `image.pull-failed`.
 */
export async function pullImages(
  host: Host,
  references: readonly string[],
  options: {
    readonly logins: RegistryLogins;
    readonly signal: AbortSignal;
    /** The `platform:` of its services; undefined: the engine's own. */
    readonly platformOf?: (reference: string) => string | undefined;
  },
): Promise<void> {
  await Promise.all(
    references.map(async (reference) => {
      const platform = options.platformOf?.(reference);
      const once = { auth: options.logins(reference), signal: options.signal, platform };
      const first = await pullOnce(host, reference, once);
      if (first === undefined) return;
      options.signal.throwIfAborted();
      const second = await pullOnce(host, reference, once);
      if (second === undefined) return;
      const full = /no space left/i.test(second);
      throw new UserError({
        code: full ? 'host.disk-full' : 'image.pull-failed',
        message: `${host.name}: cannot pull ${reference}`,
        hint: full
          ? 'Free disk space on the host (docker system df), then deploy again.'
          : 'Check that the registry is up, reachable from the host, and still has the image.',
        output: second,
      });
    }),
  );
}

/** @returns the failure, or undefined. */
async function pullOnce(
  host: Host,
  reference: string,
  options: {
    readonly auth: RegistryAuth | undefined;
    readonly signal: AbortSignal;
    readonly platform: string | undefined;
  },
): Promise<string | undefined> {
  if (options.auth === undefined) {
    const run = { signal: options.signal, timeoutMs: longestPullMs };
    const platform = options.platform === undefined ? [] : ['--platform', options.platform];
    const result = await docker(host, ['pull', '--quiet', ...platform, reference], run);
    return result.code === 0 ? undefined : tail(result.stderr || result.stdout, 5);
  }
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(longestPullMs)]);
  try {
    const stream = await host.engine.pull(reference, {
      authconfig: options.auth,
      abortSignal: signal,
      ...(options.platform === undefined ? {} : { platform: options.platform }),
    });
    // If a pull fails partway, followProgress calls back without an error: the failure is in the events.
    const events = await new Promise<{ error?: string }[]>((resolve, reject) =>
      host.engine.modem.followProgress(stream, (error: Error | null, output: { error?: string }[]) =>
        error ? reject(error) : resolve(output),
      ),
    );
    return events.find((event) => event.error !== undefined)?.error;
  } catch (error) {
    options.signal.throwIfAborted();
    return messageOf(signal.aborted ? signal.reason : error);
  }
}

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
