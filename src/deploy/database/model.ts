import type { Cluster } from './rights.ts';

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
  /** PostgreSQL's version, such as `17.2`. */
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

/** Reads `row<TAB>schema.table<TAB>count` lines. */
export function parseRowCounts(text: string): Record<string, number> {
  const rows: [string, number][] = [];
  for (const line of text.split('\n')) {
    const [kind, table, count] = line.split('\t');
    if (kind === 'row' && table !== undefined && /^\d+$/.test(count ?? '')) rows.push([table, Number(count)]);
  }
  return Object.fromEntries(rows);
}

/** Reads the `cluster<TAB>…` line. */
export function parseCluster(text: string): Cluster | undefined {
  const line = /^cluster\t(.+)$/m.exec(text)?.[1];
  return line === undefined ? undefined : (JSON.parse(line) as Cluster);
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

/** Describes differences in rights, from `dumped<TAB>what<TAB>how` and `restored<TAB>…` lines; undefined: equal. */
export function compareRights(text: string): string | undefined {
  const sides = { dumped: new Map<string, string>(), restored: new Map<string, string>() };
  for (const line of text.split('\n')) {
    const [kind, what, how] = line.split('\t');
    if ((kind === 'dumped' || kind === 'restored') && what !== undefined) sides[kind].set(what, how ?? '');
  }
  const say = (how: string | undefined) => (how === undefined ? 'absent' : how === '' ? 'present' : how);
  const differences = [...new Set([...sides.dumped.keys(), ...sides.restored.keys()])].map(
    (what) => `${what}: dumped: ${say(sides.dumped.get(what))}, restored: ${say(sides.restored.get(what))}`,
  );
  return differences.length === 0 ? undefined : differences.join('; ');
}

export function totalRows(rows: Readonly<Record<string, number>>): number {
  return Object.values(rows).reduce((sum, count) => sum + count, 0);
}
