import type { Manifest, Retained, StoredEntry } from '../model.ts';
import { blobPath } from '../stores/places.ts';
import { type Diff, leavesPath } from './diff.ts';

export interface RetentionRules {
  /** Earlier releases that a rollback can bring back. */
  readonly keep: number;
  /** How long assets stay at least after their last release, ms. */
  readonly graceMs: number;
  readonly now: number;
}

export interface Retention {
  /** Retained objects of the next manifest. */
  readonly retained: readonly Retained[];
  /** Content to copy before its path is written or deleted. */
  readonly keeps: readonly Retained[];
  /** In no kept release, and past the grace period. */
  readonly expired: readonly Retained[];
  /** Numbers of the kept earlier releases, newest first. */
  readonly kept: readonly number[];
  /** Numbers of those no longer kept. */
  readonly dropped: readonly number[];
}

/**
 * Decides about content that is not in the next release. Assets stay at their paths for open tabs; everything
 * else is deleted from its path immediately and kept as a blob. Overwritten objects of a bucket without a
 * manifest count as release 0.
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

/** An overwritten asset of an earlier release names its last release itself. */
function lastOf(entry: StoredEntry, last: number): number {
  return 'last' in entry ? (entry as Retained).last : last;
}

/** One row for each content of a path: the last one counts. */
function newest(
  rows: readonly Retained[],
  key = (row: Retained) => `${row.path}\n${row.sha256}\n${row.at}`,
): Retained[] {
  return [...new Map(rows.map((row) => [key(row), row])).values()];
}
