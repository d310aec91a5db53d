import { databaseHost } from '../../../deploy/database/engines.ts';
import { backupLine } from '../../../deploy/database/record.ts';
import { listBackups } from '../../../deploy/database/store.ts';
import { layoutOf } from '../../../deploy/model.ts';
import { exitCodes } from '../../../kernel/run.ts';
import { openTarget } from '../../../operations/deploy/open.ts';
import type { CommandContext } from '../../context.ts';

export async function execute(context: CommandContext, targetName: string | undefined): Promise<number> {
  await using open = await openTarget(context, targetName);
  const { host } = await databaseHost(open.config, open.target, open.hosts);
  const folder = layoutOf(host.config.root, open.config.app).backups;
  const { records: backups, unreadable } = await listBackups(host, folder);
  for (const file of unreadable) {
    context.effects.log.warn(`${folder}/${file} is not a record that this version of Sluice can read`);
  }
  const text = backups.length === 0 ? 'No backups yet.' : backups.toReversed().map(backupLine).join('\n');
  context.effects.print(context.json ? JSON.stringify({ ok: true, backups }) : text);
  return exitCodes.ok;
}
