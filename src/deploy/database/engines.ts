import type { Config, Target } from '../../config/model.ts';
import { imageKind } from '../../config/services/stores.ts';
import type { Host } from '../../host/model.ts';
import { UserError } from '../../kernel/errors.ts';
import { listContainers } from '../on-host/state.ts';
import type { Database, DatabaseEngine } from './engine.ts';
import { postgres } from './postgres/postgres.ts';

/** All databases that Sluice can back up. */
const engines: readonly DatabaseEngine[] = [postgres];

export interface RunningDatabase extends Database {
  readonly engine: DatabaseEngine;
}

/**
 * The running container of a database service.
 *
 * @throws UserError `backup.no-database` if it is not running.
 */
export async function findDatabase(host: Host, app: string, service: string): Promise<RunningDatabase> {
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
  const image = imageKind({ image: found.image }) ?? '';
  // The key `backup.postgres` names the engine of an image with another name.
  const engine = engines.find((databaseEngine) => databaseEngine.serves(image)) ?? postgres;
  return { engine, container: found.id, imageId: found.imageId };
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
  const service = config.backup?.postgres;
  if (service === undefined) {
    throw new UserError({
      code: 'backup.no-database',
      message: `${config.file} does not name a database to back up`,
      hint: 'Add `backup: { postgres: db }` with the name of the Postgres service.',
    });
  }
  for (const host of hosts) {
    const found = await findDatabase(host, config.app, service).catch(() => undefined);
    if (found !== undefined) return { config, target, host };
  }
  const [first] = hosts;
  if (first === undefined) throw new Error('a target has at least one host');
  await findDatabase(first, config.app, service);
  return { config, target, host: first };
}
