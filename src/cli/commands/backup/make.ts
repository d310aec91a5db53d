import { backupLine } from '../../../deploy/database/record.ts';
import { exitCodes } from '../../../kernel/run.ts';
import { backupTarget } from '../../../operations/deploy/backup.ts';
import type { CommandContext } from '../../context.ts';

export async function execute(context: CommandContext, targetName: string | undefined): Promise<number> {
  const record = await backupTarget(context, targetName);
  const ok = record.restoreTest?.ok === true;
  context.effects.print(context.json ? JSON.stringify({ ok, backup: record }) : backupLine(record));
  return ok ? exitCodes.ok : exitCodes.failed;
}
