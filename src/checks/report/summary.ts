import { formatPlace } from '../../kernel/errors.ts';
import { counted, formatSeconds } from '../../kernel/figures.ts';
import {
  attribute,
  code,
  details,
  fence,
  inline,
  joinWithin,
  prose,
  table,
} from '../../report/markdown/escape.ts';
import { summaryLimit } from '../../report/markdown/summary.ts';
import { byteLength } from '../../report/text.ts';
import { httpUrl } from '../../report/url.ts';
import {
  type Category,
  type CheckResult,
  type CheckStatus,
  type ChecksReport,
  categories,
  type JudgedFinding,
} from '../model.ts';
import { coverageLine, testLines, testTotals } from './tests.ts';
import {
  againBy,
  baselineNotes,
  isFirstOfCause,
  namesOfCause,
  restOf,
  standing,
  verdictLine,
} from './words.ts';

const emoji: Readonly<Record<CheckStatus, string>> = {
  pass: '✅',
  fail: '❌',
  review: '🟡',
  'did-not-run': '⚠️',
  skipped: '⏭️',
};

interface SummaryOptions {
  /** Address of the commit's files, to link findings to: `https://github.com/OWNER/REPO/blob/SHA`. */
  readonly files?: string | undefined;
}

/**
 * The report for a job summary (GitHub's Markdown), of at most `room` bytes of UTF-8. Its first line is the verdict; findings
 * that do not fit are counted, and the least important parts are dropped first.
 */
export function checksSummary(
  report: ChecksReport,
  room: number = summaryLimit,
  { files }: SummaryOptions = {},
): string {
  const head = headOf(report, room);
  const tables = categories.map((category) => tableOf(report, category));
  const facts = factsOf(report);
  const firm = joinWithin(room, [head, ...facts, ...tables], '\n\n');
  const left = room - byteLength(firm) - 4;
  const troubles = troublesOf(report, httpUrl(files), left);
  const rest = left - byteLength(troubles) - 4;
  const tests = slowAndFlaky(report, rest);
  return joinWithin(room, [head, ...facts, ...tables, troubles, tests], '\n\n');
}

function headOf(report: ChecksReport, room: number): string {
  const line = (limit: number) => `## ${emoji[report.verdict]} ${inline(verdictLine(report), limit)}`;
  const full = line(600);
  // An escaped character has up to 8 bytes; the first line has to survive the smallest room.
  return byteLength(full) <= room / 2 ? full : line(Math.max(1, Math.floor(room / 16) - 2));
}

/** Lines about the whole run: tests, coverage, notes. */
function factsOf(report: ChecksReport): string[] {
  const [tests = ''] = testLines(report);
  const [coverage = ''] = coverageLine(report);
  const notes = [...report.notes, ...baselineNotes(report)].map((note) => `- ${prose(note, 500)}`);
  const facts = [tests, coverage, `${formatSeconds(report.seconds)} in total`].filter((fact) => fact !== '');
  return [facts.map((fact) => inline(fact, 500)).join('<br>\n'), joinWithin(8 * 1024, notes, '\n')];
}

const titles: Readonly<Record<Category, string>> = { lint: '### Lint', test: '### Tests', scan: '### Scan' };

function tableOf({ results }: ChecksReport, category: Category): string {
  const rows = results
    .filter(({ check }) => check.category === category)
    .map((result) => [
      emoji[result.status],
      code(result.check.id, 80),
      inline(restOf(result, results), 300),
      result.status === 'skipped' ? '' : formatSeconds(result.seconds),
      inline(result.version ?? '', 40),
    ]);
  return table(titles[category], ['', 'check', 'findings', 'took', 'version'], rows, 64 * 1024);
}

/** The problems, check by check; each gets its share of the room, so that none hides the others. */
function troublesOf({ results }: ChecksReport, files: string | undefined, room: number): string {
  const parts: string[] = [];
  const troubled = results.filter((result) =>
    result.status === 'did-not-run' ? isFirstOfCause(result, results) : toShow(result).length > 0,
  );
  let left = room;
  for (const [index, result] of troubled.entries()) {
    const share = Math.floor(left / (troubled.length - index)) - 2;
    const part =
      result.status === 'did-not-run'
        ? missingPart(result, results, share)
        : findingsPart(result, files, share);
    if (part === '') continue;
    parts.push(part);
    left -= byteLength(part) + 2;
  }
  return parts.join('\n\n');
}

function toShow({ findings }: CheckResult): readonly JudgedFinding[] {
  return findings.filter((finding) => finding.accepted === undefined && finding.level !== 'note');
}

function titleOf(result: CheckResult, names = result.check.id): string {
  return `### ${emoji[result.status]} ${inline(names, 300)}\n\n${code(againBy(result), 500)}`;
}

function missingPart(result: CheckResult, all: readonly CheckResult[], room: number): string {
  const head = [
    titleOf(result, namesOfCause(result, all)),
    `**Did not run:** ${inline(result.why ?? 'no reason given', 1000)}`,
  ];
  const fix = result.fix === undefined ? '' : `→ ${prose(result.fix, 1000)}`;
  const start = joinWithin(room, [...head, fix], '\n\n');
  const lines = fence(result.output ?? '', {
    lines: 40,
    bytes: Math.min(room - byteLength(start) - 2, 16 * 1024),
  });
  return joinWithin(room, [start, lines], '\n\n');
}

function findingsPart(result: CheckResult, files: string | undefined, room: number): string {
  const title = titleOf(result);
  const findings = toShow(result);
  const more = (count: number) => (count === 0 ? '' : `\n\n… and ${counted(count, 'finding')} more`);
  const shown: string[] = [];
  let left = room - byteLength(title) - byteLength(more(findings.length)) - 2;
  for (const finding of findings) {
    const item = itemOf(finding, result.check.category, files);
    left -= byteLength(item) + 1;
    if (left < 0) break;
    shown.push(item);
  }
  if (shown.length === 0) return joinWithin(room, [title, more(findings.length).trim()], '\n\n');
  return `${title}\n\n${shown.join('\n')}${more(findings.length - shown.length)}`;
}

/** One finding: place, rule and message; below it the code line and the fix. */
function itemOf(finding: JudgedFinding, category: Category, files: string | undefined): string {
  const { at, rule, message, fix, docs } = finding;
  const page = httpUrl(docs);
  const name =
    page === undefined ? `**${inline(rule, 200)}**` : `<a href="${attribute(page)}">${inline(rule, 200)}</a>`;
  const lines = [
    `- ${at === undefined ? '' : `${placeOf(at, files)} `}${name} (${inline(standing(finding, category))})<br>${prose(message, 500)}`,
    finding.code === undefined ? '' : code(finding.code, 200),
    fix === undefined ? '' : `→ ${prose(fix, 500)}`,
  ];
  return lines.filter((line) => line !== '').join('<br>');
}

function placeOf(at: NonNullable<JudgedFinding['at']>, files: string | undefined): string {
  const text = code(formatPlace(at), 300);
  if (files === undefined) return text;
  const path = at.file.split('/').map(encodePart).join('/');
  const line = at.line === undefined ? '' : `#L${at.line}`;
  return `<a href="${attribute(`${files}/${path}${line}`)}"><code>${inline(formatPlace(at), 300)}</code></a>`;
}

/** A lone surrogate can't be encoded. */
function encodePart(part: string): string {
  return encodeURIComponent(part.toWellFormed());
}

function slowAndFlaky(report: ChecksReport, room: number): string {
  const tests = testTotals(report);
  if (tests === undefined) return '';
  const slow = tests.slowest.map((test) => [code(test.name), formatSeconds(test.seconds), test.outcome]);
  const flaky = tests.flakyTests.map((test) => `- ${code(test)}`);
  const half = Math.floor(room / 2) - 100;
  const slowTable = table('', ['test', 'took', ''], slow, half);
  const flakyList = joinWithin(half, flaky, '\n');
  return [
    slowTable === '' ? '' : details('Slowest tests', slowTable),
    flakyList === '' ? '' : details(`${counted(flaky.length, 'flaky test')}`, flakyList),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}
