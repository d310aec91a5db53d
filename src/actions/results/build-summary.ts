import type { BuildReport } from '../../build/plan.ts';
import { formatPlace } from '../../kernel/errors.ts';
import { counted, formatBytes, formatDuration } from '../../kernel/figures.ts';
import { code, inline, joinWithin, table } from '../../report/markdown/escape.ts';

/** A build for a job summary: what there is now first, never more than `bytes`. */
export function buildSummary(report: BuildReport, bytes: number): string {
  const built = report.targets.filter(({ outcome }) => outcome === 'built').length;
  const reused = report.targets.length - built;
  const what = `${counted(built, 'image')} built, ${reused} found`;
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
    ['image', 'services', 'outcome', 'digest', 'new in the registry'],
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
    '### Worth a look',
    ['image', 'topic', 'what', 'where'],
    report.findings.map(({ target, topic, message, at }) => [
      ...[code(target), inline(topic, 60), inline(message, 500)],
      at === undefined ? '' : code(formatPlace(at)),
    ]),
    bytes - Buffer.byteLength(top) - 2,
  );
  return joinWithin(bytes, [top, findings], '\n\n');
}
