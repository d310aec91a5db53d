import { existsSync, readdirSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { SiteSettings } from '../../config/site.ts';
import { messageOf, type UserError, UserErrors } from '../../kernel/errors.ts';
import { counted } from '../../kernel/figures.ts';
import type { ObjectHeaders, SiteFile } from '../model.ts';
import { assetTest, bundledPaths } from './assets.ts';
import { digestFile } from './digest.ts';
import { type Described, headersBy } from './headers.ts';
import { endingOf, isCompressible, mediaTypeOf, unknownType } from './media-types.ts';
import { distFault, keyFault, mayBeKey, pathFault, shown } from './names.ts';
import { pathTest } from './pattern.ts';
import { createPauses } from './pauses.ts';
import { encodingOf, keepBytes, type Variant, variantsOf } from './variants.ts';
import { type Walked, walk } from './walk.ts';

/** A folder to publish. */
export interface DistFolder {
  /** Sorted by the bytes of their paths. */
  readonly files: readonly SiteFile[];
  /** Notes; one sentence each. */
  readonly notes: readonly string[];
}

/** Most reported faults; more hide the first. */
const mostFaults = 20;

/**
 * Reads the folder: every file with its hash, its class and the headers it gets.
 *
 * @throws UserErrors `cdn.dist`, `cdn.secret-file`, `cdn.not-built`: all faults at once; the signal's reason on
 *   abort.
 */
export async function readDist(settings: SiteSettings, signal: AbortSignal): Promise<DistFolder> {
  expectFolder(settings.dist);
  signal.throwIfAborted();
  const pause = createPauses(signal);
  const walked = await walk(settings.dist, {
    prefix: settings.store.prefix,
    isExcluded: pathTest(settings.exclude),
    pause,
  });
  // With many faults it may be a whole disk: it is not read.
  if (walked.faults.length > mostFaults) throw new UserErrors(fewest(walked.faults));
  const faults = [...walked.faults];
  const headersOf = headersBy(settings.headers);
  const plain = await readFiles(settings, inOrder(walked.paths), headersOf, faults, pause);
  if (faults.length > 0) throw new UserErrors(fewest(faults));
  const variants = await variantsOf(plain, settings.variants, signal);
  const tooLong = variants.flatMap(({ path }) => pathFault(path, settings.store.prefix) ?? []);
  if (tooLong.length > 0) throw new UserErrors(fewest(tooLong));
  return {
    files: withVariants(plain, variants, headersOf),
    notes: [...notesOf(walked), ...unusedPatterns(settings, walked.paths)],
  };
}

function withVariants(
  plain: readonly SiteFile[],
  variants: readonly Variant[],
  headersOf: (file: Described) => ObjectHeaders,
): readonly SiteFile[] {
  if (variants.length === 0) return plain;
  const files = new Map(plain.map((file) => [file.path, file]));
  for (const { original, path, encoding, size, sha256, bytes } of variants) {
    const { class: kind, file } = original;
    const type = original.headers['content-type'] ?? unknownType;
    const headers = headersOf({ path, class: kind, type, copy: { of: original.path, encoding } });
    const variant = { path, class: kind, size, sha256, headers, file, encoding };
    files.set(path, variant);
    if (bytes !== undefined) keepBytes(variant, bytes);
  }
  return inOrder([...files.keys()]).flatMap((path) => files.get(path) ?? []);
}

function notesOf({ junk, excluded }: Walked): readonly string[] {
  const names = [...new Set(junk.map((path) => path.slice(path.lastIndexOf('/') + 1)))].sort();
  const few = names.length > 3 ? `${names.slice(0, 3).join(', ')}, …` : names.join(', ');
  return [
    ...(junk.length === 0
      ? []
      : [`${counted(junk.length, 'file')} from editors or the system left out (${shown(few)})`]),
    ...(excluded === 0
      ? []
      : [`${counted(excluded, 'file or folder', 'files and folders')} left out by cdn.exclude`]),
  ];
}

/** An unused pattern is misspelled, or its file is gone. */
function unusedPatterns({ hashed, headers }: SiteSettings, paths: readonly string[]): readonly string[] {
  const keys = { 'cdn.hashed': hashed ?? [], 'cdn.headers': headers.flatMap(({ match }) => match) };
  return Object.entries(keys).flatMap(([key, patterns]) => {
    const unused = patterns.filter((pattern) => !paths.some(pathTest([pattern])));
    const few = unused.length > 5 ? `${unused.slice(0, 5).join(', ')}, …` : unused.join(', ');
    return unused.length === 0 ? [] : [`No file matches ${shown(few)} (${key})`];
  });
}

function fewest(faults: readonly UserError[]): readonly UserError[] {
  if (faults.length <= mostFaults) return faults;
  const rest = faults.length - mostFaults;
  return [...faults.slice(0, mostFaults), distFault(`${counted(rest, 'more file')} cannot be published`)];
}

/** By the bytes of UTF-8; JavaScript compares UTF-16, which differs for surrogates. */
function inOrder(paths: readonly string[]): string[] {
  if (!paths.some((path) => /[\ud800-\udfff]/.test(path))) return [...paths].sort();
  return [...paths].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function expectFolder(dist: string): void {
  let stats: Stats | undefined;
  try {
    stats = statSync(dist, { throwIfNoEntry: false });
  } catch (error) {
    throw distFault(`The folder ${dist} cannot be read: ${messageOf(error)}`, undefined, error);
  }
  if (stats?.isDirectory() !== true) throw missingFolder(dist);
}

async function readFiles(
  { dist, hashed }: SiteSettings,
  paths: readonly string[],
  headersOf: (file: Described) => ObjectHeaders,
  faults: UserError[],
  pause: () => Promise<void>,
): Promise<SiteFile[]> {
  const all = new Set(paths);
  const isAsset = assetTest(paths, hashed, bundledPaths(dist, all));
  const files: SiteFile[] = [];
  for (const path of paths) {
    await pause();
    const file = join(dist, path);
    let isHtml = false;
    const look = (start: Buffer) => {
      if (endingOf(path) === '') isHtml = beginsLikeHtml(start);
      const fault = mayBeKey(path.slice(path.lastIndexOf('/') + 1), start)
        ? keyFault(path, start)
        : undefined;
      if (fault !== undefined) faults.push(fault);
    };
    try {
      const digest = await digestFile(file, pause, look);
      const described = describe(path, all, isAsset, isHtml);
      files.push({ path, class: described.class, ...digest, headers: headersOf(described), file });
    } catch (error) {
      faults.push(distFault(`${shown(path)} cannot be read: ${messageOf(error)}`));
    }
  }
  return files;
}

/** Describes a file by its name; `app.js.br` beside `app.js` is its compressed copy. */
function describe(
  path: string,
  all: ReadonlySet<string>,
  isAsset: (path: string) => boolean,
  isHtml: boolean,
): Described {
  const encoding = encodingOf(path);
  const original = encoding === undefined ? path : path.replace(/\.[^.]*$/, '');
  if (encoding !== undefined && all.has(original) && isCompressible(mediaTypeOf(original))) {
    return { ...describe(original, all, isAsset, false), path, copy: { of: original, encoding } };
  }
  const type = isHtml && mediaTypeOf(path) === unknownType ? 'text/html; charset=utf-8' : mediaTypeOf(path);
  const isPage = /^(?:text\/html|application\/xhtml\+xml)/.test(type);
  return { path, type, class: isPage ? 'page' : isAsset(path) ? 'asset' : 'file' };
}

/** Sites with clean URLs have pages without an extension. */
function beginsLikeHtml(start: Buffer): boolean {
  return /^\ufeff?\s*(?:<!--(?:(?!-->).)*-->\s*)*<(?:!doctype\s+html|html)[\s>]/is.test(
    start.toString('utf8', 0, 2048),
  );
}

/** Usual output folders of builds. */
const usual = ['dist', 'build', 'out', 'public', '.output/public', '_site'];

/** UserError `cdn.dist` for a missing folder; it suggests existing ones. */
function missingFolder(dist: string): UserError {
  const isFile = existsSync(dist);
  let around = dirname(dist);
  while (!existsSync(around)) around = dirname(around);
  const found = usual.filter((name) => {
    const folder = join(around, name);
    return (
      folder !== dist &&
      statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true &&
      hasFiles(folder)
    );
  });
  const places = found.map((name) => relative(dirname(around), join(around, name)));
  const [only] = places;
  return distFault(
    isFile ? `${dist} is a file: cdn.dist must name a folder` : `The folder ${dist} does not exist`,
    only === undefined
      ? 'Build the front end first. cdn.dist is relative to the folder of sluice.yml.'
      : `Build the front end first, or set cdn.dist to ${places.join(' or ')} (in ${basename(dirname(around)) || '/'}).`,
  );
}

function hasFiles(folder: string): boolean {
  try {
    return readdirSync(folder).length > 0;
  } catch {
    return false;
  }
}
