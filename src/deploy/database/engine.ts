import type { Host } from '../../host/model.ts';
import type { BackupRecord, RestoreTest } from './record.ts';

/** A running database container and its image. */
export interface Database {
  readonly container: string;
  readonly imageId: string;
}

export interface BackupEffects {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly now: () => number;
}

export interface RestoreOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Part of the name under which the live database is kept. */
  readonly suffix: string;
  /** Creates the roles that the server lacks, without login. */
  readonly createRoles?: boolean;
}

/** Result of a restore. */
export interface Restored {
  /** Name of the previously live database. */
  readonly kept: string;
  /** Subscriptions of the restored database. They are disabled. */
  readonly subscriptions: readonly string[];
  /** Extensions whose owner is now the superuser. */
  readonly extensions: readonly { readonly name: string; readonly owner: string }[];
  /** Roles that were created, all without login. */
  readonly created: readonly string[];
}

/**
 * A kind of database that Sluice can back up. The methods run on the host, and files are in `folder`: `<name>.dump`,
 * and beside it whatever the record has a hash of.
 */
export interface DatabaseEngine {
  /** Dumps the database, durably. @throws UserError `backup.failed`, `host.disk-full`. */
  dump(
    host: Host,
    folder: string,
    database: Database,
    about: Pick<BackupRecord, 'name' | 'app' | 'target' | 'release' | 'deploy' | 'reason'>,
    effects: BackupEffects,
  ): Promise<BackupRecord>;
  /** Restores a dump into a temporary database of the same image, and compares it with the record. */
  prove(
    host: Host,
    folder: string,
    backup: BackupRecord,
    image: string,
    effects: BackupEffects,
  ): Promise<RestoreTest>;
  /** Replaces the live database with a backup. @throws UserError `restore.failed`, `restore.roles-missing`. */
  restore(
    host: Host,
    folder: string,
    backup: BackupRecord,
    database: Database,
    options: RestoreOptions,
  ): Promise<Restored>;
}

/** Fits tens of thousands of tables. Truncated output is an error, because the proof is then incomplete. */
export const largestOutput = 64 * 1024 * 1024;
