import { type BackupReason, type BackupRecord, isSha256 } from './model.ts';

/** What a backup is worth: `proven` by a restore, `untested`, or one that did `failed` to restore. */
export type Worth = 'proven' | 'untested' | 'failed';

/** A proof without the file's hash is a proof of another file. */
export function worthOf(record: BackupRecord): Worth {
  const { restoreTest } = record;
  if (restoreTest === undefined) return 'untested';
  return restoreTest.ok && isSha256(record.sha256) ? 'proven' : 'failed';
}

/** Records of earlier versions have no reason: with a deploy they were made before it, the others were mostly nightly. */
export function reasonOf(record: BackupRecord): BackupReason {
  return record.reason ?? (record.deploy === undefined ? 'schedule' : 'deploy');
}

/**
 * Names of the backups to remove. Of each reason (deploys, schedule, people) stay, counted apart:
 *
 * - the newest `keep` proven ones,
 * - the newest `keep` untested ones,
 * - the newest `keep` that did not restore, of those that are newer than every proven one: until a newer backup is
 *   proven they may be all there is of the data since.
 *
 * So a backup that restores never makes room for one that does not, and the last proven one always stays.
 *
 * @param records in any order; the recorded time counts.
 * @param spare names that stay whatever else there is: the one just made, and those of deploys that a person may have to
 * restore.
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
