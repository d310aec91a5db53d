import { tellBackup } from './results/backup.ts';
import { defineAction } from './step/action.ts';
import { place, serverContextOf, serverLogin } from './step/credentials.ts';
import { text } from './step/inputs.ts';

export const action = defineAction({
  name: 'backup',
  inputs: { target: text, ...place, ...serverLogin },
  main: async (given, job) => {
    const context = serverContextOf(given, job.effects);
    job.effects.log.info('Backing up the database, with a test restore');
    const { backupTarget } = await import('../operations/deploy/backup.ts');
    return tellBackup(await backupTarget(context, given.target), job);
  },
});
