import { type BackupReason, type BackupRecord, isSha256 } from './model.ts';

/** Result of a backup's restore test. */
export type Worth = 'proven' | 'untested' | 'failed';

/** A proof counts only with the file's hash. */
export function worthOf(record: BackupRecord): Worth {
  const { restoreTest } = record;
  if (restoreTest === undefined) return 'untested';
  return restoreTest.ok && isSha256(record.sha256) ? 'proven' : 'failed';
}

/** Records of earlier versions have no reason: those without a deploy were mostly nightly. */
export function reasonOf(record: BackupRecord): BackupReason {
  return record.reason ?? (record.deploy === undefined ? 'schedule' : 'deploy');
}

/**
 * Names of the backups to remove. For each reason (deploy, schedule, person) it keeps:
 *
 * - the newest `keep` proven ones,
 * - the newest `keep` untested ones,
 * - the newest `keep` failed ones, if newer than every proven one: until a newer backup is proven, they may be the only
 *   copy of recent data.
 *
 * So a failed backup never displaces one that restores, and the last proven one always stays.
 *
 * @param records in any order; the recorded time counts.
 * @param spare names that always stay: the new backup, and those of deploys that a person may need to restore.
 */
export function chooseExpired(
  records: readonly BackupRecord[],
  keep: number,
  spare: ReadonlySet<string>,
): string[] {
  const newestFirst = [...records].sort((a, b) => timeOf(b) - timeOf(a) || (a.name < b.name ? 1 : -1));
  const stay = new Set<string>();
  const counts = new Map<string, number>();
  let provenSeen = false;
  for (const record of newestFirst) {
    const worth = worthOf(record);
    if (worth === 'failed' && provenSeen) continue;
    provenSeen ||= worth === 'proven';
    const group = `${reasonOf(record)} ${worth}`;
    const count = (counts.get(group) ?? 0) + 1;
    counts.set(group, count);
    if (count <= Math.max(1, keep)) stay.add(record.name);
  }
  return newestFirst
    .map((record) => record.name)
    .filter((name) => !stay.has(name) && !spare.has(name))
    .reverse();
}

function timeOf(record: BackupRecord): number {
  const time = Date.parse(record.at);
  return Number.isNaN(time) ? 0 : time;
}
