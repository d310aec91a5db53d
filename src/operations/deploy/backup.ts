import { makeBackup } from '../../deploy/database/backups.ts';
import { databaseHost } from '../../deploy/database/engines.ts';
import type { BackupRecord } from '../../deploy/database/record.ts';
import type { OperationContext } from '../context.ts';
import { openTarget } from './open.ts';

/** Makes a backup of the target's database and proves it by a restore; whether that held is for the caller to judge. */
export async function backupTarget(
  context: OperationContext,
  targetName: string | undefined,
): Promise<BackupRecord> {
  await using open = await openTarget(context, targetName);
  const site = await databaseHost(open.config, open.target, open.hosts);
  // GitHub names the event; a run without one was started by a person.
  const scheduled = open.effects.env.GITHUB_EVENT_NAME === 'schedule';
  return await makeBackup(site, open.effects, scheduled ? 'schedule' : 'person');
}
