/** What `backups/<name>.json` says of a backup. */
export interface BackupRecord {
  readonly version: 1;
  readonly name: string;
  readonly app: string;
  readonly target: string;
  /** Release that served when the backup was made. */
  readonly release: string | undefined;
  readonly deploy: string | undefined;
  readonly at: string;
  readonly bytes: number;
  readonly sha256: string;
  /** PostgreSQL's version, such as `17.2`. */
  readonly server: string;
  readonly seconds: number;
  /** Rows of every table, counted in the same snapshot that was dumped. */
  readonly rows: Readonly<Record<string, number>>;
  readonly restoreTest?: RestoreTest;
}

export interface RestoreTest {
  readonly ok: boolean;
  readonly at: string;
  readonly tables: number;
  readonly rows: number;
  readonly seconds: number;
  /** What differs, when something does. */
  readonly detail?: string;
}

/** Reads `schema.table<TAB>count` lines. */
export function parseRowCounts(text: string): Record<string, number> {
  const rows: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const match = /^(.+)\t(\d+)$/.exec(line);
    if (match?.[1] !== undefined) rows[match[1]] = Number(match[2]);
  }
  return rows;
}

/** Says in words where restored row counts differ from the dumped ones; undefined when they are equal. */
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
