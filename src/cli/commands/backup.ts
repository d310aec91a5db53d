import { verifyBackup } from '../../deploy/database/backups.ts';
import { databaseHost } from '../../deploy/database/engines.ts';
import { type BackupRecord, backupLine } from '../../deploy/database/record.ts';
import { listBackups } from '../../deploy/database/store.ts';
import { layoutOf } from '../../deploy/model.ts';
import { exitCodes } from '../../kernel/run.ts';
import { backupTarget } from '../../operations/deploy/backup.ts';
import { openTarget, targetAndName } from '../../operations/deploy/open.ts';
import type { CommandContext } from '../context.ts';

/** `sluice backup make` */
export async function make(context: CommandContext, targetName: string | undefined): Promise<number> {
  return printProof(context, await backupTarget(context, targetName));
}

/** `sluice backup list` */
export async function list(context: CommandContext, targetName: string | undefined): Promise<number> {
  await using open = await openTarget(context, targetName);
  const { host } = await databaseHost(open.config, open.target, open.hosts);
  const folder = layoutOf(host.config.root, open.config.app).backups;
  const { records: backups, unreadable } = await listBackups(host, folder);
  for (const file of unreadable) {
    context.effects.log.warn(`This version of Sluice cannot read the record ${folder}/${file}`);
  }
  const text = backups.length === 0 ? 'No backups yet.' : backups.toReversed().map(backupLine).join('\n');
  context.effects.print(context.json ? JSON.stringify({ ok: true, backups }) : text);
  return exitCodes.ok;
}

/** `sluice backup verify` */
export async function verify(
  context: CommandContext,
  targetName: string | undefined,
  options: { readonly argument?: string },
): Promise<number> {
  const given = await targetAndName(context, targetName, options.argument);
  await using open = await openTarget(context, given.target);
  const host = await databaseHost(open.config, open.target, open.hosts);
  return printProof(context, await verifyBackup(host, given.name, open.effects));
}

function printProof({ effects, json }: CommandContext, record: BackupRecord): number {
  const ok = record.restoreTest?.ok === true;
  effects.print(json ? JSON.stringify({ ok, backup: record }) : backupLine(record));
  return ok ? exitCodes.ok : exitCodes.failed;
}
