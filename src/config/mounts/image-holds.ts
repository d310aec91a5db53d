import { readdir } from 'node:fs/promises';
import { isAbsolute, join, posix, relative, sep } from 'node:path';
import { type ImageCopy, readDockerfile } from '../dockerfile/image.ts';
import { parseDockerfile } from '../dockerfile/parse.ts';
import { cleanPath } from '../dockerignore/go-text.ts';
import { readIgnore, type Verdict } from '../dockerignore/ignore.ts';
import { Unresolvable } from '../dockerignore/unresolvable.ts';
import { builderOf } from '../images/built-images.ts';
import type { ComposeModel } from '../model.ts';
import { readSmallText } from '../text-file.ts';
import { isWithin } from './folder-content.ts';
import { isDependencies } from './kinds.ts';

/** An image that is built from this repository. */
export interface RepositoryImage {
  /** Build context, absolute. */
  readonly context: string;
  /** How messages call its Dockerfile. */
  readonly dockerfile: string;
  /** COPY and ADD of the image, or of one of the Dockerfile's stages; undefined for an unknown stage. */
  readonly copies: (stage?: string) => readonly ImageCopy[] | undefined;
  /** Whether an install in the Dockerfile fills `node_modules`, `vendor` or `.venv`. */
  readonly installs: boolean;
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
): Promise<RepositoryImage | undefined> {
  const service = model.services[name];
  const builder =
    service?.build !== undefined || service?.image === undefined ? name : builderOf(model, service.image);
  const build = builder === undefined ? undefined : model.services[builder]?.build;
  if (build === undefined) return undefined;
  const {
    context,
    dockerfile = 'Dockerfile',
    dockerfile_inline: inline,
    target,
    args = {},
  } = typeof build === 'string' ? { context: build } : build;
  if (context === undefined || !isAbsolute(context)) return undefined;
  const file = isAbsolute(dockerfile) ? dockerfile : join(context, dockerfile);
  const text = inline?.replaceAll('$$', '$') ?? (await readSmallText(file));
  if (text === undefined) return undefined;
  const given = Object.entries(args).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  const { stages } = parseDockerfile(text, Object.fromEntries(given));
  const installs = stages.some(({ instructions }) =>
    instructions.some(({ keyword, text: line }) => keyword === 'RUN' && install.test(line)),
  );
  const ignore =
    (await readSmallText(`${file}.dockerignore`)) ?? (await readSmallText(join(context, '.dockerignore')));
  return {
    context,
    dockerfile,
    installs,
    copies: (stage) => {
      const isKnown =
        stage === undefined || stages.some((other, index) => other.name === stage || `${index}` === stage);
      const options = { target: stage ?? target, args: Object.fromEntries(given) };
      return isKnown ? readDockerfile(text, options).copies : undefined;
    },
    isLeftOut: ignoring(ignore ?? ''),
  };
}

const install = /\b(?:npm|pnpm|yarn|bun|composer|pip3?|pipenv|poetry|pdm|uv|bundle)\b/;

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
    // An ambiguous file may leave out anything.
    if (error instanceof Unresolvable) return () => true;
    throw error;
  }
}

/**
 * A whole project has files that production does not need; one of its folders has few. Beyond this share of its code
 * an image is complete without the mount.
 */
const wholeShare = 0.5;
const partShare = 0.8;
/** Stages copy from stages; deeper chains do not occur in practice. */
const maxDepth = 8;

/**
 * Whether an image has the code that a mount lays over it: a development mount, whose image is complete without it. The
 * code is followed through the COPY instructions of the Dockerfile, from stage to stage.
 *
 * @param source folder on this machine, absolute.
 * @param target where it is mounted.
 */
export async function holdsMount(image: RepositoryImage, source: string, target: string): Promise<boolean> {
  const mounted = relative(image.context, source).split(sep).join('/');
  const isAbove = mounted === '' || mounted.split('/').every((part) => part === '..');
  if (!isAbove && mounted.startsWith('../')) return false;
  const folder = isAbove ? '' : mounted;
  const all = await sourceFiles(join(image.context, folder));
  const files = all.map((file) => posix.join(folder, file)).filter((file) => !image.isLeftOut(file));
  const least = all.length * (isAbove ? wholeShare : partShare);
  if (all.length === 0 || files.length < least) return false;
  const search = { image, folder, files, least };
  return (
    holds(search, image.copies() ?? [], cleanPath(target), 0) ||
    (isAbove && hasBuilt(search, cleanPath(target)))
  );
}

interface Search {
  readonly image: RepositoryImage;
  /** The mounted folder, from the context. */
  readonly folder: string;
  /** Its code, from the context. */
  readonly files: readonly string[];
  /** How many of the files the image must have. */
  readonly least: number;
}

/** Whether copies put the code at a place; undefined: at any place. */
function holds(
  search: Search,
  copies: readonly ImageCopy[],
  place: string | undefined,
  depth: number,
): boolean {
  const { files, folder, least } = search;
  const fromContext = copies.filter(({ from }) => from === undefined);
  const found = files.filter((file) =>
    fromContext.some((copy) =>
      placesOf(copy, file).some(
        (path) => place === undefined || path === posix.join(place, posix.relative(folder, file)),
      ),
    ),
  );
  if (found.length >= least) return true;
  if (depth >= maxDepth) return false;
  return copies.some(({ from, sources, target }) => {
    const stage = from === undefined ? undefined : search.image.copies(from.toLowerCase());
    if (stage === undefined || target === undefined) return false;
    if (place === undefined)
      return sources.some((path) => !isDependencies(path)) && holds(search, stage, undefined, depth + 1);
    // `COPY --from=build /w/app /app`: what is mounted at /app/x was at /w/app/x there.
    const to = cleanPath(target);
    return (
      isWithin(place, to) &&
      sources.some((path) =>
        holds(search, stage, posix.join(cleanPath(path), posix.relative(to, place)), depth + 1),
      )
    );
  });
}

/** Whether the image has below a place what a stage with the code has built: `COPY --from=build /w/dist /app/dist`. */
function hasBuilt(search: Search, place: string): boolean {
  return (search.image.copies() ?? []).some(({ from, sources, target }) => {
    const stage = from === undefined ? undefined : search.image.copies(from.toLowerCase());
    if (stage === undefined || target === undefined || !isWithin(cleanPath(target), place)) return false;
    return sources.some((path) => !isDependencies(path)) && holds(search, stage, undefined, 0);
  });
}

/** Where a COPY from the context puts a file of it. */
function placesOf({ sources, target }: ImageCopy, file: string): string[] {
  if (target === undefined) return [];
  return sources.flatMap((text) => {
    if (/^(?:https?|git|ssh):|^git@/.test(text)) return [];
    const source = posix.normalize(text.replace(/^\/+/, '') || '.').replace(/\/$/, '');
    const isInto = target.endsWith('/') || sources.length > 1;
    if (source === '.') return [posix.join(target, file)];
    if (/[*?[]/.test(source)) {
      const [, matched, rest = ''] = globOf(source).exec(file) ?? [];
      if (matched === undefined) return [];
      // A file goes into the folder; of a folder that matches, its content does.
      return [posix.join(target, rest === '' ? posix.basename(matched) : rest)];
    }
    if (file === source) return [isInto ? posix.join(target, posix.basename(file)) : cleanPath(target)];
    return file.startsWith(`${source}/`) ? [posix.join(target, posix.relative(source, file))] : [];
  });
}

/** Go's filepath.Match, as COPY uses it: no wildcard goes beyond a slash. */
function globOf(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  try {
    return new RegExp(`^(${source})(?:/(.*))?$`);
  } catch {
    return /^\b$/;
  }
}

const code =
  /\.(?:[cm]?[jt]sx?|vue|svelte|astro|py|rb|erb|php|go|rs|java|kt|scala|clj|cs|fs|exs?|eex|heex|erl|c|cc|cpp|h|swift|dart|lua|pl|sh)$/i;
/** Folders that production does not need, or that an install or a build creates. */
const aside =
  /^(?:\..+|node_modules|vendor|venv|dist|build|target|coverage|tests?|specs?|__tests__|__pycache__|e2e|cypress|docs?|examples?|fixtures|docker|deploy|infra|ops|scripts|tools|bin|tmp|log)$/i;
/** Settings of tools, beside the code and not a part of it. */
const tooling =
  /(?:^|\/)[^/]*(?:\.config|\.conf|rc|\.setup|\.test|\.spec|_test|_spec)\.[cm]?[jt]sx?$|(?:^|\/)(?:gulp|grunt|vite|webpack)file?\.[cm]?js$/i;
const maxFolderDepth = 8;
const maxFiles = 5000;

/**
 * The code of a folder: paths from there on. A folder without code (pages, pictures) is all that it holds.
 */
async function sourceFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  const visit = async (path: string, depth: number): Promise<void> => {
    const entries = await readdir(join(folder, path), { withFileTypes: true }).catch(() => []);
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (files.length >= maxFiles) return;
      const whole = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.isFile()) files.push(whole);
      else if (entry.isDirectory() && depth < maxFolderDepth && !aside.test(entry.name))
        await visit(whole, depth + 1);
    }
  };
  await visit('', 0);
  const found = files.filter((file) => code.test(file) && !tooling.test(file));
  if (found.length > 0) return found;
  const pages = files.filter((file) => !/^(?:\.|[^/]*\.(?:md|lock|txt|ya?ml|toml|json)$)/i.test(file));
  // Pages that a build makes others of (`docs/index.md`), and nothing else.
  return pages.length > 0 ? pages : files.filter((file) => !file.startsWith('.'));
}
