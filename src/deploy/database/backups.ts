import type { Host } from '../../host/model.ts';
import { UserError } from '../../kernel/errors.ts';
import { tail } from '../../kernel/process/process.ts';
import type { DeployEffects } from '../context.ts';
import { layoutOf } from '../model.ts';
import { readHostState } from '../on-host/state.ts';
import { type BackupSite, findDatabase } from './engines.ts';
import { type BackupReason, type BackupRecord, isSha256 } from './record.ts';
import { backupName, findBackup, listBackups, pruneBackups, saveRecord } from './store.ts';

/** Makes a backup and proves it. @param reason the group that retention counts it in. */
export async function makeBackup(
  site: BackupSite,
  effects: DeployEffects,
  reason: Exclude<BackupReason, 'deploy'>,
): Promise<BackupRecord> {
  const { config, target, host } = site;
  const layout = layoutOf(host.config.root, config.app);
  const state = await readHostState(host, config.app, layout);
  const database = await findDatabase(host, config);
  const how = howOf(site, effects);
  await host.exec(['mkdir', '-p', '-m', '700', layout.backups]);
  const name = backupName(effects.clock.now(), reason === 'schedule' ? 'scheduled' : 'by-hand');
  const about = {
    name,
    reason,
    app: config.app,
    target: target.name,
    release: state.current,
    deploy: undefined,
  };
  const made = await database.engine.dump(host, layout.backups, database, about, how);
  // A run that ends during the proof leaves a listed, untested backup.
  await saveRecord(host, layout.backups, made);
  const restoreTest = await database.engine.prove(host, layout.backups, made, database.imageId, how);
  const record = { ...made, restoreTest };
  await saveRecord(host, layout.backups, record);
  await pruneBackups(host, layout, config.backup?.keep ?? 14, made.name, (text) => effects.log.warn(text));
  return record;
}

/**
 * Restores a backup into a temporary database and compares.
 *
 * @throws UserError `backup.unknown`, `backup.no-hash`, `backup.corrupt`.
 */
export async function verifyBackup(
  site: BackupSite,
  name: string | undefined,
  effects: DeployEffects,
): Promise<BackupRecord> {
  const { config, host } = site;
  const layout = layoutOf(host.config.root, config.app);
  const { records } = await listBackups(host, layout.backups);
  const backup = findBackup(records, name ?? records.at(-1)?.name ?? '');
  await refuseCorrupt(host, layout.backups, backup);
  const database = await findDatabase(host, config);
  const restoreTest = await database.engine.prove(
    host,
    layout.backups,
    backup,
    database.imageId,
    howOf(site, effects),
  );
  const record = { ...backup, restoreTest };
  await saveRecord(host, layout.backups, record);
  return record;
}

/**
 * @throws UserError `backup.no-hash` if the record has no SHA-256, `backup.corrupt` if a file is missing or has another one.
 */
export async function refuseCorrupt(host: Host, folder: string, backup: BackupRecord): Promise<void> {
  const files: [string, string][] = [[`${backup.name}.dump`, backup.sha256]];
  if (backup.rights !== undefined) files.push([`${backup.name}.rights`, backup.rights.sha256]);
  for (const [file, expected] of files) {
    if (!isSha256(expected)) {
      throw new UserError({
        code: 'backup.no-hash',
        message: `${host.name}: the record ${backup.name}.json has no SHA-256 of ${file}, so Sluice cannot verify the file`,
        hint: 'Use another backup (sluice backup list).',
      });
    }
    const result = await host.exec(['sha256sum', '--', `${folder}/${file}`], { timeoutMs: 600_000 });
    const found = /^\\?([0-9a-f]{64}) /.exec(result.stdout)?.[1];
    if (result.code === 0 && found === expected) continue;
    throw new UserError({
      code: 'backup.corrupt',
      message:
        found === undefined
          ? `${host.name}: cannot read ${file}`
          : `${host.name}: ${file} is not the file that was made: its SHA-256 differs`,
      hint: 'Use another backup (sluice backup list), and check the disk.',
      output: tail(result.stderr, 3),
    });
  }
}

function howOf(site: BackupSite, effects: DeployEffects) {
  return {
    signal: effects.signal,
    timeoutMs: site.config.backup?.timeoutMs ?? 3_600_000,
    now: effects.clock.now,
  };
}
