import { verifyBackup } from '../../../deploy/database/backups.ts';
import { databaseHost } from '../../../deploy/database/engines.ts';
import { backupLine } from '../../../deploy/database/record.ts';
import { exitCodes } from '../../../kernel/run.ts';
import { openTarget, targetAndName } from '../../../operations/deploy/open.ts';
import type { CommandContext } from '../../context.ts';

export async function execute(
  context: CommandContext,
  targetName: string | undefined,
  options: { readonly argument?: string },
): Promise<number> {
  const given = await targetAndName(context, targetName, options.argument);
  await using open = await openTarget(context, given.target);
  const site = await databaseHost(open.config, open.target, open.hosts);
  const record = await verifyBackup(site, given.name, open.effects);
  const ok = record.restoreTest?.ok === true;
  context.effects.print(context.json ? JSON.stringify({ ok, backup: record }) : backupLine(record));
  return ok ? exitCodes.ok : exitCodes.failed;
}
