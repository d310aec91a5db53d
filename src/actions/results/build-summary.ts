import type { BuildReport } from '../../build/plan.ts';
import { formatDuration } from '../../kernel/clock.ts';
import { formatPlace } from '../../kernel/errors.ts';
import { counted, formatBytes } from '../../report/figures.ts';
import { code, inline } from '../../report/markdown/escape.ts';
import { joinWithin, table } from '../../report/markdown/layout.ts';

/** A build for a job summary: the images first, at most `bytes`. */
export function buildSummary(report: BuildReport, bytes: number): string {
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
