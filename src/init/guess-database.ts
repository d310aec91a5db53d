import type { ComposeModel } from '../config/model.ts';
import { imageKind, imageRole } from '../config/stores.ts';
import type { ServiceGuess } from './guess-services.ts';
import { migratesAtStart, runsIn } from './migrations.ts';
import type { ServiceSight } from './study.ts';

export interface MigrationGuess {
  readonly service: string;
  readonly command: string;
  readonly why: string;
  /** Why it is written as a comment only: something migrates already. */
  readonly instead: string | undefined;
}

export interface DatabaseGuess {
  /** The service that runs Postgres; undefined: there is a database, and it is none that Sluice backs up. */
  readonly postgres: string | undefined;
  readonly why: string;
  /** Databases that no backup is made of. */
  readonly others: readonly string[];
}

/** How the database is brought up to date, from the sources of the service that serves. */
export function guessMigration(
  services: readonly ServiceGuess[],
  sights: readonly ServiceSight[],
): MigrationGuess | undefined {
  const candidates = sights
    .filter(({ migrations }) => migrations.length > 0)
    .map((sight) => ({ sight, plan: services.find(({ name }) => name === sight.name)?.plan }))
    .filter(({ plan }) => plan !== undefined && plan.strategy !== 'keep');
  // The service that serves first: its image is sure to be of this release.
  const rank = (strategy: string | undefined) =>
    ['blue-green', 'recreate', 'workers', 'singleton', 'job'].indexOf(strategy ?? '');
  const [best] = candidates
    .filter(({ plan }) => plan?.strategy !== 'job')
    .sort((a, b) => rank(a.plan?.strategy) - rank(b.plan?.strategy));
  const tool = best?.sight.migrations[0];
  if (best === undefined || tool === undefined) return undefined;
  const folder = runsIn(tool);
  const context = best.sight.context ?? '';
  const below = folder === context ? '' : folder.slice(context === '' ? 0 : context.length + 1);
  const command = below === '' ? tool.command : inFolder(tool.tool, tool.command, below);
  const job = services.find(({ plan }) => plan.strategy === 'job' && /migration|complete/.test(plan.reason));
  const atStart = sights.find(({ name, start }) => name !== job?.name && migratesAtStart.test(start));
  const instead =
    job !== undefined
      ? `the job ${job.name} migrates already`
      : atStart === undefined
        ? undefined
        : `${atStart.name} migrates each time a container of it starts; take that out, and the migration runs once per deploy, with a time limit for locks`;
  return { service: best.sight.name, command, why: tool.at, instead };
}

/** Only where a shell would read the folder’s name as it stands. */
function inFolder(tool: string, command: string, folder: string): string {
  if (!/^[\w./-]+$/.test(folder)) return command;
  if (tool === 'Alembic') return command.replace('alembic', `alembic -c ${folder}/alembic.ini`);
  return tool === 'Django' ? command.replace('manage.py', `${folder}/manage.py`) : command;
}

/** The Postgres whose data the app cannot lose. */
export function guessBackup(
  model: ComposeModel,
  services: readonly ServiceGuess[],
): DatabaseGuess | undefined {
  const kept = services.filter(({ plan }) => plan.strategy === 'keep').map(({ name }) => name);
  const kinds = kept.map((name) => ({
    name,
    kind: imageKind(model.services[name] ?? {}) ?? '',
    role: imageRole(model.services[name] ?? {}),
  }));
  const isPostgres = (kind: string) =>
    /^(?:postgres|postgis|pgvector|timescaledb|timescaledb-ha)$/.test(kind);
  const isData =
    /^(?:mysql|mariadb|percona|mongo|mongodb|postgresql|mssql|cockroach|couchdb|clickhouse|minio|elasticsearch|influxdb|neo4j)/;
  const [postgres] = kinds.filter(({ kind }) => isPostgres(kind));
  const others = kinds
    .filter(({ name, kind }) => name !== postgres?.name && (isPostgres(kind) || isData.test(kind)))
    .map(({ name, kind }) => `${name} (${kind})`);
  if (postgres !== undefined)
    return { postgres: postgres.name, why: `its image is ${postgres.kind}`, others };
  return others.length === 0 ? undefined : { postgres: undefined, why: '', others };
}
