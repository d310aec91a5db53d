import type { ChangedSite } from '../invalidator.ts';

/**
 * What a CDN is to forget, as one URL path from the top of the host, encoded. `below`: whatever begins with it; else
 * this one alone.
 */
export interface Told {
  readonly path: string;
  readonly below: boolean;
}

/** What a CDN takes. */
export interface Dialect {
  /** Puts a path (not encoded, with its slash in front) into the form that the CDN has cached it under. */
  readonly tell: (path: string) => Told;
  /** Up to this many are told; what changed more than that is told by its folders. */
  readonly few: number;
  /** How many of them may be `below`. */
  readonly wildcards: number;
}

/**
 * Plans what a CDN is told. Every URL that shows something else now is covered, and none twice:
 *
 * - The page that unknown paths answer with has changed: the whole site, since any path may be cached with it.
 * - Few have changed: exactly those.
 * - Half of the site has changed, or more: the whole of it. Little is left that is worth keeping.
 * - Else folders are told instead of what is in them, the deepest first and of those the ones where most has
 *   changed, until few are left to tell. Where that can't be had: the whole site.
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
 * The URL paths that an object is asked for by. CloudFront caches `/docs`, `/docs/` and `/docs/index.html` apart from each
 * other, and its guide names them all (Invalidation, “Invalidation paths”). `/about` for `about.html` is what clean URLs
 * make of it, at the edge or in the store; where nobody does that, it costs one path too many, and a stale page is worse.
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
    return top; // a lone `%`, which is no escape
  }
}

/** Sorted, without those that another one covers. */
function covering(all: readonly Told[]): readonly Told[] {
  const kept: Told[] = [];
  let last: Told | undefined;
  // What begins with a path follows it in this order, with nothing else between.
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
  return all.length <= few && all.filter((candidate) => candidate.below).length <= wildcards;
}

/** Folders for what is in them, or nothing where they would not do. `levels` is how deep the top of the site is. */
function folded(all: readonly Told[], levels: number, dialect: Dialect): readonly Told[] | undefined {
  const deepest = all.reduce((most, told) => Math.max(most, levelsOf(told.path)), 0);
  for (let level = deepest; level > levels; level--) {
    const folders = foldersAt(level, levels, all);
    let { length } = all;
    let below = all.filter((candidate) => candidate.below).length;
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

/** Folders with how much has changed in them, most first; folders deeper than `level` count as the one of that level. */
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

/** `/a/b/` of `/a/b/c/d` for level 2; a path with fewer folders gives its own. */
function folderAt(level: number, path: string): string {
  let end = 0;
  for (let passed = 0; passed < level; passed++) {
    const next = path.indexOf('/', end + 1);
    if (next === -1) break;
    end = next;
  }
  return path.slice(0, end + 1);
}

/** How many folders a path is in: 0 for `/a`, 1 for `/a/` and `/a/b`. */
function levelsOf(path: string): number {
  return path.split('/').length - 2;
}
