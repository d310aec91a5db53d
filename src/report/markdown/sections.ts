import { counted, formatBytes, formatCount, formatDuration, formatSeconds } from '../../kernel/figures.ts';
import { alike, revisionsOf, unmoved } from '../facts.ts';
import type { DeployReport } from '../model.ts';
import { code, details, fence, inline, joinWithin, prose, table } from './escape.ts';
import { gantt } from './gantt.ts';

/** A part of the summary. `render` stays within `bytes`, omits rows that do not fit, or returns ''. */
export interface Section {
  readonly name: string;
  /** Priority when not all fit: 1 is kept longest. */
  readonly rank: number;
  readonly render: (report: DeployReport, bytes: number) => string;
}

/** All sections, in reading order. */
export const sections: readonly Section[] = [
  { name: 'error', rank: 1, render: errorSection },
  { name: 'warnings', rank: 5, render: warningsSection },
  { name: 'serving releases', rank: 2, render: servingSection },
  { name: 'requests', rank: 3, render: watchSection },
  { name: 'timeline', rank: 7, render: timelineSection },
  { name: 'health', rank: 6, render: healthSection },
  { name: 'backup', rank: 4, render: backupSection },
  { name: 'migration', rank: 8, render: migrationSection },
  { name: 'steps', rank: 9, render: stepsSection },
  { name: 'environment', rank: 10, render: envSection },
  { name: 'images', rank: 11, render: imagesSection },
];

function errorSection({ error }: DeployReport, bytes: number): string {
  if (error === undefined) return '';
  const head = `### Why\n\n**${prose(error.message, 1000)}** (${code(error.code)})`;
  const hint = error.hint ? `\n\n→ ${prose(error.hint, 1000)}` : '';
  const output = error.output ?? '';
  const room = bytes - Buffer.byteLength(`${head}${hint}\n\n`);
  const shown = fence(output, { lines: 100, bytes: Math.min(room, 128 * 1024) });
  return joinWithin(bytes, [`${head}${hint}`, shown], '\n\n');
}

function warningsSection({ warnings }: DeployReport, bytes: number): string {
  if (warnings.length === 0) return '';
  const items = warnings.map((warning) => `- ⚠️ ${prose(warning, 500)}`);
  return joinWithin(bytes, ['### Warnings\n', ...items], '\n');
}

/** Omitted if all hosts are known and serve one release, which the first line names. */
function servingSection({ serving, unreachable }: DeployReport, bytes: number): string {
  if (unreachable.length === 0 && new Set(serving.map((entry) => entry.release)).size < 2) return '';
  const rows = serving.map((entry) => [
    code(entry.host),
    code(entry.service),
    `${inline(entry.release)}${entry.colour ? ` (${inline(entry.colour)})` : ''}`,
  ]);
  const unknown = unreachable.map((host) => [code(host), '', '**could not be reached**']);
  return table('### Serving now', ['host', 'service', 'release'], [...unknown, ...rows], bytes);
}

function watchSection({ watch }: DeployReport, bytes: number): string {
  const rows = watch.map((watchRecord) => [
    code(watchRecord.host),
    code(watchRecord.service),
    formatSeconds(watchRecord.seconds),
    formatCount(watchRecord.requests),
    formatCount(watchRecord.errors5xx),
    formatCount(watchRecord.slow),
    watchRecord.p95Ms === undefined ? '' : `${formatCount(watchRecord.p95Ms)} ms`,
    watchRecord.outcome === 'reverted'
      ? `**reverted** ${inline(watchRecord.reason ?? '')}`
      : watchRecord.outcome,
  ]);
  const head = ['host', 'service', 'watched', 'requests', '5xx', 'slow', 'p95', 'guard'];
  return table('### Requests to the new release, counted by the guard', head, rows, bytes);
}

function timelineSection(report: DeployReport, bytes: number): string {
  const title = '### Timeline\n\n';
  const chart = gantt(report, bytes - title.length);
  return chart === '' ? '' : `${title}${chart}`;
}

function healthSection({ health }: DeployReport, bytes: number): string {
  const rows = alike(health).map(({ record, hosts }) => [
    record.ok ? '✅' : '❌',
    code(record.service),
    Object.entries(record.components)
      .map(([name, state]) => `${inline(name, 60)}: ${inline(state, 100)}`)
      .join(', '),
    hosts.length <= 3 ? hosts.map((host) => code(host)).join(' ') : counted(hosts.length, 'host'),
  ]);
  return table('### Health before the switch', ['', 'service', 'components', 'hosts'], rows, bytes);
}

function rightsOf({ rights }: { readonly rights?: number | undefined }): string {
  return rights === undefined ? '' : `, ${counted(rights, 'right')}`;
}

function backupSection({ backup }: DeployReport, bytes: number): string {
  if (backup === undefined) return '';
  const { restoreTest } = backup;
  const made = `${code(backup.file)}, ${formatBytes(backup.bytes)} in ${formatSeconds(backup.seconds)}`;
  const sum = `sha256 ${code(backup.sha256)}`;
  const detail = restoreTest?.detail ? ` (${inline(restoreTest.detail)})` : '';
  const proof =
    restoreTest === undefined
      ? '⚠️ Not test-restored.'
      : restoreTest.ok
        ? `✅ Restored and compared: ${counted(restoreTest.tables, 'table')}, ${counted(restoreTest.rows, 'row')}${rightsOf(restoreTest)} in ${formatSeconds(restoreTest.seconds)}${detail}`
        : `❌ The restore test failed${detail}`;
  return joinWithin(bytes, [`### Backup\n\n${proof}\n\n${made}, ${sum}`], '');
}

function migrationSection({ migration }: DeployReport, bytes: number): string {
  if (migration === undefined) return '';
  const { seconds, output } = migration;
  const moved = revisionsOf(migration);
  const what = moved === undefined ? unmoved(migration) : `${code(moved.before)} → ${code(moved.after)}`;
  const head = `### Migration\n\n${what} in ${formatSeconds(seconds)}`;
  const shown = fence(output, { lines: 40, bytes: Math.min(bytes - head.length - 60, 32 * 1024) });
  return joinWithin(bytes, [head, shown === '' ? '' : details('Output', shown)], '\n\n');
}

function stepsSection({ hosts }: DeployReport, bytes: number): string {
  const steps = hosts.flatMap(({ name, steps }) => steps.map((step) => ({ ...step, host: name })));
  const rows = steps.map((step) => [
    inline(step.name),
    code(step.host),
    formatDuration(step.startedAt),
    formatDuration(step.durationMs),
    step.outcome === 'failed' || step.outcome === 'undone' ? `**${step.outcome}**` : step.outcome,
    inline(step.note ?? '', 200),
  ]);
  const frame = details(`${counted(rows.length, 'step')}`, '\n');
  const head = ['step', 'host', 'after', 'took', 'outcome', 'note'];
  const shown = table('', head, rows, bytes - Buffer.byteLength(frame));
  return shown === '' ? '' : details(counted(rows.length, 'step'), shown);
}

function envSection({ env }: DeployReport, bytes: number): string {
  if (env.added.length + env.removed.length === 0) return '';
  const keys = (names: readonly string[]) => names.map((name) => code(name)).join(' ');
  const added = env.added.length === 0 ? '' : `- added: ${keys(env.added)}`;
  const removed = env.removed.length === 0 ? '' : `- removed: ${keys(env.removed)}`;
  return joinWithin(bytes, ['### Environment (names only)\n', added, removed], '\n');
}

function imagesSection({ images }: DeployReport, bytes: number): string {
  const rows = images.map(({ service, reference }) => [code(service), code(reference, 400)]);
  return table('### Images', ['service', 'image'], rows, bytes);
}
