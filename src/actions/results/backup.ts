import type { BackupRecord } from '../../deploy/database/model.ts';
import { backupLine } from '../../deploy/database/text.ts';
import { inline } from '../../report/markdown/escape.ts';
import type { Job } from '../step/job.ts';

/** Log, outputs, annotation and summary of a backup. @returns whether a test restore has proven it. */
export async function tellBackup(record: BackupRecord, job: Job): Promise<boolean> {
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
