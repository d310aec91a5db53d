import { type BackupRecord, backupLine } from '../deploy/database/record.ts';
import { inline } from '../report/markdown/escape.ts';
import { defineAction } from './step/action.ts';
import { place, serverContextOf, serverLogin } from './step/credentials.ts';
import { text } from './step/inputs.ts';
import type { Job } from './step/job.ts';

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

/** Log, outputs, annotation and summary of a backup. @returns whether a test restore has proven it. */
async function tellBackup(record: BackupRecord, job: Job): Promise<boolean> {
  const proven = record.restoreTest?.ok === true;
  const line = backupLine(record);
  job.effects.print(line);
  const outputs = {
    backup: record.name,
    proven: String(proven),
    sha256: record.sha256,
    bytes: String(record.bytes),
  };
  for (const [name, value] of Object.entries(outputs)) job.output(name, value);
  job.annotate({ level: proven ? 'notice' : 'error', title: 'sluice backup', message: line });
  await job.summarise(() => `## ${proven ? '🟢 Backup' : '🔴 Unproven backup'} ${inline(line, 600)}`);
  return proven;
}
