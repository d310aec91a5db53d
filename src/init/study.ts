import { isAbsolute, join, relative } from 'node:path';
import { type BuiltImages, builtImages } from '../config/built-images.ts';
import type { DockerfileImage } from '../config/dockerfile/image.ts';
import type { ComposeModel, ComposeService } from '../config/model.ts';
import { commandLine } from '../config/programs.ts';

import { findHealth, type HealthGuess } from './health.ts';
import { findMigrations, type MigrationTool } from './migrations.ts';
import { nameOf, type Tree } from './tree.ts';

/** What the repository says of one service beyond its compose file. */
export interface ServiceSight {
  readonly name: string;
  /** Build context as a path from the repository's folder; undefined if nothing here is built for it. */
  readonly context: string | undefined;
  readonly dockerfile: string | undefined;
  readonly image: DockerfileImage | undefined;
  readonly health: HealthGuess | undefined;
  readonly migrations: readonly MigrationTool[];
  /** All that its container runs at its start, as far as it can be read: command, entrypoint, and their scripts. */
  readonly start: string;
}

/** Looks at the sources of each service. */
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
    migrations: isBuilt ? await findMigrations(tree, context) : [],
    start: await startOf(tree, service, image, context),
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

async function startOf(
  tree: Tree,
  service: ComposeService,
  image: DockerfileImage | undefined,
  context: string | undefined,
): Promise<string> {
  const line = `${commandLine(service)} ${image === undefined ? '' : commandLine(image)}`;
  if (context === undefined) return line;
  const names = line.split(/[\s/]+/).filter((word) => /\.(?:sh|bash)$|^entrypoint$/.test(word));
  const scripts = tree.files.filter((file) => names.includes(nameOf(file))).slice(0, 10);
  const texts = await Promise.all(scripts.map((file) => tree.read(file)));
  return [line, ...texts.filter((text) => text !== undefined)].join('\n');
}
