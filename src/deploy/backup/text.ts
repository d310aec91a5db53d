import { type BackupRecord, totalRows } from './model.ts';

/** One line: what it is, how large, and whether a restore has proven it. */
export function backupLine(record: BackupRecord): string {
  const { restoreTest } = record;
  const proof =
    restoreTest === undefined
      ? 'not test-restored'
      : restoreTest.ok
        ? `restored: ${restoreTest.tables} tables, ${totalRows(record.rows)} rows equal`
        : `DOES NOT RESTORE: ${restoreTest.detail ?? ''}`;
  return `${record.name}  ${formatBytes(record.bytes)}  PostgreSQL ${record.server}  ${proof}`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KiB`;
  return bytes < 1024 ** 3
    ? `${(bytes / 1024 ** 2).toFixed(1)} MiB`
    : `${(bytes / 1024 ** 3).toFixed(2)} GiB`;
}
