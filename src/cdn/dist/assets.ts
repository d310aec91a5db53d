import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HashToken, hashTokenOf } from './hash-token.ts';
import { endingOf } from './media-types.ts';
import { type PathTest, pathTest } from './pattern.ts';

const code = new Set(['js', 'mjs', 'cjs', 'css', 'wasm']);

/** Browsers identify service workers by their URL, so it never changes. */
const serviceWorker =
  /(?:^|[/._-])(?:sw|service-?worker|register-?sw|ngsw-worker|safety-worker|worker-basic(?:\.min)?|OneSignalSDK(?:Updater)?Worker)\.m?js$/i;

/**
 * The servers of these frameworks send everything below as immutable, named by its content: Next.js (Headers of
 * `/_next/static`), SvelteKit (`_app/immutable`), Gatsby (`static/MD5/…`, “Caching Static Sites”).
 */
const immutableFolder =
  /^(?:.*\/)?(?:_next\/static\/(?:chunks|css|media)\/|_app\/immutable\/|static\/[0-9a-f]{32}\/)/;

/** Folders that only a bundler writes, so tokens there are hashes. Nuxt, Astro, Expo. */
const bundlerFolder = /^(?:.*\/)?(?:_nuxt\/(?!builds\/)|_astro\/|_expo\/static\/)/;

/**
 * Finds files with a hash of their content in the name, which browsers may cache for a year. In doubt: no. A
 * repeated request costs milliseconds; a changed file that is cached for a year breaks the site.
 *
 * HTML, service workers and source maps are never assets: a map changes with a comment, and its name does not.
 *
 * @param paths all paths of the site. @param hashed `cdn.hashed`; if set, only it counts. @param bundled paths
 *   in a bundler's manifest.
 */
export function assetTest(
  paths: readonly string[],
  hashed: readonly string[] | undefined,
  bundled: ReadonlySet<string> = new Set(),
): PathTest {
  if (hashed !== undefined) {
    const isNamed = pathTest(hashed);
    return (path) => isNamed(path) && !isNever(path);
  }
  const votes = countVotes(paths);
  return (path) => mayBeHashed(path) && isHashed(path, votes, bundled);
}

function isNever(path: string): boolean {
  if (/^(?:x?html?|xht|map)$/.test(endingOf(path))) return true;
  return serviceWorker.test(path) || /(?:^|\/)\.well-known\//.test(path);
}

/** Text files named by a hash prove ownership of the site (IndexNow), or are licenses of bundled code. */
function mayBeHashed(path: string): boolean {
  return !isNever(path) && !/^(?:txt)?$/.test(endingOf(path));
}

function isHashed(path: string, votes: Votes, bundled: ReadonlySet<string>): boolean {
  if (immutableFolder.test(path)) return true;
  const token = hashTokenOf(nameOf(path));
  if (token === undefined) return false;
  if (bundled.has(path) || bundlerFolder.test(path)) return true;
  const isCode = code.has(endingOf(path));
  if (isCertain(token, isCode)) return true;
  if (token.trust === 'weak' && !isCode) return false;
  const folder = folderOf(path);
  // Angular and esbuild collect files there that style sheets name.
  if (token.trust === 'certain' && folder.endsWith('media/') && votes.ofSite(token.style)) return true;
  // Images beside hashed code belong to the bundler; without code, other images count too.
  return stylesOf(token).some(
    (style) => votes.of(folder, true, style) || (!isCode && votes.of(folder, false, style)),
  );
}

/** One in 30 base64url hashes has no capitals, or no small letters. */
function stylesOf({ style, trust }: HashToken): readonly string[] {
  return /^base3[26] 8$/.test(style) && trust !== 'weak' ? [style, 'base64url 8'] : [style];
}

/** An image named only by a hash may be anything: Gravatar uses the MD5 of an address. */
function isCertain({ trust, whole, style }: HashToken, isCode: boolean): boolean {
  if (trust !== 'certain') return false;
  return isCode || (!whole && (style.startsWith('hex') || style === 'base64url 8'));
}

interface Votes {
  /** Whether nearly all files of a folder (its code, or the rest) are named in that style. */
  of(folder: string, isCode: boolean, style: string): boolean;
  /** Whether some code of the site is. */
  ofSite(style: string): boolean;
}

function countVotes(paths: readonly string[]): Votes {
  const folders = new Map<
    string,
    { files: number; shaped: Map<string, number>; certain: Map<string, number> }
  >();
  const site = new Map<string, number>();
  for (const path of paths) {
    if (!mayBeHashed(path)) continue;
    const isCode = code.has(endingOf(path));
    const key = `${isCode ? 'code' : 'rest'} ${folderOf(path)}`;
    const votes = folders.get(key) ?? { files: 0, shaped: new Map(), certain: new Map() };
    folders.set(key, votes);
    votes.files++;
    const token = hashTokenOf(nameOf(path));
    if (token === undefined) continue;
    add(votes.shaped, token.style);
    if (!isCertain(token, isCode)) continue;
    add(votes.certain, token.style);
    if (isCode) add(site, token.style);
  }
  const of = (folder: string, isCode: boolean, style: string) => {
    const votes = folders.get(`${isCode ? 'code' : 'rest'} ${folder}`);
    if (votes === undefined) return false;
    const certain = votes.certain.get(style) ?? 0;
    return certain >= (isCode ? 1 : 2) && (votes.shaped.get(style) ?? 0) * 4 >= votes.files * 3;
  };
  return { of, ofSite: (style) => (site.get(style) ?? 0) >= 2 };
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

/** Vite (`build.manifest`), Create React App and webpack, gulp-rev, Django's ManifestStaticFilesStorage. */
const manifests = [
  '.vite/manifest.json',
  'manifest.json',
  'asset-manifest.json',
  'webpack-manifest.json',
  'rev-manifest.json',
  'staticfiles.json',
];

/**
 * Paths in bundlers' manifests of a folder: tokens in their names are hashes. Unreadable manifests and a web
 * app's manifest.json are ignored. @param all paths of the folder.
 */
export function bundledPaths(folder: string, all: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const name of manifests) {
    if (!all.has(name)) continue;
    for (const listed of listedIn(readJson(join(folder, name)))) {
      const path = pathIn(all, listed);
      if (path !== undefined) found.add(path);
    }
  }
  return found;
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** `{ "index.html": { file, css: [], assets: [] } }`, `{ files: {…} }`, `{ paths: {…} }`, `{ "app.js": "app-1a2b.js" }`. */
function listedIn(manifest: unknown): readonly string[] {
  if (!isMap(manifest) || 'start_url' in manifest || 'icons' in manifest) return [];
  const files = isMap(manifest['files']) ? manifest['files'] : manifest;
  const entries = isMap(files['paths']) ? files['paths'] : files;
  return Object.values(entries)
    .flatMap((entry) => {
      if (!isMap(entry)) return [entry];
      return [entry['file'], entry['css'], entry['assets']].flat();
    })
    .filter((listed) => typeof listed === 'string');
}

/** Some manifests list URLs: `/app/static/js/main.js`, `https://cdn.example.com/static/js/main.js`. */
function pathIn(all: ReadonlySet<string>, listed: string): string | undefined {
  const parts = listed
    .replace(/^(?:[a-z][a-z0-9+.-]*:)?\/\/[^/]*/i, '')
    .replace(/^\.?\//, '')
    .split('/');
  for (let from = 0; from < parts.length; from++) {
    const path = parts.slice(from).join('/');
    if (all.has(path)) return path;
  }
  return undefined;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
