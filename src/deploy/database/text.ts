import { type BackupRecord, isSha256, type RestoreTest } from './model.ts';

/** One line with name, size, version and the result of the restore test. */
export function backupLine(record: BackupRecord): string {
  const { restoreTest } = record;
  const proof =
    restoreTest === undefined
      ? 'restore not tested'
      : restoreTest.ok
        ? proofLine(restoreTest)
        : `DOES NOT RESTORE: ${restoreTest.detail ?? ''}`;
  const hash = isSha256(record.sha256) ? '' : ', NO SHA-256: cannot be verified';
  return `${record.name}  ${formatBytes(record.bytes)}  PostgreSQL ${record.server}  ${proof}${hash}`;
}

/** Counts of a successful restore test. */
export function proofLine({ tables, rows, rights }: RestoreTest): string {
  const compared = `restored: ${counted(tables, 'table')}, ${counted(rows, 'row')}`;
  return rights === undefined
    ? `${compared} equal, owners and privileges not compared`
    : `${compared}, ${counted(rights, 'right')} equal`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KiB`;
  return bytes < 1024 ** 3
    ? `${(bytes / 1024 ** 2).toFixed(1)} MiB`
    : `${(bytes / 1024 ** 3).toFixed(2)} GiB`;
}
