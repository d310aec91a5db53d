import type { Deployed } from '../../operations/deploy/deploy.ts';
import { headline, nextAction } from '../../report/headline.ts';
import { scrubReport } from '../../report/model.ts';
import { isSuccess } from '../../report/outcome.ts';
import { terminalSummary } from '../../report/terminal.ts';
import type { Job } from '../step/job.ts';

/** Log, outputs and annotations of a deploy or rollback; its summary has been written by then. @returns whether it succeeded. */
export function tellDeploy({ report: given, target, files }: Deployed, job: Job): boolean {
  const report = scrubReport(given, job.effects.mask);
  const ok = isSuccess(report);
  job.effects.print(terminalSummary(report, { colour: false, page: files?.html }));
  const outputs = {
    release: report.release,
    'previous-release': report.previousRelease ?? '',
    'deploy-id': report.deploy,
    outcome: report.outcome,
    reverted: String(report.outcome === 'reverted' || report.outcome === 'undone'),
    url: target.url ?? '',
    images: JSON.stringify(
      Object.fromEntries(report.images.map((image) => [image.service, image.reference])),
    ),
    report: files?.html ?? '',
  };
  for (const [name, value] of Object.entries(outputs)) job.output(name, value);
  const title = `sluice ${report.command}`;
  const next = ok ? '' : `\n→ ${nextAction(report)}`;
  job.annotate({ level: ok ? 'notice' : 'error', title, message: `${headline(report)}${next}` });
  for (const warning of report.warnings) job.annotate({ level: 'warning', title, message: warning });
  return ok;
}
