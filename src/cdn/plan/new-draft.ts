import type { Change, ReleaseInfo, Retained, StoredEntry } from '../model.ts';
import { isOwn, releasePath } from '../stores/places.ts';
import { type Diff, isAdopted, isInPlace, leavesPath, type Wanted } from './diff.ts';
import type { Deletion, Draft } from './draft.ts';
import { contentMark, type Found, isCommitted } from './found.ts';
import type { Retention } from './retention.ts';

interface DraftInput {
  readonly wanted: Wanted;
  readonly found: Found;
  readonly diff: Diff;
  readonly retention: Retention;
  readonly tailOnly: boolean;
}

/** The draft of a publication, with the remaining steps of an interrupted one. */
export function draftOf(input: DraftInput, { number, at }: ReleaseInfo, by: string): Draft {
  const due = leftDeletions(input.found);
  return {
    ...{ number, at, by },
    writes: writesOf(input, due),
    changed: changedPaths(input),
    ...pendingDeletions(input, due),
  };
}

/** Deletions that earlier publications left. */
function leftDeletions(found: Found): readonly Deletion[] {
  const left = found.draft?.draft;
  if (left === undefined) return [];
  return isCommitted(found) ? [...left.due, ...left.deletes] : left.due;
}

/** Paths to write, with the marks of our possible objects there. */
function writesOf({ wanted, found, diff }: DraftInput, due: readonly Deletion[]): Draft['writes'] {
  const writes = new Map(found.doubtful);
  const isEmpty = found.manifest === undefined && found.looked.size === 0;
  const mayHold = (path: string, marks: readonly string[]) =>
    writes.set(path, [...new Set([...(writes.get(path) ?? []), ...marks])]);
  for (const change of diff.changes) {
    mayHold(change.to.path, isEmpty ? [contentMark(change.to.sha256)] : marksOf(change, wanted, found));
  }
  // An object that was due for deletion and is written again is ours too until then.
  for (const { path, etags } of due) if (writes.has(path)) mayHold(path, etags ?? []);
  return writes;
}

/** Paths to invalidate: those that CDNs may have cached with other content or headers. */
function changedPaths({ found, diff }: DraftInput): string[] {
  const wasWritten = ({ to: { path } }: Change) =>
    found.doubtful.has(path) && found.looked.get(path) !== undefined;
  const changed = diff.changes.filter(
    (change) => change.before !== undefined || isBackOtherwise(change) || wasWritten(change),
  );
  const removed = diff.removed.filter((entry) => leavesPath(entry, diff));
  return [
    ...new Set([
      ...(found.draft?.draft.changed ?? []),
      ...changed.map(({ to }) => to.path),
      ...removed.map(({ path }) => path),
      ...diff.orphans.map(({ path }) => path),
    ]),
  ];
}

/** Deletions, except of objects that the release or a kept one needs. */
function pendingDeletions(
  { wanted, found, diff, retention, tailOnly }: DraftInput,
  due: readonly Deletion[],
): Pick<Draft, 'deletes' | 'due'> {
  const deletes = tailOnly ? [] : deletionsOf(diff, retention, found);
  const going = new Set(deletes.map(({ path }) => path));
  const needed = new Set(retention.retained.map(({ at }) => at));
  if (deletes.length + due.length > 0) for (const { path } of wanted.entries) needed.add(path);
  return {
    deletes: deletes.filter(({ path }) => !needed.has(path)),
    due: due.filter(({ path }) => !needed.has(path) && !going.has(path)),
  };
}

/** CDNs may still cache a restored asset with its old headers. */
function isBackOtherwise(change: Change): boolean {
  return change.kind === 'restore' && change.from.at === change.to.path && !isInPlace(change);
}

/**
 * The ETag where it is known before the upload, and the hash: ETags of encrypted, encoded and multipart objects
 * are unknown. Foreign objects of a bucket without a manifest are known only by their ETags.
 */
function marksOf(change: Change, wanted: Wanted, { manifest }: Found): readonly string[] {
  const etag = etagOf(change, wanted);
  const mayBeOurs = manifest !== undefined || change.before === undefined;
  return [
    ...(etag === undefined ? [] : [etag]),
    ...(mayBeOurs && !isAdopted(change.to) ? [contentMark(change.to.sha256)] : []),
  ];
}

/** As the store will return it; undefined if unknown. */
function etagOf(change: Change, wanted: Wanted): string | undefined {
  if (change.kind === 'upload') return wanted.etagOf(change.to);
  return change.kind === 'restore' ? change.from.etag : change.before.etag;
}

function deletionsOf(diff: Diff, { expired, dropped }: Retention, found: Found): Deletion[] {
  const { doubtful } = found;
  const leaving = (entry: StoredEntry): Deletion[] =>
    leavesPath(entry, diff)
      ? [{ path: entry.path, etags: [entry.etag, ...(doubtful.get(entry.path) ?? [])] }]
      : [];
  const over = ({ at, etag }: Retained): Deletion => ({ path: at, etags: isOwn(at) ? undefined : [etag] });
  return [
    ...diff.removed.flatMap(leaving),
    ...diff.orphans.map(({ path, etag }) => ({ path, etags: [etag] })),
    ...expired.map(over),
    ...dropped.map((number) => ({ path: releasePath(number), etags: undefined })),
  ];
}
