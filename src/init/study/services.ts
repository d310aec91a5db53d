import { isAbsolute, join, relative } from 'node:path';
import { missingBuildFiles } from '../../config/compose/build-files.ts';
import type { DockerfileImage } from '../../config/dockerfile/image.ts';
import { type BuiltImages, builtImages } from '../../config/images/built-images.ts';
import type { ComposeModel, ComposeService } from '../../config/model.ts';
import { UserErrors } from '../../kernel/errors.ts';
import { type BuiltFrom, type MigrationSight, studyMigrations } from '../migrations/migrations.ts';
import { findHealth, type HealthGuess } from './health.ts';
import type { Seen } from './repository.ts';
import type { Tree } from './tree.ts';

/** Facts of the repository about one service, beyond its compose file. */
export interface ServiceSight extends MigrationSight {
  readonly name: string;
  /** Build context as a path from the repository's folder; undefined if it is not built here. */
  readonly context: string | undefined;
  readonly dockerfile: string | undefined;
  readonly image: DockerfileImage | undefined;
  readonly health: HealthGuess | undefined;
}

export async function study(tree: Tree, model: ComposeModel): Promise<ServiceSight[]> {
  const images = await builtImages(model);
  const all: ServiceSight[] = [];
  for (const [name, service] of Object.entries(model.services))
    all.push(await studyOne(tree, name, service, images));
  return all;
}

async function studyOne(
  tree: Tree,
  name: string,
  service: ComposeService,
  images: BuiltImages,
): Promise<ServiceSight> {
  const context = contextOf(tree, service);
  const dockerfile = context === undefined ? undefined : dockerfileOf(tree, service, context);
  const image = Object.hasOwn(images, name) ? images[name] : undefined;
  const check = [...(service.healthcheck?.test ?? []), ...(image?.healthcheck?.test ?? [])];
  const isBuilt = context !== undefined;
  return {
    name,
    context,
    dockerfile,
    image,
    health: isBuilt ? await findHealth(tree, context, check, { name, definition: service }) : undefined,
    ...(await studyMigrations(tree, service, await builtFrom(tree, service, context, dockerfile), image)),
  };
}

function contextOf(tree: Tree, { build }: ComposeService): string | undefined {
  const context = typeof build === 'string' ? build : build?.context;
  if (context === undefined || !isAbsolute(context)) return undefined;
  const path = relative(tree.folder, context);
  return path === '..' || path.startsWith('../') ? undefined : path;
}

/** Path of the Dockerfile from the repository's folder; undefined where it is part of the compose file, or missing. */
function dockerfileOf(tree: Tree, { build }: ComposeService, context: string): string | undefined {
  const { dockerfile = 'Dockerfile', dockerfile_inline: inline } = typeof build === 'object' ? build : {};
  if (inline !== undefined) return undefined;
  const path = isAbsolute(dockerfile) ? relative(tree.folder, dockerfile) : join(context, dockerfile);
  return tree.files.includes(path) ? path : undefined;
}

async function builtFrom(
  tree: Tree,
  { build }: ComposeService,
  context: string | undefined,
  dockerfile: string | undefined,
): Promise<BuiltFrom | undefined> {
  if (context === undefined) return undefined;
  const { target, args, dockerfile_inline: inline } = typeof build === 'object' ? build : {};
  const known = Object.entries(args ?? {}).flatMap(([name, value]) =>
    value === null ? [] : [[name, value]],
  );
  const text = inline ?? (dockerfile === undefined ? undefined : await tree.read(dockerfile));
  return { context, dockerfile: text, target, args: Object.fromEntries(known) };
}

/**
 * Checks that the build contexts and Dockerfiles of the compose files exist. Paths with a variable that has no default are
 * skipped: here they have stand-ins.
 *
 * @throws UserErrors `build.files`.
 */
export async function checkBuildFiles(
  { folder, compose, variables }: Pick<Seen, 'folder' | 'compose' | 'variables'>,
  model: ComposeModel,
): Promise<void> {
  const files = compose?.files ?? [];
  const open = variables.filter(({ fallback }) => fallback === undefined).map(({ name }) => name);
  const isUncertain = (service: string) =>
    files.some((file) => {
      const text = JSON.stringify(pathsOf(file.services[service]?.['build']));
      return open.some((name) => new RegExp(`\\$\\{?${name}\\b`).test(text));
    });
  const config = { folder, compose: files.map(({ path }) => path) };
  const missing = await missingBuildFiles(model, config, isUncertain);
  if (missing.length > 0) throw new UserErrors(missing);
}

function pathsOf(build: unknown): unknown {
  if (build === null || typeof build !== 'object') return [build];
  const { context, dockerfile, additional_contexts: contexts } = build as Record<string, unknown>;
  return [context, dockerfile, contexts];
}
