import type { BuildFinding, BuildPlan, BuildReport } from '../../build/plan.ts';
import { planText, reportText } from '../../build/plan-text.ts';
import { fence, inline } from '../../report/markdown/escape.ts';
import type { Job } from '../step/job.ts';
import { buildSummary } from './build-summary.ts';

/** Log, outputs, annotations and summary of a build. */
export async function tellBuild(given: BuildReport, job: Job): Promise<void> {
  const report = job.effects.mask.scrubData(given);
  job.effects.print(reportText(report));
  const built = report.targets.filter(({ outcome }) => outcome === 'built').length;
  const outputs = {
    images: JSON.stringify(report.images),
    tags: report.tags.join('\n'),
    pushed: String(report.pushed),
    built: String(built),
    reused: String(report.targets.length - built),
  };
  for (const [name, value] of Object.entries(outputs)) job.output(name, value);
  for (const finding of report.findings) job.annotate(annotation(finding));
  await job.summarise((room) => buildSummary(report, room));
}

/** A warning: findings do not fail a build. */
function annotation({ target, topic, message, at }: BuildFinding) {
  return { level: 'warning' as const, title: `sluice build ${target}: ${topic}`, message, ...at };
}

/** The plan of a build, in the log and in the summary. */
export async function tellPlan(plan: BuildPlan, job: Job): Promise<void> {
  const text = job.effects.mask.scrub(planText(plan));
  job.effects.print(text);
  const head = `## ⚪ ${inline(`Build plan for ${plan.app}; nothing was built`, 300)}`;
  await job.summarise((room) => `${head}\n\n${fence(text, { lines: 2000, bytes: room - 1000 })}`);
}
