import type { Host } from '../../host/model.ts';
import { UserError } from '../../kernel/errors.ts';
import { listContainers } from '../state.ts';
import { writeFiles } from '../upload.ts';
import type { BackupRecord } from './model.ts';
import type { Database } from './postgres.ts';

/** `20261121T021500Z-before-v1.2.4`: sorts by time and says what it was made for. */
export function backupName(now: number, reason: string): string {
  const stamp = new Date(now).toISOString().replace(/[-:]/g, '').replace(/\.\d+/, '');
  return `${stamp}-${reason.replace(/[^A-Za-z0-9._-]+/g, '-')}`;
}

export async function saveRecord(host: Host, folder: string, record: BackupRecord): Promise<void> {
  const content = Buffer.from(`${JSON.stringify(record, undefined, 1)}\n`);
  await writeFiles(host, folder, [{ path: `${record.name}.json`, mode: 0o600, content }]);
}

/** Backups of the app on this host, oldest first. A dump without a record (a cut short run) is not listed. */
export async function listBackups(host: Host, folder: string): Promise<BackupRecord[]> {
  const script = `cd "$1" 2>/dev/null || exit 0
for f in *.json; do [ -f "$f" ] && [ -f "\${f%.json}.dump" ] && { base64 <"$f" | tr -d '\\n'; echo; }; done; exit 0`;
  const result = await host.script(script, { args: [folder], timeoutMs: 30_000 });
  const records = result.stdout.split('\n').filter(Boolean).flatMap(parse);
  return records.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function parse(line: string): BackupRecord[] {
  try {
    const record = JSON.parse(Buffer.from(line, 'base64').toString('utf8')) as BackupRecord;
    return record.version === 1 ? [record] : [];
  } catch {
    return [];
  }
}

/** Removes all but the newest `keep` backups; the one just made is never among them. */
export async function pruneBackups(
  host: Host,
  folder: string,
  keep: number,
  made: string,
): Promise<string[]> {
  const old = oldBackups(await listBackups(host, folder), keep, made);
  if (old.length === 0) return [];
  const files = old.flatMap((name) => [`${folder}/${name}.dump`, `${folder}/${name}.json`]);
  await host.exec(['rm', '-f', '--', ...files]);
  return old;
}

/**
 * Names of the backups beyond `keep`.
 *
 * @param records oldest first by their names; a runner whose clock is behind puts a new one among the old.
 */
export function oldBackups(records: readonly BackupRecord[], keep: number, made: string): string[] {
  const others = records.map((record) => record.name).filter((name) => name !== made);
  return others.slice(0, Math.max(0, others.length - (keep - 1)));
}

/**
 * The running container of a Postgres service.
 *
 * @throws UserError `backup.no-database` if it does not run.
 */
export async function findDatabase(host: Host, app: string, service: string): Promise<Database> {
  const containers = await listContainers(host.engine, app);
  const found = containers.find(
    (each) => each.service === service && each.edge === undefined && each.running,
  );
  if (found === undefined) {
    throw new UserError({
      code: 'backup.no-database',
      message: `${host.name}: the database service ${service} does not run, so there is nothing to back up`,
      hint: `Start it (docker compose up -d ${service}) or see why it stopped; to deploy without a backup, say --no-backup.`,
    });
  }
  return { container: found.id, imageId: found.imageId };
}

/**
 * @throws UserError `backup.unknown` that lists what there is.
 */
export function findBackup(records: readonly BackupRecord[], name: string): BackupRecord {
  const found = records.find((record) => record.name === name);
  if (found !== undefined) return found;
  throw new UserError({
    code: 'backup.unknown',
    message: `There is no backup ${name} on the host`,
    hint:
      records.length === 0
        ? 'There is no backup yet.'
        : `Backups: ${records
            .map((record) => record.name)
            .reverse()
            .join(', ')}.`,
  });
}
