import { databaseHost, makeBackup } from '../../deploy/backup/commands.ts';
import { backupLine } from '../../deploy/backup/text.ts';
import { exitCodes } from '../../kernel/run.ts';
import type { CommandContext } from '../context.ts';
import { openTarget } from '../open.ts';

export async function execute(context: CommandContext, targetName: string | undefined): Promise<number> {
  await using open = await openTarget(context, targetName);
  const site = await databaseHost(open.config, open.target, open.hosts);
  const record = await makeBackup(site, open.effects);
  const ok = record.restoreTest?.ok === true;
  context.effects.print(context.json ? JSON.stringify({ ok, backup: record }) : backupLine(record));
  return ok ? exitCodes.ok : exitCodes.failed;
}
