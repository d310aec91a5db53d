import { createHash } from 'node:crypto';
import type { Entry, Manifest } from '../model.ts';
import { lanes } from '../publish/effects.ts';
import { inLanes } from '../publish/lanes.ts';
import type { ObjectStore } from '../store.ts';
import { draftPath, isOwn, manifestPath, releasePath } from '../stores/places.ts';
import { type Draft, decodeDraft } from './draft.ts';
import {
  contentMark,
  type Found,
  type FoundManifest,
  isCommitted,
  isContentMark,
  type Looked,
} from './found.ts';
import { decodeManifest } from './manifest.ts';

/**
 * Reads the state of the site: two requests, unless a publication was interrupted (its paths are checked) or
 * the bucket has no manifest (it is listed). @param wanted paths of the next release, sorted, to split a
 * listing. @param repair list the bucket although there is a manifest.
 * @throws UserError `cdn.manifest`, `cdn.store-*`.
 */
export async function lookAtSite(
  store: ObjectStore,
  wanted: () => Promise<readonly string[]>,
  signal: AbortSignal,
  repair = false,
): Promise<Found> {
  const [manifest, draft] = await Promise.all([readManifest(store), readDraft(store)]);
  const found = { manifest, draft };
  const looked = new Map<string, Looked | undefined>();
  if (manifest === undefined) {
    for await (const page of store.list('', splitsOf(await wanted()))) {
      for (const { key, etag, size } of page)
        if (!isOwn(key)) looked.set(key, { etag, size, headers: undefined });
    }
  }
  if (repair && manifest !== undefined) {
    for (const [path, facts] of await strayed(store, manifest.manifest)) looked.set(path, facts);
  }
  const doubtful = new Map(draft === undefined || isCommitted(found) ? [] : draft.draft.writes);
  if (doubtful.size === 0) return { ...found, looked, doubtful };
  const next = new Set(await wanted());
  await inLanes([...doubtful.keys()], lanes, signal, async (path) => {
    const facts = await store.head(path);
    looked.set(path, facts);
    const marks = doubtful.get(path) ?? [];
    if (facts === undefined || next.has(path) || !marks.some(isContentMark)) return;
    if (marks.includes(facts.etag)) return;
    // There is no file to compare it with, so its content is hashed.
    const object = facts.size > largest ? undefined : await store.get(path);
    if (object === undefined || object === 'unchanged') return;
    const mark = contentMark(createHash('sha256').update(object.bytes).digest('base64url'));
    if (marks.includes(mark)) doubtful.set(path, [...marks, object.etag]);
  });
  return { ...found, looked, doubtful };
}

/**
 * Checks for foreign objects at paths that are new to the site: they are kept and reported. Assets need no
 * check: their names have a hash.
 */
export async function lookAtNew(
  store: ObjectStore,
  found: Found,
  wanted: readonly Entry[],
  signal: AbortSignal,
): Promise<Found> {
  if (found.manifest === undefined) return found;
  const { entries } = found.manifest.manifest;
  const fresh = wanted.filter(
    ({ path, class: kind }) => kind !== 'asset' && !entries.has(path) && !found.looked.has(path),
  );
  if (fresh.length === 0) return found;
  const looked = new Map(found.looked);
  await inLanes(fresh, lanes, signal, async ({ path }) => {
    const facts = await store.head(path);
    if (facts !== undefined && !isOurs(found, path, facts.etag)) looked.set(path, facts);
  });
  return { ...found, looked };
}

/** An object that an earlier release was to delete, or a retained one. */
function isOurs({ draft, manifest }: Found, path: string, etag: string): boolean {
  const due = [...(draft?.draft.due ?? []), ...(draft?.draft.deletes ?? [])];
  return (
    due.some((deletion) => deletion.path === path && deletion.etags?.includes(etag)) ||
    manifest?.manifest.retained.some((row) => row.at === path && row.etag === etag) === true
  );
}

/** Paths of the release whose object is missing or replaced. */
async function strayed(
  store: ObjectStore,
  { entries }: Manifest,
): Promise<ReadonlyMap<string, Looked | undefined>> {
  const strays = new Map<string, Looked | undefined>([...entries.keys()].map((path) => [path, undefined]));
  for await (const page of store.list('', splitsOf([...entries.keys()]))) {
    for (const { key, etag, size } of page) {
      const entry = entries.get(key);
      if (entry?.etag === etag) strays.delete(key);
      else if (entry !== undefined) strays.set(key, { etag, size, headers: undefined });
    }
  }
  return strays;
}

/** Larger objects are not fetched, bytes. */
const largest = 16 * 1024 * 1024;

export async function readManifest(store: ObjectStore): Promise<FoundManifest | undefined> {
  const object = await store.get(manifestPath);
  if (object === undefined || object === 'unchanged') return undefined;
  const { bytes, etag, now } = object;
  return { manifest: decodeManifest(bytes, `${store.name}/${manifestPath}`), etag, now };
}

export async function readDraft(
  store: ObjectStore,
): Promise<{ readonly draft: Draft; readonly etag: string } | undefined> {
  const object = await store.get(draftPath);
  if (object === undefined || object === 'unchanged') return undefined;
  return { draft: decodeDraft(object.bytes, `${store.name}/${draftPath}`), etag: object.etag };
}

/** The manifest of an earlier release; undefined if the store no longer has it. */
export async function readRelease(store: ObjectStore, number: number): Promise<Manifest | undefined> {
  const object = await store.get(releasePath(number));
  if (object === undefined || object === 'unchanged') return undefined;
  return decodeManifest(object.bytes, `${store.name}/${releasePath(number)}`);
}

/** Keys of one page of a listing, by S3. */
const page = 1000;
const mostParts = 16;

/** Splits a listing into parts of about the same length: the wanted paths are mostly those in the store. */
export function splitsOf(sorted: readonly string[]): readonly string[] {
  const parts = Math.min(mostParts, Math.ceil(sorted.length / page));
  const splits = Array.from({ length: Math.max(0, parts - 1) }, (_, index) => {
    return sorted[Math.floor(((index + 1) * sorted.length) / parts)] ?? '';
  });
  return [...new Set(splits)];
}
