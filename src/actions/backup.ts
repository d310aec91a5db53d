import { defineAction } from './action.ts';
import { tellBackup } from './backup-result.ts';
import { place, serverContextOf, serverLogin } from './credentials.ts';
import { text } from './inputs.ts';

export const action = defineAction({
  name: 'backup',
  inputs: { target: text, ...place, ...serverLogin },
  main: async (given, job) => {
    const context = serverContextOf(given, job.effects);
    job.effects.log.info('Sluice backs up the database and proves it by a restore');
    const { backupTarget } = await import('../operations/backup.ts');
    return tellBackup(await backupTarget(context, given.target), job);
  },
});
