import type { Change, Entry, FileClass, ObjectHeaders, Retained, SiteFile, StoredEntry } from '../model.ts';
import { blobPath } from '../stores/places.ts';
import { type Found, isContentMark, type Looked } from './found.ts';
import { sameHeaders } from './manifest.ts';

/** The site to publish. */
export interface Wanted {
  /** Files of a folder, or the entries of a release to restore. */
  readonly entries: readonly (SiteFile | StoredEntry)[];
  readonly index: string;
  /** The ETag of a file that is stored in one piece: its MD5. undefined: unknown before the upload. */
  readonly etagOf: (file: SiteFile) => string | undefined;
}

export interface Diff {
  /** In the order of publication. */
  readonly changes: readonly Change[];
  /** Entries of the next manifest that are in the store. */
  readonly unchanged: readonly StoredEntry[];
  /** Of the current release, no longer wanted. */
  readonly removed: readonly StoredEntry[];
  /** Content that an interrupted publication has already replaced with the wanted one. */
  readonly superseded: readonly StoredEntry[];
  /** Paths of the current release and of retained assets that an interrupted publication has overwritten. */
  readonly displaced: ReadonlySet<string>;
  /** Headers that it has changed on content that is still right. */
  readonly reheaded: ReadonlyMap<string, ObjectHeaders>;
  /** Objects of an interrupted publication at unwanted paths: certainly ours, by their ETags. */
  readonly orphans: readonly { readonly path: string; readonly etag: string }[];
  /** Wanted content that is neither in the folder nor in the store: a rollback can't restore it. */
  readonly lost: readonly Entry[];
}

/** Compares what is wanted with what the store holds. Pure except for `etagOf`, which reads files. */
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

/** Assets stay at their paths for a while when they leave the site; everything else is deleted immediately. */
export function leavesPath({ path, class: kind }: Entry, { displaced }: Pick<Diff, 'displaced'>): boolean {
  return kind !== 'asset' || displaced.has(path);
}

/** Content in the store besides the current release. */
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
  // An object that is overwritten itself can't be copied from; blobs can.
  const inPeace = [...inPlace.values()].filter(({ path }) => !wanted.has(path));
  const apart = retained.filter(({ at, path }) => at !== path);
  const bySha256 = new Map([...inPeace, ...apart].map((row) => [row.sha256, row]));
  for (const path of displaced) {
    const entry = expected(path);
    if (entry === undefined) continue;
    // The publication that overwrote it made a copy first.
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

/** The object at a checked path, if it has the wanted content, with any headers. */
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

/** Stores add a missing content type; all other headers must be as they were sent. */
function holds(found: ObjectHeaders, wanted: ObjectHeaders): boolean {
  const names = new Set([...Object.keys(found), ...Object.keys(wanted)]);
  return [...names].every(
    (name) => found[name] === wanted[name] || (name === 'content-type' && wanted[name] === undefined),
  );
}

/** An object of another writer at a path that is new to the site: known only by its ETag. */
function adopted(path: string, found: Found): StoredEntry | undefined {
  const facts = found.looked.get(path);
  // An interrupted publication has written it since.
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

/** Replaces a SHA-256 that was not computed. */
const adoptedMark = 'etag:';
function adoptedContent(etag: string): string {
  return `${adoptedMark}${etag.replaceAll('"', '')}`;
}

/** Its headers are unknown too: copies keep those of the source. */
export function isAdopted({ sha256 }: Pick<Entry, 'sha256'>): boolean {
  return sha256.startsWith(adoptedMark);
}

/** Whether the content to restore is already at its path, with the same headers. */
export function isInPlace({ from, to }: Extract<Change, { kind: 'restore' }>): boolean {
  return from.at === to.path && sameHeaders(from.headers, to.headers);
}

/** The part of a file that the manifest keeps. */
export function entryOf({ path, class: kind, size, sha256, headers }: Entry): Entry {
  return { path, class: kind, size, sha256, headers };
}

const ranks: Readonly<Record<FileClass, number>> = { asset: 0, file: 1, page: 2 };

/** New pages never name missing files; the root page, where most visitors enter, is last. */
function inOrder(changes: readonly Change[], index: string): Change[] {
  const rank = ({ to }: Change) => (to.path === index ? 3 : ranks[to.class]);
  return changes.toSorted((a, b) => rank(a) - rank(b));
}
