import type { PublicationPlan, PublicationReport, VerifyReport } from '../../cdn/model.ts';
import { totalsOf } from '../../cdn/report/changes.ts';
import { faultLine, resultLine, totalOf, verdictOf, verifyLine, wayBack } from '../../cdn/report/lines.ts';
import { planSummary, reportSummary, verifySummary } from '../../cdn/report/summary.ts';
import { planText, resultText, verifyText } from '../../cdn/report/terminal.ts';
import type { Job } from '../step/job.ts';

const plain = { colour: false };
const title = 'sluice cdn';

/** Log, outputs, annotations and summary of a publication or a rollback. @returns whether the site serves it. */
export async function tellPublication(given: PublicationReport, job: Job, prefix: string): Promise<boolean> {
  const report = { ...given, verify: job.effects.mask.scrubData(given.verify) };
  const { plan, outcome, verify, requests } = report;
  job.effects.print(resultText(report, plain));
  const live = outcome === 'nothing' ? plan.current : plan.release;
  tellOutputs(job, prefix, {
    ...planOutputs(plan),
    outcome,
    verdict: verdictOf(verify),
    release: live?.name ?? '',
    number: String(live?.number ?? ''),
    requests: String(totalOf(requests)),
    findings: String(verify?.findings.length ?? ''),
  });
  const fault = faultLine(report);
  const back = outcome === 'published' ? wayBack(plan, undefined) : undefined;
  const next = fault === undefined || back === undefined ? '' : `\n→ To roll back: ${back}`;
  const message = `${fault ?? resultLine(report, totalsOf(plan))}${next}`;
  job.annotate({ level: fault === undefined ? 'notice' : 'error', title, message });
  for (const { cdn, outcome, why } of report.invalidations) {
    if (outcome === 'failed')
      job.annotate({ level: 'warning', title, message: `${cdn} was not invalidated: ${why ?? ''}` });
  }
  annotateFindings(verify, job);
  await job.summarise((room) => reportSummary(report, room));
  return fault === undefined;
}

/** The plan of a publication or a rollback, in the log, the outputs and the summary. */
export async function tellSitePlan(plan: PublicationPlan, job: Job, prefix: string): Promise<true> {
  job.effects.print(planText(plan, plain));
  tellOutputs(job, prefix, {
    ...planOutputs(plan),
    outcome: 'planned',
    verdict: 'none',
    findings: '',
    release: plan.release.name,
    number: String(plan.release.number),
    requests: String(totalOf(plan.requests)),
  });
  await job.summarise((room) => planSummary(plan, room));
  return true;
}

/** The result of a check of the published site. @returns whether it matches the release. */
export async function tellLook(given: VerifyReport, job: Job): Promise<boolean> {
  const verify = job.effects.mask.scrubData(given);
  job.effects.print(verifyText(verify, plain));
  const verdict = verdictOf(verify);
  const findings = String(verify.findings.length);
  tellOutputs(job, '', { outcome: 'verified', verdict, findings, url: verify.url });
  const level = verdict === 'fail' ? 'error' : 'notice';
  job.annotate({ level, title, message: verifyLine(verify) });
  annotateFindings(verify, job);
  await job.summarise((room) => verifySummary(verify, room));
  return verdict !== 'fail';
}

function planOutputs(plan: PublicationPlan) {
  const { counts } = totalsOf(plan);
  return {
    previous: String(plan.current?.number ?? ''),
    changed: String(counts.new + counts.changed + counts.headers),
    removed: String(counts.removed),
    'uploaded-bytes': String(plan.bytes),
    url: plan.url ?? '',
  };
}

function tellOutputs(job: Job, prefix: string, outputs: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(outputs)) job.output(`${prefix}${name}`, value);
}

function annotateFindings(verify: VerifyReport | undefined, job: Job): void {
  for (const { level, kind, url, message } of verify?.findings ?? []) {
    const text = `${url}: ${message}`;
    job.annotate({
      level: level === 'fail' ? 'error' : 'warning',
      title: `${title}: ${kind}`,
      message: text,
    });
  }
}
