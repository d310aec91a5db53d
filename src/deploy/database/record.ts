import { counted, formatBytes } from '../../kernel/figures.ts';
import type { Cluster } from './postgres/rights.ts';

/** Content of `backups/<name>.json`. */
export interface BackupRecord {
  readonly version: 1;
  readonly name: string;
  readonly app: string;
  readonly target: string;
  /** Serving release at the time of the backup. */
  readonly release: string | undefined;
  readonly deploy: string | undefined;
  /** Absent in records of earlier versions. */
  readonly reason?: BackupReason;
  readonly at: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Version of the database server, such as `17.2`. */
  readonly server: string;
  readonly seconds: number;
  /** Rows of every table, counted in the same snapshot that was dumped. */
  readonly rows: Readonly<Record<string, number>>;
  /** `<name>.rights`: owners, privileges and settings, a line each. Absent in records of earlier versions. */
  readonly rights?: { readonly count: number; readonly sha256: string };
  /** Data that a restore needs and the dump lacks. Absent in records of earlier versions. */
  readonly cluster?: Cluster;
  readonly restoreTest?: RestoreTest;
}

/** Made before a deploy, on a schedule, or by a person. */
export type BackupReason = 'deploy' | 'schedule' | 'person';

export interface RestoreTest {
  readonly ok: boolean;
  readonly at: string;
  readonly tables: number;
  readonly rows: number;
  /** Number of compared owners, privileges and settings; absent if the backup has no list of them. */
  readonly rights?: number;
  readonly seconds: number;
  /** The differences. */
  readonly detail?: string;
}

export function isSha256(text: unknown): text is string {
  return typeof text === 'string' && /^[0-9a-f]{64}$/.test(text);
}

/** Describes differences between dumped and restored row counts; undefined: equal. */
export function compareRows(
  dumped: Readonly<Record<string, number>>,
  restored: Readonly<Record<string, number>>,
): string | undefined {
  const differences = [...new Set([...Object.keys(dumped), ...Object.keys(restored)])]
    .filter((table) => dumped[table] !== restored[table])
    .map(
      (table) => `${table}: ${dumped[table] ?? 'no'} rows dumped, ${restored[table] ?? 'no'} rows restored`,
    );
  return differences.length === 0 ? undefined : differences.join('; ');
}

export function totalRows(rows: Readonly<Record<string, number>>): number {
  return Object.values(rows).reduce((sum, count) => sum + count, 0);
}

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
