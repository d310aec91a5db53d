import type { Change, Entry, FileClass, ObjectHeaders, Retained, SiteFile, StoredEntry } from '../model.ts';
import { blobPath } from '../stores/places.ts';
import { type Found, isContentMark, type Looked } from './found.ts';
import { sameHeaders } from './manifest.ts';

/** The site as it should be. */
export interface Wanted {
  /** Files of a folder, or the entries of a release that is to come back. */
  readonly entries: readonly (SiteFile | StoredEntry)[];
  readonly index: string;
  /** ETag that the store gives a file if it is stored in one piece: its MD5. undefined: not to be known before. */
  readonly etagOf: (file: SiteFile) => string | undefined;
}

export interface Diff {
  /** In the order of publication. */
  readonly changes: readonly Change[];
  /** Entries of the next manifest that need nothing done. */
  readonly unchanged: readonly StoredEntry[];
  /** Of the current release, not wanted any more. */
  readonly removed: readonly StoredEntry[];
  /** What the store had at paths that a publication which was cut off has overwritten with just what is wanted. */
  readonly superseded: readonly StoredEntry[];
  /** Paths of the current release and of retained assets at which such a publication has left something else. */
  readonly displaced: ReadonlySet<string>;
  /** Headers that it has left there with what should be there. */
  readonly reheaded: ReadonlyMap<string, ObjectHeaders>;
  /** What a publication that was cut off has left at paths that nobody wants: certainly ours, by its ETag. */
  readonly orphans: readonly { readonly path: string; readonly etag: string }[];
  /** Wanted content that is neither in the folder nor in the store: a rollback can't bring it back. */
  readonly lost: readonly Entry[];
}

/** Compares what is wanted with what the store holds. Pure but for `etagOf`, which reads files that are in doubt. */
export function diffSite(wanted: Wanted, found: Found): Diff {
  const current = found.manifest?.manifest.entries ?? new Map<string, StoredEntry>();
  const { doubtful } = found;
  const paths = new Set(wanted.entries.map(({ path }) => path));
  const stored = storedContent(found, paths);
  const [changes, lost]: [Change[], Entry[]] = [[], []];
  const [unchanged, superseded]: [StoredEntry[], StoredEntry[]] = [[], []];
  for (const entry of wanted.entries) {
    const before = current.get(entry.path) ?? stored.inPlace.get(entry.path) ?? adopted(entry.path, found);
    const facts = found.looked.get(entry.path);
    const sure = found.looked.has(entry.path) ? settled(entry, facts, wanted) : before;
    const change = changeOf(entry, sure, before, stored);
    if (sure !== undefined && before !== undefined && sure.sha256 !== before.sha256) superseded.push(before);
    if (change === 'lost') lost.push(entry);
    else if (change !== undefined) changes.push(change);
    else if (sure?.class === entry.class) unchanged.push(sure);
    else if (sure !== undefined) unchanged.push({ ...sure, class: entry.class });
  }
  return {
    changes: inOrder(changes, wanted.index),
    unchanged,
    lost,
    superseded,
    removed: [...current.values()].filter(({ path }) => !paths.has(path)),
    displaced: stored.displaced,
    reheaded: stored.reheaded,
    orphans: [...doubtful].flatMap(([path, etags]) => {
      const facts = found.looked.get(path);
      const ours = facts !== undefined && etags.includes(facts.etag);
      return ours && !paths.has(path) && !current.has(path) ? [{ path, etag: facts.etag }] : [];
    }),
  };
}

/** Assets stay at their paths for a while when they leave the site; everything else goes at once. */
export function leavesPath({ path, class: kind }: Entry, { displaced }: Pick<Diff, 'displaced'>): boolean {
  return kind !== 'asset' || displaced.has(path);
}

/** Content that the store has besides the current release. */
interface StoredContent {
  readonly bySha256: ReadonlyMap<string, Retained>;
  /** Assets of earlier releases that should still be at their own paths. */
  readonly inPlace: ReadonlyMap<string, Retained>;
  readonly displaced: ReadonlySet<string>;
  readonly reheaded: ReadonlyMap<string, ObjectHeaders>;
}

function storedContent({ manifest, looked, doubtful }: Found, wanted: ReadonlySet<string>): StoredContent {
  const { entries, retained, release } = manifest?.manifest ?? {
    entries: new Map<string, StoredEntry>(),
    retained: [],
  };
  const inPlace = new Map(retained.filter(({ at, path }) => at === path).map((row) => [row.path, row]));
  const expected = (path: string) => entries.get(path) ?? inPlace.get(path);
  const displaced = [...doubtful.keys()].filter(
    (path) => expected(path) !== undefined && looked.get(path)?.etag !== expected(path)?.etag,
  );
  // What is at a path that is written itself is no source for others; what is kept apart is there in any case.
  const inPeace = [...inPlace.values()].filter(({ path }) => !wanted.has(path));
  const apart = retained.filter(({ at, path }) => at !== path);
  const bySha256 = new Map([...inPeace, ...apart].map((row) => [row.sha256, row]));
  for (const path of displaced) {
    const entry = expected(path);
    if (entry === undefined) continue;
    // Whoever overwrote it made a copy first.
    const row = { last: release?.number ?? 0, left: 0, ...entry, at: blobPath(entry.sha256) };
    bySha256.set(entry.sha256, row);
  }
  const gone = new Set(displaced);
  const reheaded = [...doubtful.keys()].flatMap((path) => {
    const [entry, headers] = [expected(path), looked.get(path)?.headers];
    if (entry === undefined || headers === undefined || gone.has(path)) return [];
    return holds(headers, entry.headers) ? [] : [[path, headers] as const];
  });
  return { bySha256, inPlace, displaced: gone, reheaded: new Map(reheaded) };
}

function changeOf(
  to: StoredEntry | SiteFile,
  sure: StoredEntry | undefined,
  before: StoredEntry | undefined,
  stored: StoredContent,
): Change | 'lost' | undefined {
  const inPlace = stored.inPlace.get(to.path);
  const isBack = inPlace !== undefined && sure === inPlace && inPlace.sha256 === to.sha256;
  if (sure !== undefined && sure.sha256 === to.sha256 && !isBack) {
    if (sameHeaders(sure.headers, to.headers)) return undefined;
    return { kind: 'headers', to, before: before !== undefined && isAdopted(before) ? before : sure };
  }
  const replaced = before === undefined || isBack ? {} : { before };
  const from = isBack ? inPlace : stored.bySha256.get(to.sha256);
  if (from !== undefined) return { kind: 'restore', to, from, ...replaced };
  return 'file' in to ? { kind: 'upload', to, ...replaced } : 'lost';
}

/** What is at a path that had to be looked at, if it turns out to be what is wanted there, with whatever headers. */
function settled(
  entry: StoredEntry | SiteFile,
  facts: Looked | undefined,
  wanted: Wanted,
): StoredEntry | undefined {
  if (facts === undefined || facts.size !== entry.size) return undefined;
  const etag = 'file' in entry ? wanted.etagOf(entry) : entry.etag;
  if (etag !== facts.etag) return undefined;
  const headers = facts.headers !== undefined && holds(facts.headers, entry.headers) ? entry.headers : {};
  return { ...entryOf(entry), headers, etag };
}

/** Stores add a content type where none was given; whatever else they keep must be as it was sent. */
function holds(found: ObjectHeaders, wanted: ObjectHeaders): boolean {
  const names = new Set([...Object.keys(found), ...Object.keys(wanted)]);
  return [...names].every(
    (name) => found[name] === wanted[name] || (name === 'content-type' && wanted[name] === undefined),
  );
}

/** Something that others have put where the site has nothing yet: known by its ETag alone. */
export function adopted(path: string, found: Found): StoredEntry | undefined {
  const facts = found.looked.get(path);
  // A publication that was cut off has written it since.
  const ours = (mark: string) => isContentMark(mark) || mark === facts?.etag;
  if (facts === undefined || found.doubtful.get(path)?.some(ours)) return undefined;
  return {
    path,
    class: 'file',
    size: facts.size,
    sha256: adoptedContent(facts.etag),
    headers: {},
    etag: facts.etag,
  };
}

/** Stands for a SHA-256 that nobody has computed. */
const adoptedMark = 'etag:';
export function adoptedContent(etag: string): string {
  return `${adoptedMark}${etag.replaceAll('"', '')}`;
}

/** Its headers are not known either: copies keep those of the source. */
export function isAdopted({ sha256 }: Pick<Entry, 'sha256'>): boolean {
  return sha256.startsWith(adoptedMark);
}

/** Whether what comes back is at its path already, headers and all. */
export function isInPlace({ from, to }: Extract<Change, { kind: 'restore' }>): boolean {
  return from.at === to.path && sameHeaders(from.headers, to.headers);
}

/** The part of a file that the manifest keeps. */
export function entryOf({ path, class: kind, size, sha256, headers }: Entry): Entry {
  return { path, class: kind, size, sha256, headers };
}

const ranks: Readonly<Record<FileClass, number>> = { asset: 0, file: 1, page: 2 };

/** New pages never point at what isn't there yet; the page of the root, which most visitors come in by, is last. */
function inOrder(changes: readonly Change[], index: string): Change[] {
  const rank = ({ to }: Change) => (to.path === index ? 3 : ranks[to.class]);
  return changes.toSorted((a, b) => rank(a) - rank(b));
}
