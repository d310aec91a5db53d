import { makeBackup } from '../../deploy/database/backups.ts';
import { databaseHost } from '../../deploy/database/engines.ts';
import type { BackupRecord } from '../../deploy/database/record.ts';
import type { OperationContext } from '../context.ts';
import { openTarget } from './open.ts';

/** Makes a backup of the target's database with a test restore, whose result is in the record. */
export async function backupTarget(
  context: OperationContext,
  targetName: string | undefined,
): Promise<BackupRecord> {
  await using open = await openTarget(context, targetName);
  const site = await databaseHost(open.config, open.target, open.hosts);
  // Without an event of GitHub, a person started it.
  const scheduled = open.effects.env.GITHUB_EVENT_NAME === 'schedule';
  return await makeBackup(site, open.effects, scheduled ? 'schedule' : 'person');
}
