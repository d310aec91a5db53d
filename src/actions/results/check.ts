import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Category } from '../../checks/model.ts';
import { checksAnnotations } from '../../checks/report/annotations.ts';
import { checksSummary } from '../../checks/report/summary.ts';
import { checksTerminal } from '../../checks/report/terminal.ts';
import type { Checked } from '../../operations/checks/check.ts';
import { writeCheckReports } from '../../operations/checks/reports.ts';
import { headOf } from '../step/event.ts';
import type { Job } from '../step/job.ts';

/** Log, outputs, files, annotations and summary of checks. @returns whether the verdict is a pass. */
export async function tellChecks(
  { report }: Checked,
  categories: readonly Category[],
  job: Job,
): Promise<boolean> {
  const { env } = job.effects;
  job.effects.print(checksTerminal(report, { colour: false }));
  // Several of these actions may run in one job, each with its own files.
  const name = ['sluice-checks', ...categories].join('-');
  const files = await writeCheckReports(join(env.RUNNER_TEMP ?? tmpdir(), name), report, job.effects.mask);
  const counting = report.results
    .flatMap(({ findings }) => findings)
    .filter(({ accepted, level }) => accepted === undefined && level !== 'note');
  const outputs = {
    verdict: report.verdict,
    findings: String(counting.length),
    'checks-report': files.json,
    sarif: files.sarif ?? '',
    junit: files.junit,
  };
  for (const [key, value] of Object.entries(outputs)) job.output(key, value);
  for (const annotation of checksAnnotations(report)) job.annotate(annotation);
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = env;
  const sha = (await headOf(job.effects)) ?? env.GITHUB_SHA;
  const tree = server && repository && sha ? `${server}/${repository}/blob/${sha}` : undefined;
  await job.summarise((room) => checksSummary(report, room, { files: tree }));
  return report.verdict === 'pass';
}
