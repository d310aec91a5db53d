import { styleText } from 'node:util';
import {
  counted,
  formatBytes,
  formatCount,
  formatDuration,
  formatSeconds,
  formatShare,
} from '../kernel/figures.ts';
import { proofOf, revisionsOf, unmoved, watchTotals } from './facts.ts';
import { headline, nextAction } from './headline.ts';
import { type BackupProof, type DeployReport, durationOf, type StepRecord } from './model.ts';
import { lookOf } from './outcome.ts';
import { oneLine } from './text.ts';

export interface TerminalOptions {
  readonly colour: boolean;
  /** Path of the HTML report, if one was written. */
  readonly page?: string | undefined;
}

/** The last block of a run: the serving release, three to eight important lines, and the next step. No final newline. */
export function terminalSummary(report: DeployReport, options: TerminalOptions): string {
  const look = lookOf(report);
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    options.colour ? styleText(style, text, { validateStream: false }) : text;
  const rows = rowsOf(report).slice(0, 6);
  if (options.page !== undefined) rows.push(['report', options.page]);
  const lines = rows.map(([name, text]) => `  ${paint('dim', name.padEnd(10))} ${safe(text)}`);
  const first = `${look.mark} ${safe(headline(report), 600)}`;
  return [
    paint(look.style === 'dim' ? 'bold' : ['bold', look.style], first),
    ...lines,
    `  ${paint('bold', '→')} ${safe(nextAction(report), 1000)}`,
  ].join('\n');
}

type Row = readonly [name: string, text: string];

/** The most important first: the caller takes six, so that with the page and the next step there are eight lines. */
function rowsOf(report: DeployReport): Row[] {
  const { error, backup, migration, env, warnings } = report;
  const rows: Row[] = [];
  // The headline contains most errors already; the run has shown each with its code.
  if (error !== undefined && !headline(report).includes(oneLine(error.message, 60).replace(/[….]$/, ''))) {
    rows.push(['why', `${error.message} [${error.code}]`]);
  }
  rows.push(['time', timeRow(report)]);
  if (report.watch.length > 0) rows.push(['requests', watchRow(report)]);
  if (backup !== undefined) rows.push(['backup', backupRow(backup)]);
  if (migration !== undefined) {
    const moved = revisionsOf(migration);
    const what = moved === undefined ? unmoved(migration) : `${moved.before} → ${moved.after}`;
    rows.push(['migration', `${what} in ${formatSeconds(migration.seconds)}`]);
  }
  const [warning] = warnings;
  if (warning !== undefined) {
    const more = warnings.length === 1 ? '' : ` (and ${warnings.length - 1} more)`;
    rows.push(['warning', `${oneLine(warning, 200)}${more}`]);
  }
  if (env.added.length + env.removed.length > 0) {
    rows.push([
      'env',
      [...env.added.map((key) => `+${key}`), ...env.removed.map((key) => `-${key}`)].join(' '),
    ]);
  }
  return rows;
}

/** The total time, and the three slowest steps. */
function timeRow(report: DeployReport): string {
  const slowest = new Map<string, StepRecord>();
  for (const step of report.hosts.flatMap((host) => host.steps)) {
    if (step.durationMs > (slowest.get(step.name)?.durationMs ?? 0)) slowest.set(step.name, step);
  }
  const top = [...slowest.values()].sort((a, b) => b.durationMs - a.durationMs).slice(0, 3);
  const parts = top.map((step) => `${oneLine(step.name, 40)} ${formatDuration(step.durationMs)}`);
  const total = formatDuration(durationOf(report));
  return parts.length === 0 ? total : `${total}, longest: ${parts.join(', ')}`;
}

function watchRow({ watch }: DeployReport): string {
  const { requests, errors5xx, p95Ms, seconds } = watchTotals(watch);
  const share = errors5xx === 0 ? '' : ` (${formatShare(errors5xx, requests)})`;
  const slowest = p95Ms === undefined ? '' : `, p95 ${formatCount(p95Ms)} ms`;
  return `${counted(requests, 'request')} to the new release in ${formatSeconds(seconds)}, ${formatCount(errors5xx)} × 5xx${share}${slowest}`;
}

function backupRow(backup: BackupProof): string {
  const { restoreTest: test } = backup;
  const compared = test?.ok
    ? ` (${counted(test.tables, 'table')}, ${counted(test.rows, 'row')}${test.rights === undefined ? '' : `, ${counted(test.rights, 'right')}`} compared)`
    : '';
  return `${proofOf(backup)}${compared}, ${formatBytes(backup.bytes)}: ${backup.file}`;
}

/** One line without commands for the terminal or GitHub's runner, which reads `##[` as a command anywhere in a line. */
function safe(text: string, limit = 300): string {
  return oneLine(text, limit).replaceAll('##[', '# #[');
}
