import { stat } from 'node:fs/promises';
import { isAbsolute, join, posix, relative, sep } from 'node:path';
import { type BuiltImages, builderOf } from '../built-images.ts';
import type { ImageCopy } from '../dockerfile/image.ts';
import { readIgnore, type Verdict } from '../dockerignore/ignore.ts';
import { Unresolvable } from '../dockerignore/unresolvable.ts';
import type { ComposeModel } from '../model.ts';
import { readSmallText } from './small-text.ts';

/** An image that is built from this repository. */
export interface RepositoryImage {
  /** Build context, absolute. */
  readonly context: string;
  /** How messages call its Dockerfile. */
  readonly dockerfile: string;
  readonly copies: readonly ImageCopy[];
  /** Whether the build leaves out a path of the context. */
  readonly isLeftOut: (path: string) => boolean;
}

/**
 * The image that a service runs, where the repository builds it: by its own `build:`, or by that of the service whose
 * image it names.
 *
 * @returns undefined for foreign images, for remote contexts, and where the Dockerfile cannot be read.
 */
export async function repositoryImage(
  name: string,
  model: ComposeModel,
  images: BuiltImages,
): Promise<RepositoryImage | undefined> {
  const service = model.services[name];
  const builder =
    service?.build !== undefined || service?.image === undefined ? name : builderOf(model, service.image);
  const build = builder === undefined ? undefined : model.services[builder]?.build;
  const copies = Object.hasOwn(images, name) ? images[name]?.copies : undefined;
  if (build === undefined || copies === undefined) return undefined;
  const { context, dockerfile = 'Dockerfile' } = typeof build === 'string' ? { context: build } : build;
  if (context === undefined || !isAbsolute(context)) return undefined;
  const file = isAbsolute(dockerfile) ? dockerfile : join(context, dockerfile);
  const ignore =
    (await readSmallText(`${file}.dockerignore`)) ?? (await readSmallText(join(context, '.dockerignore')));
  return { context, dockerfile, copies, isLeftOut: ignoring(ignore ?? '') };
}

function ignoring(text: string): (path: string) => boolean {
  try {
    const ignore = readIgnore(text);
    return (path) => {
      let verdict: Verdict | undefined;
      const parts = path.split('/');
      for (const [index] of parts.entries())
        verdict = ignore.judge(parts.slice(0, index + 1).join('/'), verdict);
      return verdict?.isExcluded === true;
    };
  } catch (error) {
    // What cannot be read for certain may leave out anything.
    if (error instanceof Unresolvable) return () => true;
    throw error;
  }
}

/** Files that only an install needs: an image with these alone has no code. */
const manifest =
  /^(?:package(?:-lock)?\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|pnpm-workspace\.yaml|bun\.lockb?|\.npmrc|\.yarnrc(?:\.yml)?|requirements[\w.-]*\.(?:txt|in)|pyproject\.toml|poetry\.lock|uv\.lock|setup\.(?:py|cfg)|Pipfile(?:\.lock)?|Gemfile(?:\.lock)?|\.ruby-version|composer\.(?:json|lock)|go\.(?:mod|sum)|Cargo\.(?:toml|lock)|mix\.(?:exs|lock)|pom\.xml|build\.gradle(?:\.kts)?)$/;

/**
 * Whether an image has the code that a mount lays over it: a development mount, whose image is complete without it.
 *
 * @param source folder on this machine, absolute.
 * @param target where it is mounted.
 */
export async function holdsMount(image: RepositoryImage, source: string, target: string): Promise<boolean> {
  const mounted = trimmed(target);
  const path = relative(image.context, source).split(sep).join('/');
  const isAbove = path === '' || path === '..' || /^(?:\.\.\/)+(?:\.\.)?$/.test(`${path}/`);
  if (!isAbove && (path.startsWith('../') || image.isLeftOut(path))) return false;
  for (const copy of image.copies) {
    if (copy.target === undefined) continue;
    if (copy.from !== undefined) {
      // From another stage: what it has there has been built of the same sources.
      const to = trimmed(copy.target);
      if (isWithin(mounted, to) || (isAbove && isWithin(to, mounted))) return true;
      continue;
    }
    for (const text of copy.sources) {
      if (await places(image, copy, text, isAbove ? undefined : path, mounted)) return true;
    }
  }
  return false;
}

/** Whether one source of a COPY puts the mounted folder, or code of it, at the mount's target. */
async function places(
  { context }: RepositoryImage,
  copy: ImageCopy,
  text: string,
  path: string | undefined,
  mounted: string,
): Promise<boolean> {
  if (/^(?:https?|git|ssh):|^git@/.test(text) || copy.target === undefined) return false;
  const source = posix.normalize(text.replace(/^\/+/, '') || '.').replace(/\/$/, '');
  const to = trimmed(copy.target);
  const hasWildcard = /[*?[]/.test(source);
  const isFolder = hasWildcard
    ? false
    : (await stat(join(context, source)).catch(() => undefined))?.isDirectory() === true;
  if (path === undefined) {
    // The whole context is mounted: any code of it that is copied below the target is the image's copy.
    if (!isFolder && manifest.test(posix.basename(source))) return false;
    if (
      hasWildcard &&
      /^(?:package|requirements|Gemfile|composer|go\.|Pipfile|yarn|\*\.(?:json|txt|toml|lock))/.test(
        posix.basename(source),
      )
    )
      return false;
    return isWithin(to, mounted);
  }
  // `COPY a/b/ /x/` puts the content of a/b at /x: a/b/c is at /x/c.
  if (!isFolder || !isWithin(path, source)) return false;
  const below = source === '.' ? path : posix.relative(source, path);
  return posix.join(to, below) === mounted;
}

/** Whether a path is a folder, or lies in it. */
function isWithin(path: string, folder: string): boolean {
  return folder === '.' || folder === '/' || path === folder || path.startsWith(`${folder}/`);
}

function trimmed(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}
