import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { type DockerfileImage, readDockerfile } from '../dockerfile/image.ts';
import type { ComposeBuild, ComposeHealthcheck, ComposeModel, ComposeService } from '../model.ts';
import type { ImageConfig, ImageHealthcheck } from './image-config.ts';
import { tryParseImage } from './reference.ts';

/** Config of the image of each service, as far as it is known. */
export type Images = Readonly<Record<string, ImageConfig>>;

/** Images by service, from the Dockerfiles; a service whose Dockerfile cannot be read is missing. */
export type BuiltImages = Readonly<Record<string, DockerfileImage>>;

/**
 * Reads the Dockerfiles of all services that are built, those that are based on another service's image after it.
 * A service that runs what another one builds has the same.
 *
 * @param model with absolute build contexts, as docker compose prints them.
 */
export async function builtImages(model: ComposeModel): Promise<BuiltImages> {
  const texts = new Map<string, string>();
  for (const [name, { build }] of Object.entries(model.services)) {
    const text = build === undefined ? undefined : await dockerfileOf(buildOf(build));
    if (text !== undefined) texts.set(name, text);
  }
  const done = new Map<string, DockerfileImage>();
  const read = (name: string, waiting: readonly string[]): DockerfileImage | undefined => {
    const text = texts.get(name);
    const known = done.get(name);
    // A circle of base images is an error of the build; here it ends the search.
    if (known !== undefined || text === undefined || waiting.includes(name)) return known;
    const { target, args } = buildOf(model.services[name]?.build ?? {});
    const image = readDockerfile(text, {
      target,
      args: textsOf(args),
      images: (reference) => {
        const builder = builderOf(model, reference);
        return builder === undefined || builder === name ? undefined : read(builder, [...waiting, name]);
      },
    });
    done.set(name, image);
    return image;
  };
  for (const name of texts.keys()) read(name, []);
  for (const [name, { image, build }] of Object.entries(model.services)) {
    const builder = build !== undefined || image === undefined ? undefined : builderOf(model, image);
    const found = builder === undefined ? undefined : done.get(builder);
    if (found !== undefined) done.set(name, found);
  }
  return Object.fromEntries(done);
}

/** The service that builds an image: it has the name in `image:`, or Compose gives it `<project>-<service>`. */
export function builderOf(model: ComposeModel, reference: string): string | undefined {
  const wanted = nameOf(reference);
  const found = Object.entries(model.services).find(
    ([name, { build, image }]) =>
      build !== undefined && nameOf(image ?? `${model.name}-${name}`) === wanted && wanted !== undefined,
  );
  return found?.[0];
}

function nameOf(reference: string): string | undefined {
  const parsed = tryParseImage(reference);
  return parsed === undefined ? undefined : `${parsed.registry}/${parsed.repository}`;
}

function buildOf(build: ComposeBuild | string): ComposeBuild {
  return typeof build === 'string' ? { context: build } : build;
}

/** @returns undefined for a remote context, and for a missing file, which the build reports. */
async function dockerfileOf(build: ComposeBuild): Promise<string | undefined> {
  const { context, dockerfile = 'Dockerfile', dockerfile_inline: inline } = build;
  if (inline !== undefined) return inline;
  if (context === undefined || !isAbsolute(context)) return undefined;
  const path = isAbsolute(dockerfile) ? dockerfile : join(context, dockerfile);
  return await readFile(path, 'utf8').catch(() => undefined);
}

function textsOf(args: ComposeBuild['args']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(args ?? {}).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );
}

/**
 * A service with the configuration of its image filled in, as the engine merges the two (moby daemon/commit.go): ports unite, an
 * own entrypoint drops the image's command, a health check takes the fields it does not set from the image.
 */
export function withImage(service: ComposeService, image: ImageConfig | undefined): ComposeService {
  if (image === undefined) return service;
  const entrypoint = hasWords(service.entrypoint) ? service.entrypoint : image.entrypoint;
  const command = hasWords(service.command)
    ? service.command
    : hasWords(service.entrypoint)
      ? []
      : image.command;
  const exposed = image.ports.map(({ port, protocol }) =>
    protocol === 'tcp' ? `${port}` : `${port}/${protocol}`,
  );
  const healthcheck =
    image.healthcheck === undefined
      ? service.healthcheck
      : { ...inComposeWords(image.healthcheck), ...service.healthcheck };
  return {
    ...service,
    entrypoint,
    command,
    ...(exposed.length === 0 ? {} : { expose: [...new Set([...(service.expose ?? []), ...exposed])] }),
    ...(healthcheck === undefined ? {} : { healthcheck }),
    environment: { ...image.env, ...service.environment },
  };
}

function hasWords(words: ComposeService['command']): words is readonly string[] {
  return Array.isArray(words) && words.length > 0;
}

function inComposeWords(check: ImageHealthcheck): ComposeHealthcheck {
  const times = {
    interval: check.intervalMs,
    timeout: check.timeoutMs,
    start_period: check.startPeriodMs,
    start_interval: check.startIntervalMs,
  };
  const given = Object.entries(times).flatMap(([key, ms]) => (ms === undefined ? [] : [[key, `${ms}ms`]]));
  return {
    test: check.test,
    ...Object.fromEntries(given),
    ...(check.retries === undefined ? {} : { retries: check.retries }),
  };
}
