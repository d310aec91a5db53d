import type { Manifest, Retained, StoredEntry } from '../model.ts';
import { blobPath } from '../stores/places.ts';
import { type Diff, leavesPath } from './diff.ts';

export interface RetentionRules {
  /** Earlier releases that a rollback can bring back. */
  readonly keep: number;
  /** How long assets stay at least after the release that had them, ms. */
  readonly graceMs: number;
  readonly now: number;
}

export interface Retention {
  /** What the next manifest says is retained. */
  readonly retained: readonly Retained[];
  /** Content that has to be copied before its path is written or deleted. */
  readonly keeps: readonly Retained[];
  /** No kept release has it, and its grace period is over. */
  readonly expired: readonly Retained[];
  /** Numbers of the earlier releases that stay, newest first. */
  readonly kept: readonly number[];
  /** Numbers of those that stay no longer. */
  readonly dropped: readonly number[];
}

/**
 * What becomes of the content that the next release doesn't have. Assets stay where they are, for the pages that open tabs
 * still show; everything else leaves its path at once and is kept as a blob. What is overwritten in a bucket that had no
 * manifest counts as release 0.
 */
export function retain(
  diff: Diff,
  before: Pick<Manifest, 'release' | 'kept' | 'retained'> | undefined,
  { keep, graceMs, now }: RetentionRules,
): Retention {
  const last = before?.release.number ?? 0;
  const overwritten = diff.changes.flatMap((change) =>
    change.before !== undefined && change.before.sha256 !== change.to.sha256 ? [change.before] : [],
  );
  overwritten.push(...diff.superseded);
  const asItIs = (row: Retained): Retained => {
    const headers = row.at === row.path ? diff.reheaded.get(row.path) : undefined;
    return headers === undefined ? row : { ...row, headers };
  };
  const leaving = diff.removed.map((entry) => asItIs(leave(entry, last, now, !leavesPath(entry, diff))));
  const replaced = overwritten.map((entry) => leave(entry, lastOf(entry, last), now, false));

  const wanted = new Set([
    ...diff.changes.map(({ to }) => to.path),
    ...diff.unchanged.map(({ path }) => path),
  ]);
  const earlier = (before?.retained ?? [])
    .filter(({ at }) => !wanted.has(at) && !diff.displaced.has(at))
    .map(asItIs);
  const displaced = (before?.retained ?? [])
    .filter(({ at }) => !wanted.has(at) && diff.displaced.has(at))
    .map((row) => ({ ...row, at: blobPath(row.sha256) }));
  const rows = newest([...earlier, ...displaced, ...leaving, ...replaced]);

  const hasOld = before !== undefined || replaced.length > 0;
  const all = hasOld ? [last, ...(before?.kept ?? [])] : [];
  const kept = all.slice(0, keep);
  const oldest = Math.min(...kept, Number.POSITIVE_INFINITY);
  const isOver = (row: Retained) => row.last < oldest && row.left + graceMs < now;
  const retained = rows.filter((row) => !isOver(row));
  const needed = new Set(retained.map(({ at }) => at));
  const known = new Set(earlier.map(({ at }) => at));
  return {
    retained,
    keeps: newest([...displaced, ...leaving, ...replaced], ({ at }) => at).filter(
      ({ at, path }) => at !== path && !known.has(at),
    ),
    expired: newest(
      rows.filter((row) => isOver(row) && !needed.has(row.at)),
      ({ at }) => at,
    ),
    kept,
    dropped: all.slice(keep),
  };
}

function leave(entry: StoredEntry, last: number, left: number, stays: boolean): Retained {
  const { path, class: kind, size, sha256, headers, etag } = entry;
  return { path, class: kind, size, sha256, headers, etag, at: stays ? path : blobPath(sha256), last, left };
}

/** An asset of an earlier release that is overwritten at its own path says itself who had it last. */
function lastOf(entry: StoredEntry, last: number): number {
  return 'last' in entry ? (entry as Retained).last : last;
}

/** One row for each content of a path: later ones are newer. */
function newest(
  rows: readonly Retained[],
  key = (row: Retained) => `${row.path}\n${row.sha256}\n${row.at}`,
): Retained[] {
  return [...new Map(rows.map((row) => [key(row), row])).values()];
}
