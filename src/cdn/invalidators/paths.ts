import type { ChangedSite } from '../invalidator.ts';

/**
 * One encoded URL path to invalidate, from the top of the host. `below`: every path that begins with it; else
 * only this one.
 */
export interface Told {
  readonly path: string;
  readonly below: boolean;
}

/** The limits and the encoding of a CDN. */
export interface Dialect {
  /** Encodes a path with its leading slash as in the CDN's cache. */
  readonly tell: (path: string) => Told;
  /** Most paths; more changes are invalidated by folder. */
  readonly few: number;
  /** Most paths with `below`. */
  readonly wildcards: number;
}

/**
 * Plans an invalidation that covers every changed URL once: - If the page for unknown paths has changed: the
 * whole site, since any path may be cached with it. - If few paths have changed: exactly those. - If half of
 * the site or more has changed: the whole site. - Otherwise folders replace their paths until few remain, the
 * deepest first and of those the ones with most changes. If that does not suffice: the whole site.
 */
export function planPaths(changed: ChangedSite, dialect: Dialect): readonly Told[] {
  if (changed.paths.length === 0) return [];
  const top = topOf(changed.url);
  const whole = covering([...withoutSlash(top).map(dialect.tell), { ...dialect.tell(top), below: true }]);
  if (changed.fallback !== undefined && changed.paths.includes(changed.fallback)) return whole;
  const all = covering(
    changed.paths.flatMap((path) => urlPathsOf(`${top}${path}`, changed.index)).map(dialect.tell),
  );
  if (fits(all, dialect)) return all;
  if (changed.paths.length * 2 >= changed.total) return whole;
  return folded(all, levelsOf(dialect.tell(top).path), dialect) ?? whole;
}

/**
 * The URL paths of an object. CloudFront caches `/docs`, `/docs/` and `/docs/index.html` separately, and its
 * guide names them all (Invalidation, “Invalidation paths”). `/about` is the clean URL of `about.html`, made at
 * the edge or in the store; without clean URLs it costs an extra path, and a stale page is worse.
 */
export function urlPathsOf(path: string, index: string): readonly string[] {
  if (path.endsWith(`/${index}`)) {
    const folder = path.slice(0, -index.length);
    return [path, folder, ...withoutSlash(folder)];
  }
  const clean = path.endsWith('.html') ? path.slice(0, -'.html'.length) : '';
  return clean === '' || clean.endsWith('/') ? [path] : [path, clean];
}

function withoutSlash(folder: string): readonly string[] {
  return folder === '/' ? [] : [folder.slice(0, -1)];
}

/** `/app/` of `https://example.com/app/`, not encoded. */
function topOf(url: string | undefined): string {
  if (url === undefined) return '/';
  const { pathname } = new URL(url);
  const top = pathname.endsWith('/') ? pathname : `${pathname}/`;
  try {
    return decodeURIComponent(top);
  } catch {
    return top; // a lone `%`
  }
}

/** Sorted, without paths that another one covers. */
function covering(all: readonly Told[]): readonly Told[] {
  const kept: Told[] = [];
  let last: Told | undefined;
  // In this order, paths directly follow their prefix.
  for (const told of [...all].sort(byPath)) {
    const covered = last?.below ? told.path.startsWith(last.path) : told.path === last?.path;
    if (covered) continue;
    kept.push(told);
    last = told;
  }
  return kept;
}

function byPath(a: Told, b: Told): number {
  if (a.path === b.path) return Number(b.below) - Number(a.below);
  return a.path < b.path ? -1 : 1;
}

function fits(all: readonly Told[], { few, wildcards }: Dialect): boolean {
  return all.length <= few && all.filter((told) => told.below).length <= wildcards;
}

/**
 * Replaces paths by folders; undefined if that does not suffice. `levels` is the depth of the top of the site.
 */
function folded(all: readonly Told[], levels: number, dialect: Dialect): readonly Told[] | undefined {
  const deepest = all.reduce((most, told) => Math.max(most, levelsOf(told.path)), 0);
  for (let level = deepest; level > levels; level--) {
    const folders = foldersAt(level, levels, all);
    let { length } = all;
    let below = all.filter((told) => told.below).length;
    const chosen: Told[] = [];
    for (const [path, inside] of folders) {
      length -= inside.all - 1;
      below -= inside.below - 1;
      chosen.push({ path, below: true });
      if (length <= dialect.few && below <= dialect.wildcards) return covering([...chosen, ...all]);
    }
  }
  return undefined;
}

/** Folders with their number of changes, most first; deeper folders count for their parent at `level`. */
function foldersAt(level: number, top: number, all: readonly Told[]) {
  const folders = new Map<string, { all: number; below: number }>();
  for (const { path, below } of all) {
    const folder = folderAt(level, path);
    if (levelsOf(folder) <= top) continue;
    const inside = folders.get(folder) ?? { all: 0, below: 0 };
    folders.set(folder, { all: inside.all + 1, below: inside.below + Number(below) });
  }
  return [...folders].sort(([a, x], [b, y]) => y.all - x.all || (a < b ? -1 : 1));
}

/** `/a/b/` of `/a/b/c/d` for level 2; a path with fewer folders has its own folder. */
function folderAt(level: number, path: string): string {
  let end = 0;
  for (let passed = 0; passed < level; passed++) {
    const next = path.indexOf('/', end + 1);
    if (next === -1) break;
    end = next;
  }
  return path.slice(0, end + 1);
}

/** The depth of a path: 0 for `/a`, 1 for `/a/` and `/a/b`. */
function levelsOf(path: string): number {
  return path.split('/').length - 2;
}

/** Characters that browsers do not encode in a path (https://url.spec.whatwg.org/#path-percent-encode-set). */
const escaped = /[^A-Za-z0-9\-._~!$&'()*+,;=:@/[\]|]/gu;

/** A path as a browser requests it, which is the key in the cache of a CDN. */
export function encodePath(path: string): string {
  return path.toWellFormed().replace(escaped, encodeURIComponent);
}

/** CloudFront, Developer Guide, “Invalidation paths”. */
export const longestPath = 4_000;

/**
 * Characters that no invalidation path matches reliably. CloudFront requires characters to be encoded that RFC
 * 1738 calls unsafe, and no others. But browsers send `~ [ ] |` as they are, so `%7E` is accepted and
 * invalidates nothing (https://github.com/aws/aws-sdk/issues/525). CloudFront refused `'` and `@`, though RFC
 * 1738 calls them safe. `*` is the wildcard, and `%2A` another path. `+` is a space for S3, so some request
 * `%2B`. Newer browsers encode `^`.
 */
const unsure = /[~[\]|'@*+^]/;

/** A path for CloudFront. Where an exact path is unreliable, its beginning invalidates it with a few others. */
export function tellCloudFront(path: string): Told {
  const at = path.search(unsure);
  const encoded = encodePath(at === -1 ? path : path.slice(0, at));
  if (encoded.length < longestPath) return { path: encoded, below: at !== -1 };
  // One less, for the wildcard; without half an escape.
  return { path: encoded.slice(0, longestPath - 1).replace(/%.?$/, ''), below: true };
}

export function tellCloudflare(path: string): Told {
  return { path: encodePath(path), below: false };
}
