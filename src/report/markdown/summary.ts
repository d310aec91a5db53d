import { formatDuration, formatTime } from '../../kernel/figures.ts';
import { headline, nextAction } from '../headline.ts';
import { type DeployReport, durationOf } from '../model.ts';
import { lookOf } from '../outcome.ts';
import { byteLength } from '../text.ts';
import { httpUrl } from '../url.ts';
import { attribute, code, inline, joinWithin, prose } from './escape.ts';
import { sections } from './sections.ts';

/** GitHub drops a step's summary over 1,024 KiB; other programs may write to the same one. */
export const summaryLimit = 900 * 1024;

/**
 * The report for a job summary (GitHub's Markdown). Its first line names the serving release. It never exceeds `maxBytes`
 * of UTF-8: the least important parts are shortened or omitted first, and a note names them.
 */
export function markdownSummary(report: DeployReport, maxBytes = summaryLimit): string {
  const head = headOf(report, maxBytes);
  const facts = factsOf(report);
  const texts = new Map<string, string>();
  const missing: string[] = [];

  let left = maxBytes - byteLength(head) - byteLength(facts) - noteRoom;
  for (const { name, render } of sections.toSorted((a, b) => a.rank - b.rank)) {
    const whole = render(report, Number.POSITIVE_INFINITY);
    if (whole === '') continue;
    const text = byteLength(whole) + 2 <= left ? whole : render(report, left - 2);
    if (text !== whole) missing.push(text === '' ? name : `parts of ${name}`);
    if (text === '') continue;
    texts.set(name, text);
    left -= byteLength(text) + 2;
  }

  const body = sections.map((section) => texts.get(section.name) ?? '');
  const note =
    missing.length === 0 ? '' : `_Omitted to keep this summary within its limit: ${missing.join(', ')}._`;
  return joinWithin(maxBytes, [head, ...body, facts, note], '\n\n');
}

/** The longest possible note, and the blank lines around facts and note. */
const noteRoom = 320;

function headOf(report: DeployReport, maxBytes: number): string {
  const look = lookOf(report);
  // An escaped character has up to 8 bytes; the first line has to survive the smallest budget.
  const title = (limit: number) => `## ${look.emoji} ${inline(headline(report), limit)}`;
  const full = title(600);
  if (byteLength(full) > maxBytes / 2) return title(Math.max(1, Math.floor(maxBytes / 16) - 2));
  return joinWithin(maxBytes, [full, `**Next:** ${prose(nextAction(report), 1000)}`], '\n\n');
}

/** One line about the run itself. */
function factsOf(report: DeployReport): string {
  const { execs, forwards } = report.counts;
  const url = httpUrl(report.runUrl);
  const facts = [
    `${inline(report.command)} ${code(report.deploy, 80)}`,
    report.actor ? `by ${inline(report.actor, 60)}` : '',
    report.commit ? `commit ${code(report.commit, 40)}` : '',
    `${inline(formatTime(report.startedAt), 40)}, ${formatDuration(durationOf(report))}`,
    `${execs} commands and ${forwards} forwards over SSH`,
    url === undefined ? '' : `<a href="${attribute(url)}">run</a>`,
  ];
  return `<sub>${facts.filter((fact) => fact !== '').join(' · ')}</sub>`;
}
