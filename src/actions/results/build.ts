import type { BuildFinding, BuildPlan, BuildReport } from '../../build/plan.ts';
import { planText, reportText } from '../../build/plan-text.ts';
import { formatPlace } from '../../kernel/errors.ts';
import { counted, formatBytes, formatDuration } from '../../kernel/figures.ts';
import { code, fence, inline, joinWithin, table } from '../../report/markdown/escape.ts';
import type { Job } from '../step/job.ts';

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

/** A build for a job summary: the images first, at most `bytes`. */
function buildSummary(report: BuildReport, bytes: number): string {
  const built = report.targets.filter(({ outcome }) => outcome === 'built').length;
  const reused = report.targets.length - built;
  const what = `${counted(built, 'image')} built, ${reused} reused`;
  const where = report.pushed ? `tagged ${report.tags.join(', ')}` : 'nothing pushed';
  const head = `## 🟢 ${inline(`${report.app}: ${what}, ${where} in ${formatDuration(report.ms)}`, 600)}`;
  const { cached, run } = report.steps;
  const all = cached + run;
  const cache =
    all === 0
      ? ''
      : `<sub>${cached} of ${counted(all, 'step')} from the cache${report.cache ? ` (${inline(report.cache.backend)})` : ''}</sub>`;
  const images = table(
    '',
    ['image', 'services', 'outcome', 'digest', 'uploaded'],
    report.targets.map((target) => [
      code(target.repository),
      target.services.map((service) => code(service)).join(' '),
      target.outcome,
      target.digest === undefined ? '' : code(target.digest.slice(0, 19)),
      target.pushedBytes === undefined ? '' : formatBytes(target.pushedBytes),
    ]),
    bytes / 2,
  );
  const top = joinWithin(bytes, [head, images, cache], '\n\n');
  const findings = table(
    '### To review',
    ['image', 'topic', 'finding', 'place'],
    report.findings.map(({ target, topic, message, at }) => [
      ...[code(target), inline(topic, 60), inline(message, 500)],
      at === undefined ? '' : code(formatPlace(at)),
    ]),
    bytes - Buffer.byteLength(top) - 2,
  );
  return joinWithin(bytes, [top, findings], '\n\n');
}
