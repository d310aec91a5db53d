import type { Config, DatabaseKind, Target } from '../../config/model.ts';
import type { Host } from '../../host/model.ts';
import { UserError } from '../../kernel/errors.ts';
import { listContainers } from '../on-host/state.ts';
import type { Database, DatabaseEngine } from './engine.ts';
import { postgres } from './postgres/postgres.ts';

/** By the key of `backup:` in sluice.yml. Another database is another key of the schema, and a folder here. */
const engines: Readonly<Record<DatabaseKind, DatabaseEngine>> = { postgres };

export interface RunningDatabase extends Database {
  readonly engine: DatabaseEngine;
}

/**
 * The running container of the database that sluice.yml names.
 *
 * @throws UserError `backup.no-database` if none is configured or running.
 */
export async function findDatabase(host: Host, { app, backup, file }: Config): Promise<RunningDatabase> {
  if (backup === undefined) throw noBackup(file);
  const { engine, service } = backup;
  const containers = await listContainers(host.engine, app);
  const found = containers.find(
    (container) => container.service === service && container.edge === undefined && container.running,
  );
  if (found === undefined) {
    throw new UserError({
      code: 'backup.no-database',
      message: `${host.name}: the database service ${service} is not running, so there is nothing to back up`,
      hint: `Start it (docker compose up -d ${service}) or find out why it stopped. To deploy without a backup, pass --no-backup.`,
    });
  }
  return { engine: engines[engine], container: found.id, imageId: found.imageId };
}

function noBackup(file: string): UserError {
  return new UserError({
    code: 'backup.no-database',
    message: `${file} does not name a database to back up`,
    hint: 'Add `backup: { postgres: db }` with the name of the Postgres service.',
  });
}

export interface BackupSite {
  readonly config: Config;
  readonly target: Target;
  readonly host: Host;
}

/**
 * Finds the host that runs the target's database.
 *
 * @throws UserError `backup.no-database` if none is configured or running.
 */
export async function databaseHost(
  config: Config,
  target: Target,
  hosts: readonly Host[],
): Promise<BackupSite> {
  if (config.backup === undefined) throw noBackup(config.file);
  for (const host of hosts) {
    const found = await findDatabase(host, config).catch(() => undefined);
    if (found !== undefined) return { config, target, host };
  }
  const [first] = hosts;
  if (first === undefined) throw new Error('a target has at least one host');
  await findDatabase(first, config);
  return { config, target, host: first };
}
