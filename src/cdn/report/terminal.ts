import { styleText } from 'node:util';
import { counted, formatBytes, formatCount } from '../../kernel/figures.ts';
import { breakCommands } from '../../kernel/foreign.ts';
import { oneLine, wrapWords } from '../../report/text.ts';
import type {
  InvalidationResult,
  PublicationPlan,
  PublicationReport,
  VerifyFinding,
  VerifyReport,
} from '../model.ts';
import { type ChangeKind, changeKinds, type ListedChange, listChanges, totalsOf } from './changes.ts';
import {
  cdnOutcome,
  expectedText,
  faultLine,
  hasPaths,
  hasWarning,
  planLine,
  plannedInvalidation,
  requestsText,
  resultLine,
  timingText,
  totalOf,
  verdictOf,
  verifyLine,
  wayBack,
} from './lines.ts';

export interface SiteTextOptions {
  readonly colour: boolean;
  /** Lines of each list; default 10. */
  readonly most?: number;
  /** Path of sluice.yml as it was given, for commands to copy. */
  readonly config?: string | undefined;
  /** The target, for the same. */
  readonly target?: string | undefined;
}

type Style = Parameters<typeof styleText>[0];
type Paint = (style: Style, text: string) => string;

const changeMarks: Readonly<Record<ChangeKind, string>> = {
  new: '+',
  changed: '~',
  headers: '=',
  removed: '-',
  expired: '×',
};
const changeStyles: Readonly<Record<ChangeKind, Style>> = {
  new: 'green',
  changed: 'yellow',
  headers: 'cyan',
  removed: 'red',
  expired: 'dim',
};
const changeTitles: Readonly<Record<ChangeKind, string>> = {
  new: 'new',
  changed: 'changed',
  headers: 'other headers, same content',
  removed: 'removed from the release; old assets stay until they expire',
  expired: 'deleted from the store: expired, and in no kept release',
};
const width = 80;
const column = 11;

/** The plan of a publication or a rollback. Without a final line end. */
export function planText(plan: PublicationPlan, options: SiteTextOptions): string {
  const paint = painter(options);
  const totals = totalsOf(plan);
  const lines = [
    ...bold(planLine(plan, totals), paint),
    ...changeLines(listChanges(plan), options.most ?? 10, paint),
    ...section([
      ...typeRows(totals.types, paint),
      ...(totals.isNothing ? [] : row('requests', requestsText(plan.requests), paint)),
      ...plan.invalidations
        .filter(hasPaths)
        .flatMap((invalidation) => [
          ...row('CDN', plannedInvalidation(invalidation), paint),
          ...capped(
            invalidation.paths,
            options.most ?? 10,
            (path) => `${' '.repeat(column + 3)}${oneLine(path, 200)}`,
          ),
        ]),
    ]),
    ...noteLines(plan.notes),
  ];
  return breakCommands(lines.join('\n'));
}

/**
 * The result: the live release, its cost, its faults, and the command that rolls back. Without a final line
 * end.
 */
export function resultText(report: PublicationReport, options: SiteTextOptions): string {
  const paint = painter(options);
  const { plan, verify, outcome } = report;
  const totals = totalsOf(plan);
  const fault = faultLine(report);
  const [mark, style] =
    fault !== undefined ? ['✗', 'red'] : hasWarning(report) ? ['!', 'yellow'] : ['✓', 'green'];
  const first = `${mark} ${fault ?? resultLine(report, totals)}`;
  const isDone = outcome === 'published';
  const back = isDone ? wayBack(plan, options.config) : undefined;
  const costs = new Map(plan.invalidations.map(({ cdn, cost }) => [cdn, cost]));
  const lines = [
    ...wrapWords(first, '', '  ', width).map((line) => paint(['bold', style as 'red'], line)),
    ...(isDone ? row('sent', sentText(report), paint) : []),
    ...(isDone ? typeRows(totals.types, paint) : []),
    ...report.invalidations
      .filter(hasPaths)
      .flatMap((invalidation) => row('CDN', cdnText(invalidation, costs.get(invalidation.cdn)), paint)),
    ...(verify === undefined ? [] : verifyRows(verify, options, paint)),
    ...(report.finished === undefined
      ? []
      : row('finished', `the interrupted publication #${report.finished}`, paint)),
    ...noteLines(report.notes),
    ...(back === undefined ? [] : [`  ${paint('bold', '→')} Roll back: ${back}`]),
  ];
  return breakCommands(lines.join('\n'));
}

/** The result of a verification. Without a final line end. */
export function verifyText(verify: VerifyReport, options: SiteTextOptions): string {
  const paint = painter(options);
  const verdict = verdictOf(verify);
  const [mark, style] =
    verdict === 'fail' ? ['✗', 'red'] : verdict === 'warn' ? ['!', 'yellow'] : ['✓', 'green'];
  const lines = [
    ...wrapWords(`${mark} ${verifyLine(verify)}`, '', '  ', width).map((line) =>
      paint(['bold', style as 'red'], line),
    ),
    ...findingLines(verify.findings, options.most ?? 20, paint),
    ...(verify.timing === undefined ? [] : row('timing', timingText(verify.timing), paint)),
  ];
  return breakCommands(lines.join('\n'));
}

export function painter({ colour }: SiteTextOptions): Paint {
  return (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text);
}

function bold(line: string, paint: Paint): string[] {
  return wrapWords(line, '', '  ', width).map((word) => paint('bold', word));
}

/** The cost comes from the plan. */
function cdnText(result: InvalidationResult, cost: string | undefined): string {
  const text = `${result.cdn} ${cdnOutcome(result)}`;
  return cost === undefined || cost === '' || result.outcome === 'failed' ? text : `${text}; costs ${cost}`;
}

function sentText(report: PublicationReport): string {
  const total = counted(totalOf(report.requests), 'request');
  return `${formatBytes(report.plan.bytes)} in ${total} (${expectedText(report)})`;
}

function changeLines(all: readonly ListedChange[], most: number, paint: Paint): string[] {
  return changeKinds.flatMap((kind) => {
    const group = all.filter((listedChange) => listedChange.kind === kind).sort(byDepth);
    if (group.length === 0) return [];
    const shown = group.slice(0, most);
    const sizes = shown.map(({ size }) => formatBytes(size));
    const names = Math.min(60, Math.max(...shown.map(({ path }) => oneLine(path, 300).length)));
    const lines = shown.map(({ path, isKept }, index) => {
      const size = (sizes[index] ?? '').padStart(10);
      return `  ${paint(changeStyles[kind], changeMarks[kind])} ${oneLine(path, 300).padEnd(names)} ${size}${isKept ? '  from the store' : ''}`;
    });
    const rest = group.slice(most);
    const bytes = rest.reduce((sum, { size }) => sum + size, 0);
    const more =
      rest.length === 0 ? [] : [`    … and ${formatCount(rest.length)} more, ${formatBytes(bytes)}`];
    return ['', paint('bold', changeTitles[kind]), ...lines, ...more];
  });
}

/** The top of the site first. */
function byDepth(a: ListedChange, b: ListedChange): number {
  const [depth, other] = [a.path.split('/').length, b.path.split('/').length];
  return depth - other || (a.path < b.path ? -1 : 1);
}

function typeRows(types: ReturnType<typeof totalsOf>['types'], paint: Paint): string[] {
  if (types.length === 0) return [];
  const parts = types.map(
    ({ type, files, bytes }) => `${type} ${formatBytes(bytes)} (${formatCount(files)})`,
  );
  return row('by type', parts.join(', '), paint);
}

/** A name and its text, wrapped in its own column. */
export function row(name: string, text: string, paint: Paint): string[] {
  const indent = ' '.repeat(column + 3);
  const [first = '', ...others] = wrapWords(oneLine(text, 1000), indent, indent, width);
  return [`  ${paint('dim', name.padEnd(column))} ${first.trimStart()}`, ...others];
}

function verifyRows(verify: VerifyReport, { most = 10 }: SiteTextOptions, paint: Paint): string[] {
  return [
    ...row('verify', verifyLine(verify), paint),
    ...findingLines(verify.findings, most, paint),
    ...(verify.timing === undefined ? [] : row('timing', timingText(verify.timing), paint)),
  ];
}

/** Failures before warnings. */
function findingLines(findings: readonly VerifyFinding[], most: number, paint: Paint): string[] {
  const sorted = findings.toSorted((a, b) => Number(b.level === 'fail') - Number(a.level === 'fail'));
  return capped(sorted, most, ({ level, kind, url, message }) =>
    [
      `  ${paint(level === 'fail' ? 'red' : 'yellow', level === 'fail' ? '✗' : '!')} ${kind}: ${oneLine(url, 300)}`,
      ...wrapWords(oneLine(message, 500), '    ', '    ', width),
    ].join('\n'),
  );
}

function capped<T>(all: readonly T[], most: number, line: (item: T) => string): string[] {
  const rest = all.length - most;
  return [
    ...all.slice(0, most).map(line),
    ...(rest > 0 ? [`${' '.repeat(4)}… and ${formatCount(rest)} more`] : []),
  ];
}

export function noteLines(notes: readonly string[]): string[] {
  return notes.flatMap((note) => wrapWords(`note: ${oneLine(note, 1000)}`, '  ', '    ', width));
}

function section(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}
