import { formatImage, tryParseImage } from '../../config/images/reference.ts';
import type { ImageConfig } from '../../config/model.ts';
import { messageOf } from '../../kernel/errors.ts';
import { dockerEnv } from '../../kernel/process/child-env.ts';
import { runProcess, tail } from '../../kernel/process/process.ts';
import { imageConfigOf } from './image-json.ts';
import { childFor, imagesOf, type ManifestJson, platformOfChild } from './manifest.ts';
import type { Registry } from './model.ts';

export type ImageAnswer =
  /** @param source the name of the engine or of the registry. */
  | { readonly config: ImageConfig; readonly source: string }
  /** Why it is not known, for a sentence: `ghcr.io refuses access to acme/web`. */
  | { readonly unresolved: string };

export interface ImageConfigEffects {
  /** Queried in this order, before any registry. An engine that does not answer is skipped. */
  readonly engines: readonly ImageEngine[];
  /** Opens registries whose requests end with the signal (open.ts). */
  readonly registries: (signal: AbortSignal) => (host: string) => Registry;
  readonly signal: AbortSignal;
  /** For all images together; 10 s by default. */
  readonly deadlineMs?: number;
}

const defaultDeadlineMs = 10_000;

/**
 * The configurations of images as the engines and registries have them, without a pull. Docker Hub limits reads of
 * manifests (100 in six hours without a login), so equal references are requested once.
 *
 * @param references as the compose files name them.
 * @param platform of the server, `linux/arm64` or as `uname -m` spells it; undefined: not known, any will do.
 * @returns an answer for each reference. It throws only on abort of `signal`.
 */
export async function readImageConfigs(
  references: readonly string[],
  platform: string | undefined,
  effects: ImageConfigEffects,
): Promise<ReadonlyMap<string, ImageAnswer>> {
  const { deadlineMs = defaultDeadlineMs } = effects;
  const late = AbortSignal.timeout(deadlineMs);
  const signal = AbortSignal.any([effects.signal, late]);
  const registries = effects.registries(signal);
  const answers = [...new Set(references)].map(async (reference) => {
    try {
      const asked = askFor(reference, platform, effects.engines, registries, signal);
      return [reference, await untilAborted(asked, signal)] as const;
    } catch (error) {
      effects.signal.throwIfAborted();
      const why = late.aborted ? `no answer within ${deadlineMs / 1000} s` : messageOf(error);
      return [reference, { unresolved: why }] as const;
    }
  });
  return new Map(await Promise.all(answers));
}

/** The same for one image. */
export async function readImageConfig(
  reference: string,
  platform: string | undefined,
  effects: ImageConfigEffects,
): Promise<ImageAnswer> {
  const answers = await readImageConfigs([reference], platform, effects);
  return answers.get(reference) ?? { unresolved: 'it was not requested' };
}

async function askFor(
  reference: string,
  platform: string | undefined,
  engines: readonly ImageEngine[],
  registries: (host: string) => Registry,
  signal: AbortSignal,
): Promise<ImageAnswer> {
  const image = tryParseImage(reference);
  if (image === undefined) return { unresolved: 'the image reference is malformed' };
  const silent: string[] = [];
  for (const { name, inspect } of engines) {
    try {
      const found = (await untilAborted(inspect(reference, signal), signal)) as
        | { Config?: unknown }
        | undefined;
      if (found?.Config !== undefined) return { config: imageConfigOf(found.Config), source: name };
    } catch (error) {
      signal.throwIfAborted();
      silent.push(`${name}: ${messageOf(error)}`);
    }
  }
  const registry = registries(image.registry);
  try {
    const answer = await askRegistry(image, platform, registry);
    if ('config' in answer || silent.length === 0) return answer;
    return { unresolved: [answer.unresolved, ...silent].join('; ') };
  } catch (error) {
    signal.throwIfAborted();
    return { unresolved: [messageOf(error), ...silent].join('; ') };
  }
}

async function askRegistry(
  image: NonNullable<ReturnType<typeof tryParseImage>>,
  platform: string | undefined,
  registry: Registry,
): Promise<ImageAnswer> {
  const { repository } = image;
  const found = await registry.manifest(repository, image.digest ?? image.tag ?? 'latest');
  if (found === undefined) return { unresolved: `${registry.host} does not have ${formatImage(image)}` };
  let manifest = JSON.parse(found.text) as ManifestJson;
  if (manifest.manifests !== undefined) {
    const images = imagesOf(manifest);
    const child = childFor(images, platform);
    if (child === undefined) {
      const names = images.map(platformOfChild).join(', ');
      return {
        unresolved: `${formatImage(image)} has no image for ${platform}; available: ${names || 'none'}`,
      };
    }
    const single = await registry.manifest(repository, child.digest);
    if (single === undefined)
      return { unresolved: `${registry.host} does not have ${child.digest}, which the index names` };
    manifest = JSON.parse(single.text) as ManifestJson;
  }
  const { config } = manifest;
  // Charts, signatures and other artifacts have another type here; Docker's first format has no config at all.
  if (config === undefined || !isImage(config.mediaType))
    return { unresolved: `${formatImage(image)} is not a container image` };
  const blob = (await registry.json(repository, config.digest)) as { config?: unknown };
  return { config: imageConfigOf(blob.config ?? {}), source: registry.host };
}

/** @param type undefined: OCI requires it, but some builders omit it. */
function isImage(type: string | undefined): boolean {
  return (
    type === undefined ||
    type === 'application/vnd.oci.image.config.v1+json' ||
    type === 'application/vnd.docker.container.image.v1+json'
  );
}

/** The result of `work`, or the signal's reason: some requests here do not accept a signal. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  work.catch(() => {});
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** An engine that may have an image already, which saves a request to a registry. */
export interface ImageEngine {
  /** Its name in messages. */
  readonly name: string;
  /**
   * @returns the answer of `docker image inspect`; undefined: the engine does not have the image.
   * @throws Error if the engine does not answer.
   */
  readonly inspect: (reference: string, signal: AbortSignal) => Promise<unknown>;
}

/** Runs a command where an engine is: on this machine, or on a server. */
export type RunThere = (
  argv: readonly [string, ...string[]],
  signal: AbortSignal,
) => Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;

/** An engine that is queried with the docker command. */
export function commandEngine(name: string, run: RunThere): ImageEngine {
  return {
    name,
    inspect: async (reference, signal) => {
      const argv = ['docker', 'image', 'inspect', '--format', '{{json .}}', '--', reference] as const;
      const { code, stdout, stderr } = await run(argv, signal);
      if (code === 0) return JSON.parse(stdout) as unknown;
      if (/no such image/i.test(stderr)) return undefined;
      throw new Error(tail(stderr || stdout, 1));
    },
  };
}

/** The engine where Sluice runs, as the docker command finds it. */
export function localEngine(env: Readonly<Record<string, string | undefined>>): ImageEngine {
  return commandEngine('the local engine', (argv, signal) =>
    runProcess(argv, { env: dockerEnv(env), signal }),
  );
}
