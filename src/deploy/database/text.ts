import { counted, formatBytes } from '../../kernel/figures.ts';
import { type BackupRecord, isSha256, type RestoreTest } from './model.ts';

/** One line: what it is, how large, and whether a restore has proven it. */
export function backupLine(record: BackupRecord): string {
  const { restoreTest } = record;
  const proof =
    restoreTest === undefined
      ? 'not test-restored'
      : restoreTest.ok
        ? proofLine(restoreTest)
        : `DOES NOT RESTORE: ${restoreTest.detail ?? ''}`;
  const hash = isSha256(record.sha256) ? '' : ', NO SHA-256: cannot be verified';
  return `${record.name}  ${formatBytes(record.bytes)}  PostgreSQL ${record.server}  ${proof}${hash}`;
}

/** What a successful restore has compared. */
export function proofLine({ tables, rows, rights }: RestoreTest): string {
  const compared = `restored: ${counted(tables, 'table')}, ${counted(rows, 'row')}`;
  return rights === undefined
    ? `${compared} equal, owners and privileges not compared`
    : `${compared}, ${counted(rights, 'right')} equal`;
}
