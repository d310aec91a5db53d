import type { BackupProof, MigrationRecord, WatchRecord } from './model.ts';

/** Sums over all guards. */
export interface WatchTotals {
  readonly requests: number;
  readonly errors5xx: number;
  /** Of the slowest service; absent if no guard reported one. */
  readonly p95Ms: number | undefined;
  /** The longest watch. */
  readonly seconds: number;
}

export function watchTotals(watch: readonly WatchRecord[]): WatchTotals {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const p95 = watch.flatMap((watchRecord) => (watchRecord.p95Ms === undefined ? [] : [watchRecord.p95Ms]));
  return {
    requests: sum(watch.map((watchRecord) => watchRecord.requests)),
    errors5xx: sum(watch.map((watchRecord) => watchRecord.errors5xx)),
    p95Ms: p95.length === 0 ? undefined : Math.max(...p95),
    seconds: Math.max(0, ...watch.map((watchRecord) => watchRecord.seconds)),
  };
}

/** Whether a backup is reliable, which only a restore proves. */
export function proofOf({ restoreTest }: BackupProof): 'proven' | 'not proven' | 'not restorable' {
  if (restoreTest === undefined) return 'not proven';
  return restoreTest.ok ? 'proven' : 'not restorable';
}

/** Revisions before and after; absent if the migration changed none. */
export function revisionsOf({
  before,
  after,
}: MigrationRecord): { readonly before: string; readonly after: string } | undefined {
  return before === after ? undefined : { before: before ?? 'none', after: after ?? 'unknown' };
}

/** The text for a migration without a new revision; without a revision command, the revision is unknown. */
export function unmoved({ before }: MigrationRecord): string {
  return before === undefined ? 'ran' : `no new revision (${before})`;
}
