import { styleText } from 'node:util';
import { formatPlace } from '../../kernel/errors.ts';
import { counted, formatSeconds } from '../../kernel/figures.ts';
import { breakCommands } from '../../kernel/foreign.ts';
import { lastLines, oneLine, wrapWords as wrap } from '../../report/text.ts';
import type { Category, CheckResult, CheckStatus, ChecksReport, JudgedFinding } from '../model.ts';
import { coverageLine, testLines } from './tests.ts';
import {
  againBy,
  baselineNotes,
  isFirstOfCause,
  marks,
  name,
  namesOfCause,
  restOf,
  standing,
  verdictLine,
} from './words.ts';

interface ChecksTerminalOptions {
  readonly colour: boolean;
  /** Findings shown of each check; default 10. */
  readonly most?: number;
}

type Style = Parameters<typeof styleText>[0];

const styles: Readonly<Record<CheckStatus, Style>> = {
  pass: 'green',
  fail: 'red',
  review: 'yellow',
  'did-not-run': 'magenta',
  skipped: 'dim',
};
const width = 80;

/** The last block of a run, for a terminal or a log. Its first line is the verdict; no line end at its end. */
export function checksTerminal(report: ChecksReport, { colour, most = 10 }: ChecksTerminalOptions): string {
  const paint = (style: Style, text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const { results, verdict } = report;
  const first = wrap(`${marks[verdict]} ${verdictLine(report)}`, '', '  ').join('\n');
  const notes = [...report.notes.map((note) => oneLine(note, 500)), ...baselineNotes(report)];
  const blocks = [
    `${paint(['bold', styles[verdict] as 'red'], first)}\n`,
    ...checkLines(results, paint),
    ...results
      .filter((result) => result.status !== 'skipped' && isFirstOfCause(result, results))
      .flatMap((result) => troubleOf(result, results, most, paint)),
    ...section(testLines(report)),
    ...section(coverageLine(report).flatMap((line) => wrap(line, '', '  '))),
    ...section(notes.flatMap((note) => wrap(`note: ${note}`, '', '  '))),
    `\n${formatSeconds(report.seconds)} in total`,
  ];
  return breakCommands(blocks.join('\n'));
}

function section(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}

function checkLines(
  results: readonly CheckResult[],
  paint: (style: Style, text: string) => string,
): string[] {
  const names = Math.min(28, Math.max(0, ...results.map((result) => Array.from(name(result)).length)));
  return results.flatMap((result) => {
    const { status, seconds } = result;
    const time = (status === 'skipped' ? '' : formatSeconds(seconds)).padStart(12);
    const start = `${oneLine(name(result), names).padEnd(names)} ${time}  `;
    const [line = '', ...more] = wrap(restOf(result, results), '', '', width - 4 - start.length);
    const indent = ' '.repeat(4 + start.length);
    return [
      `  ${paint(styles[status], marks[status])} ${start}${line}`.trimEnd(),
      ...more.map((text) => indent + text),
    ];
  });
}

/** The problems of one check. */
function troubleOf(
  result: CheckResult,
  all: readonly CheckResult[],
  most: number,
  paint: (style: Style, text: string) => string,
): string[] {
  const { status, findings, fix, output } = result;
  const matter = findings.filter((finding) => finding.accepted === undefined && finding.level !== 'note');
  if (status !== 'did-not-run' && matter.length === 0) return [];
  const head = [
    '',
    paint('bold', `${marks[status]} ${status === 'did-not-run' ? namesOfCause(result, all) : name(result)}`),
    ...wrap(againBy(result), '  $ ', '    ').map((line) => paint('dim', line)),
  ];
  if (status === 'did-not-run') {
    const lines = lastLines(output ?? '', { lines: 15, bytes: 8 * 1024 }).text.split('\n');
    return [
      ...head,
      ...wrap(oneLine(result.why ?? '', 1000), '  ', '  '),
      ...(fix === undefined ? [] : wrap(`→ ${oneLine(fix, 1000)}`, '  ', '    ')),
      ...lines.filter((line) => line.trim() !== '').map((line) => `  | ${oneLine(line, 400)}`),
    ];
  }
  const missing = matter.length - most;
  return [
    ...head,
    ...matter.slice(0, most).flatMap((finding) => findingLines(finding, result.check.category, paint)),
    ...(missing > 0 ? [`  … and ${counted(missing, 'finding')} more`] : []),
  ];
}

function findingLines(
  finding: JudgedFinding,
  category: Category,
  paint: (style: Style, text: string) => string,
): string[] {
  const { at, rule, message, fix, code } = finding;
  const place = at === undefined ? '' : `${oneLine(formatPlace(at), 300)} `;
  return [
    `  ${paint('cyan', place)}${oneLine(rule, 120)} (${standing(finding, category)})`,
    ...wrap(oneLine(message, 500), '    ', '    '),
    ...(code === undefined ? [] : [paint('dim', `    | ${oneLine(code, width - 6)}`)]),
    ...(fix === undefined ? [] : wrap(`→ ${oneLine(fix, 500)}`, '    ', '      ')),
  ];
}
