import { counted } from '../../kernel/figures.ts';
import { quoteWord } from '../../kernel/quote.ts';
import { oneLine } from '../../report/text.ts';
import type {
  Category,
  CheckResult,
  CheckStatus,
  ChecksReport,
  JudgedFinding,
  Level,
  Verdict,
} from '../model.ts';

export const marks: Readonly<Record<CheckStatus, string>> = {
  pass: '✓',
  fail: '✗',
  review: '?',
  'did-not-run': '!',
  skipped: '-',
};

/** A verdict as people read it; outputs and JSON have `did-not-run`. */
const verdictWords: Readonly<Record<Verdict, string>> = {
  pass: 'pass',
  fail: 'fail',
  review: 'review',
  'did-not-run': 'did not run',
};

/** `fail: 2 checks of 14 fail — ruff (3 findings), pytest (1 failed test)`: one line of plain text. */
export function verdictLine(report: ChecksReport): string {
  return oneLine(`${verdictWords[report.verdict]}: ${verdictSentence(report)}`, 600);
}

function verdictSentence({ verdict, results }: ChecksReport): string {
  const of = (status: CheckStatus) => results.filter((one) => one.status === status);
  if (results.length === 0) return 'this repository has nothing to check';
  if (verdict === 'pass') return passSentence(results);
  const troubled = of(verdict);
  const says = {
    fail: troubled.length === 1 ? 'fails' : 'fail',
    'did-not-run': 'did not run',
    review: troubled.length === 1 ? 'needs a review' : 'need a review',
  }[verdict];
  const many =
    results.length === 1 ? 'the only check' : `${counted(troubled.length, 'check')} of ${results.length}`;
  const missing = verdict === 'fail' ? of('did-not-run').length : 0;
  const also = missing === 0 ? '' : `, ${missing} did not run`;
  const causes = troubled.filter((one) => isFirstOfCause(one, results));
  const namesOf = (one: CheckResult) => (verdict === 'did-not-run' ? namesOfCause(one, results) : name(one));
  return `${many} ${says}${also} — ${abridged(causes.map((cause) => `${namesOf(cause)} (${fewWords(cause, verdict)})`))}`;
}

function passSentence(results: readonly CheckResult[]): string {
  const ran = results.filter(({ status }) => status === 'pass').length;
  const skipped = results.length - ran;
  const accepted = results.flatMap(({ findings }) => findings.filter((finding) => finding.accepted)).length;
  const besides = [
    skipped === 0 ? '' : `${skipped} skipped`,
    accepted === 0 ? '' : `${counted(accepted, 'finding')} accepted`,
  ].filter((part) => part !== '');
  const what =
    ran === 0 ? 'sluice.yml skips every check' : `${counted(ran, 'check')} ${ran === 1 ? 'passes' : 'pass'}`;
  return besides.length === 0 ? what : `${what} (${besides.join(', ')})`;
}

/** Why a check has its status: `3 findings`, `1 failed test`, `timed out`. */
function fewWords(result: CheckResult, verdict: Verdict): string {
  if (verdict === 'did-not-run') return oneLine(result.why ?? 'no reason given', 80).replace(/\.$/, '');
  return weighing(result) || 'reported with another check';
}

/** The findings that decide its verdict: `3 findings`, `2 failed tests`. */
function weighing({ findings, tests }: CheckResult): string {
  const level = findings.some((finding) => weighs(finding, 'fail')) ? 'fail' : 'review';
  const count = findings.filter((finding) => weighs(finding, level)).length;
  if (count === 0) return '';
  if (tests !== undefined && tests.failed > 0 && tests.failed === count) return counted(count, 'failed test');
  return counted(count, 'finding');
}

/** `review, high; also trivy; not in the change`, between brackets behind a rule. */
export function standing({ level, severity, also, inChange }: JudgedFinding, category: Category): string {
  const parts = [
    level === 'review' ? `review, ${severity}` : severity,
    also.length === 0 ? '' : `also ${oneLine(also.join(', '), 100)}`,
    // A change often breaks tests in other files, so the place of a failed test is irrelevant.
    inChange === false && category !== 'test' ? 'not in the change' : '',
  ];
  return parts.filter((part) => part !== '').join('; ');
}

function weighs(finding: JudgedFinding, level: Level): boolean {
  return finding.accepted === undefined && finding.level === level;
}

/** The rest of a check's line: its findings, then the tool's own summary. */
export function restOf(result: CheckResult, all: readonly CheckResult[]): string {
  if (result.status === 'did-not-run') {
    const [first = result] = sharingCause(result, all);
    if (first !== result) return `did not run, see ${name(first)}`;
    return `did not run: ${oneLine(result.why ?? 'no reason given', 300)}`;
  }
  if (result.status === 'skipped') return `skipped: ${oneLine(result.why ?? 'no reason given', 300)}`;
  const { findings, tests } = result;
  const reviews = findings.filter((finding) => weighs(finding, 'review')).length;
  const fails = findings.some((finding) => weighs(finding, 'fail'));
  const notes = findings.filter((finding) => weighs(finding, 'note')).length;
  const accepted = findings.filter((finding) => finding.accepted !== undefined).length;
  const elsewhere = sharedWith(result, all);
  const parts = [
    weighing(result),
    fails && reviews > 0 ? `${reviews} to review` : '',
    notes === 0 ? '' : counted(notes, 'note'),
    accepted === 0 ? '' : `${accepted} accepted`,
    elsewhere,
    tests && tests.flaky > 0 ? `${tests.flaky} flaky` : '',
    oneLine(result.summary ?? '', 60),
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** Findings of this tool that are shown once, with the check that reported them first. */
function sharedWith({ check }: CheckResult, all: readonly CheckResult[]): string {
  const homes = all.filter((one) => one.findings.some(({ also }) => also.includes(check.tool)));
  const count = homes.flatMap(({ findings }) =>
    findings.filter(({ also }) => also.includes(check.tool)),
  ).length;
  if (count === 0) return '';
  return `${count} shown with ${abridged([...new Set(homes.map(({ check: { tool } }) => oneLine(tool, 40)))])}`;
}

/** The command that runs the check again, from the top of the repository. */
export function againBy({ check: { folder, command } }: CheckResult): string {
  const line = oneLine(command, 500);
  if (folder === '' || /^cd /.test(line)) return line;
  return `cd ${quoteWord(oneLine(folder.replace(/^-/, './-'), 200))} && ${line}`;
}

export function name({ check }: CheckResult): string {
  return oneLine(check.id, 60);
}

export function abridged(names: readonly string[], most = 4): string {
  if (names.length <= most) return names.join(', ');
  return `${names.slice(0, most - 1).join(', ')} and ${names.length - most + 1} more`;
}

/** `3 entries of .sluice-baseline.json have expired`, and those that no longer match. */
export function baselineNotes({ baseline }: ChecksReport): string[] {
  const { file, expired, unused } = baseline;
  const notes: string[] = [];
  if (expired > 0) {
    const have = expired === 1 ? 'has' : 'have';
    notes.push(
      `${counted(expired, 'entry', 'entries')} of ${oneLine(file, 100)} ${have} expired and no longer ${expired === 1 ? 'applies' : 'apply'}`,
    );
  }
  if (unused > 0) {
    const match = unused === 1 ? 'matches' : 'match';
    notes.push(
      `${counted(unused, 'entry', 'entries')} of ${oneLine(file, 100)} no longer ${match}: \`sluice check --prune\` removes ${unused === 1 ? 'it' : 'them'}`,
    );
  }
  return notes;
}

/** `ruff, black and mypy`: those that did not run for one reason. */
export function namesOfCause(result: CheckResult, all: readonly CheckResult[]): string {
  return abridged(sharingCause(result, all).map(name), 8);
}

/**
 * The checks that did not run for the same reason as this one, itself included, in their order: a failed install of packages
 * stops several checks and is reported once.
 */
function sharingCause(result: CheckResult, all: readonly CheckResult[]): readonly CheckResult[] {
  const { why, output } = result;
  return all.filter((one) => one.status === 'did-not-run' && one.why === why && one.output === output);
}

/** Whether it is the first check of the report with its reason. */
export function isFirstOfCause(result: CheckResult, all: readonly CheckResult[]): boolean {
  return result.status !== 'did-not-run' || sharingCause(result, all)[0] === result;
}
