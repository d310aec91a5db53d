import { basename, dirname, resolve } from 'node:path';
import { plain } from '../../config/compose/load.ts';
import {
  formatImage,
  type ImageReference,
  imageName,
  parseImage,
  tryParseImage,
} from '../../config/images/reference.ts';
import { isCarried } from '../../config/images/transferred.ts';
import type { ComposeModel, ComposeService, Config } from '../../config/model.ts';
import { UserError } from '../../kernel/errors.ts';

export type RepositorySight = Pick<Config, 'app' | 'folder' | 'registry' | 'compose'>;

/**
 * The repository of an image that is built: `image:`, by Docker's own rule. `acme/web` is docker.io/acme/web, even in a
 * GitHub repository named acme/web: Sluice pushes only to the place that `image:` names. Only a name without a path
 * (`web`), which docker.io reserves for official images, and a service without `image:` are placed below `registry:` of
 * sluice.yml.
 */
export function repositoryOf(
  name: string,
  service: ComposeService,
  config: RepositorySight,
): string | UserError {
  const where = `services.${name}.image`;
  if (service.image !== undefined) {
    const reference = parseImage(plain(service.image), where);
    if (isCarried(config)) {
      const parts = reference.repository.split('/');
      const path = parts
        .filter((part, index) => index === parts.length - 1 || ![config.app, 'library'].includes(part))
        .join('/');
      return normal(`${config.registry}/${path}`, where);
    }
    const own = reference.registry !== 'docker.io' || !reference.repository.startsWith('library/');
    if (own) return formatImage({ ...reference, tag: undefined, digest: undefined });
    if (config.registry !== undefined) {
      return normal(`${config.registry}/${reference.repository.slice('library/'.length)}`, where);
    }
  } else if (config.registry !== undefined) {
    return normal(`${config.registry}/${name.toLowerCase()}`, where);
  }
  return new UserError({
    code: 'build.repository',
    message: `services.${name}: no registry is configured for its image`,
    hint: 'Add `registry: ghcr.io/acme/app` to sluice.yml (or `registry: none`), or `image: ghcr.io/acme/app/name` beside its `build:`.',
  });
}

function normal(text: string, where: string): string {
  return formatImage({ ...parseImage(text, where), tag: undefined, digest: undefined });
}

/**
 * The references by which Dockerfiles and other services may mean the image of a service that is built: `image:`, and
 * without it the names that Compose gives (`shop-web`; `shop_web` before version 2). A project is called after the folder
 * of its first compose file unless it has a name, so both count.
 */
export function localNames(
  name: string,
  { image }: ComposeService,
  config: RepositorySight,
): readonly ImageReference[] {
  const given = image === undefined ? undefined : tryParseImage(plain(image));
  if (given !== undefined) return [given];
  const first = resolve(config.folder, config.compose[0] ?? '');
  const projects = new Set([config.app, projectName(basename(dirname(first)))]);
  return [...projects]
    .flatMap((project) => [`${project}-${name}`, `${project}_${name}`])
    .flatMap((text) => tryParseImage(text) ?? []);
}

/** https://github.com/compose-spec/compose-go, loader.NormalizeProjectName. */
function projectName(folder: string): string {
  return folder
    .toLowerCase()
    .replace(/[^-_a-z0-9]+/g, '')
    .replace(/^[-_]+/, '');
}

/** Decides whether two references mean one image of the app. */
export interface SameImage {
  readonly isSame: (one: ImageReference, other: ImageReference) => boolean;
  /** The tag of a service that is built, if it tells its image from others of the name. */
  readonly tagThatMatters: (service: ComposeService) => string | undefined;
  /** Notes for the plan. */
  readonly notes: readonly string[];
}

/**
 * Sluice chooses the tags, so those of the compose file matter only in two cases. A name without a path may be an
 * official image, too: `nginx:1.27` is not the image that a service with `image: nginx:custom` builds. And some apps have all
 * images under one name (`acme/demo:1.0-web`, `acme/demo:1.0-api`): each gets a separate name beside it, because the tags of
 * a release can show one of them only.
 */
export function sameImageIn(model: ComposeModel, config: RepositorySight): SameImage {
  const builds = new Map<string, Map<string, string>>();
  for (const { build, image } of Object.values(model.services)) {
    const reference = build === undefined || image === undefined ? undefined : tryParseImage(plain(image));
    if (reference === undefined) continue;
    const name = imageName(reference);
    const byTag = builds.get(name) ?? new Map<string, string>();
    byTag.set(tagOf(reference), JSON.stringify(build));
    builds.set(name, byTag);
  }
  const split = new Set(
    [...builds].filter(([, byTag]) => new Set(byTag.values()).size > 1).map(([name]) => name),
  );
  const matters = (reference: ImageReference) =>
    split.has(imageName(reference)) ||
    (reference.registry === 'docker.io' && reference.repository.startsWith('library/'));
  return {
    isSame: (one, other) =>
      imageName(one) === imageName(other) && (!matters(one) || tagOf(one) === tagOf(other)),
    tagThatMatters: ({ image }) => {
      const reference = image === undefined ? undefined : tryParseImage(plain(image));
      if (reference === undefined || !split.has(imageName(reference))) return undefined;
      return tagOf(reference);
    },
    notes: isCarried(config)
      ? []
      : [...split].map(
          (name) => `${name}: its tags are different images, so each is pushed as ${name}-SERVICE`,
        ),
  };
}

function tagOf({ tag }: ImageReference): string {
  return tag ?? 'latest';
}
