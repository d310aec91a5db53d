import type { ComposeService } from '../model.ts';
import { commandLine } from './programs.ts';
import { imageKind } from './stores.ts';

/** Settings of Postgres that decide how much memory it takes; sizes in bytes. */
export interface PostgresSettings {
  readonly sharedBuffers: number;
  readonly workMem: number;
  readonly maintenanceWorkMem: number;
  readonly effectiveCacheSize: number;
  readonly maxConnections: number;
  /** Names that the command or the file sets; the others are Postgres's defaults. */
  readonly set: ReadonlySet<string>;
}

export interface PostgresFault {
  readonly setting: string;
  /** `impossible` gets Postgres killed or makes the planner wrong; `wasteful` is only slower than it could be. */
  readonly kind: 'impossible' | 'wasteful';
  readonly message: string;
  readonly fix: string;
}

const mib = 1024 ** 2;
const gib = 1024 ** 3;
const units: Readonly<Record<string, number>> = { B: 1, KB: 1024, MB: mib, GB: gib, TB: 1024 * gib };

export function isPostgres(service: ComposeService): boolean {
  return /^(?:postgres(?:ql)?|postgis|pgvector|timescaledb(?:-ha)?)$/.test(imageKind(service) ?? '');
}

/**
 * Reads what the command sets by `-c name=value`, over a postgresql.conf.
 *
 * @param file text of the configuration file, where the repository has it.
 */
export function postgresSettings(service: ComposeService, file = ''): PostgresSettings {
  const values = new Map<string, string>();
  for (const [, name = '', value = ''] of file.matchAll(/^[ \t]*(\w+)(?:[ \t]*=)?[ \t]*'?([\w.]+)[ \t]*'?/gm))
    values.set(name, value);
  for (const [, name = '', value = ''] of commandLine(service).matchAll(
    /(?<![\w-])(?:-c\s*|--)(\w[\w-]*)\s*=\s*["']?([\w.]+)/g,
  ))
    values.set(name.replaceAll('-', '_'), value);
  /** Without a unit a setting counts blocks of 8 KiB, or KiB: https://www.postgresql.org/docs/current/runtime-config-resource.html */
  const size = (name: string, unit: number, fallback: number) => {
    const [, amount, word = ''] = /^(\d+(?:\.\d+)?)\s*([kMGT]?B)?$/i.exec(values.get(name) ?? '') ?? [];
    return amount === undefined ? fallback : Number(amount) * (units[word.toUpperCase()] ?? unit);
  };
  const connections = Number(values.get('max_connections') ?? 100);
  return {
    sharedBuffers: size('shared_buffers', 8192, 128 * mib),
    workMem: size('work_mem', 1024, 4 * mib),
    maintenanceWorkMem: size('maintenance_work_mem', 1024, 64 * mib),
    effectiveCacheSize: size('effective_cache_size', 8192, 4 * gib),
    maxConnections: Number.isInteger(connections) && connections > 0 ? connections : 100,
    set: new Set(values.keys()),
  };
}

/** Settings that do not fit the memory limit of the container. Postgres itself sees the memory of the whole host. */
export function judgePostgres(settings: PostgresSettings, limit: number): PostgresFault[] {
  const { sharedBuffers, workMem, maintenanceWorkMem, effectiveCacheSize, maxConnections, set } = settings;
  const quarter = text(limit / 4);
  const faults: PostgresFault[] = [];
  const add = (setting: string, kind: PostgresFault['kind'], message: string, fix: string) =>
    faults.push({ setting, kind, message, fix });

  // Beyond 40 % the cache of the system, which Postgres counts on, has no room: same page, shared_buffers.
  if (sharedBuffers > limit * 0.4)
    add(
      'shared_buffers',
      'impossible',
      `shared_buffers (${text(sharedBuffers)}) is ${percent(sharedBuffers, limit)} of the limit of ${text(limit)}`,
      `About a quarter of the limit is usual: ${quarter}.`,
    );
  else if (sharedBuffers < limit * 0.1 && limit >= gib)
    add(
      'shared_buffers',
      'wasteful',
      `shared_buffers (${text(sharedBuffers)}${set.has('shared_buffers') ? '' : ', the default'}) is ${percent(sharedBuffers, limit)} of the limit of ${text(limit)}`,
      `About a quarter of the limit is usual: ${quarter}.`,
    );

  const worst = sharedBuffers + workMem * maxConnections;
  if (worst > limit && (set.has('work_mem') || maxConnections > 200))
    add(
      'work_mem',
      'impossible',
      `shared_buffers + work_mem × max_connections (${text(sharedBuffers)} + ${text(workMem)} × ${maxConnections}) is ${text(worst)}, more than the limit of ${text(limit)}`,
      `Lower work_mem to ${text(Math.max(0, (limit - sharedBuffers) / maxConnections))} or less, or max_connections.`,
    );

  if (effectiveCacheSize > limit && set.has('effective_cache_size'))
    add(
      'effective_cache_size',
      'impossible',
      `effective_cache_size (${text(effectiveCacheSize)}) is more than the limit of ${text(limit)}, so the planner counts on memory that does not exist`,
      `Half to three quarters of the limit is usual: ${text(limit * 0.75)}.`,
    );

  // Autovacuum has three workers that may each take it.
  if (sharedBuffers + 3 * maintenanceWorkMem > limit && set.has('maintenance_work_mem'))
    add(
      'maintenance_work_mem',
      'impossible',
      `shared_buffers + maintenance_work_mem × 3 autovacuum workers (${text(sharedBuffers)} + ${text(maintenanceWorkMem)} × 3) is more than the limit of ${text(limit)}`,
      `A sixteenth of the limit is usual: ${text(limit / 16)}.`,
    );
  return faults;
}

function text(bytes: number): string {
  return bytes >= gib
    ? `${round(bytes / gib)} GiB`
    : bytes >= mib
      ? `${round(bytes / mib)} MiB`
      : `${Math.floor(bytes / 1024)} KiB`;
}

function round(value: number): string {
  return value >= 10 || Number.isInteger(value) ? String(Math.floor(value)) : value.toFixed(1);
}

function percent(part: number, whole: number): string {
  return `${Math.round((part / whole) * 100)} %`;
}
