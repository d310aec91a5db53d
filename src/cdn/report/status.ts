import { counted, formatBytes, formatCount } from '../../kernel/figures.ts';
import { breakCommands } from '../../kernel/foreign.ts';
import { oneLine, wrapWords } from '../../report/text.ts';
import type { SiteStatus } from '../model.ts';
import { placeText, releaseText, rollbackCommand, timeText } from './lines.ts';
import { noteLines, painter, row, type SiteTextOptions } from './terminal.ts';

/** Whether the site needs no action: there is a release, no interrupted publication and no altered file. */
export function isHealthy({ current, lease, unfinished, audit }: SiteStatus): boolean {
  const isCutOff = unfinished !== undefined && lease === undefined;
  const isAltered = audit !== undefined && audit.missing.length + audit.replaced.length > 0;
  return current !== undefined && !isCutOff && !isAltered;
}

/**
 * The live release, the history, then running or interrupted publications and faults. Without a final line end.
 */
export function statusText(status: SiteStatus, options: SiteTextOptions): string {
  const paint = painter(options);
  const { current, retained } = status;
  const first =
    current === undefined
      ? `Nothing is published at ${placeText(status)}`
      : `${releaseText(current)} is live at ${placeText(status)}`;
  const style = isHealthy(status) ? 'green' : 'yellow';
  const lines = [
    ...wrapWords(first, '', '  ').map((line) => paint(['bold', style], line)),
    ...(status.url === undefined ? [] : row('store', status.store, paint)),
    ...historyLines(status, rollbackCommand(options, 'NUMBER'), paint),
    ...(retained.files === 0
      ? []
      : [
          '',
          ...row(
            'kept',
            `${counted(retained.files, 'file')} of earlier releases, ${formatBytes(retained.bytes)}`,
            paint,
          ),
        ]),
    ...workLines(status, paint),
    ...auditLines(status, options.most ?? 10, paint),
  ];
  return breakCommands(lines.join('\n'));
}

function historyLines(
  { history, current }: SiteStatus,
  back: string,
  paint: ReturnType<typeof painter>,
): string[] {
  if (history.length === 0) return [];
  const rows = history.map((release) => [
    release.number === current?.number ? '→' : release.kept ? '↺' : ' ',
    oneLine(releaseText(release), 27),
    timeText(release.at),
    oneLine(release.by, 16),
    oneLine(release.commit ?? '', 64).slice(0, 8),
    formatCount(release.files),
    formatBytes(release.bytes),
  ]);
  const head = ['', 'release', 'published', 'by', 'commit', 'files', 'size'];
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column < 5 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  const kept = history.some((release) => release.kept && release.number !== current?.number);
  return [
    '',
    paint('dim', `  ${line(head)}`),
    ...rows.map((cells) => `  ${line(cells)}`),
    ...(kept ? [paint('dim', `  → live   ↺ ${back} restores it`)] : []),
  ];
}

function workLines({ lease, unfinished }: SiteStatus, paint: ReturnType<typeof painter>): string[] {
  const lines: string[] = [];
  if (lease !== undefined)
    lines.push(
      ...row(
        'running',
        `${oneLine(lease.by, 100)} has been publishing since ${timeText(lease.since)}`,
        paint,
      ),
    );
  if (unfinished === undefined) return lines;
  const { number, by, committed } = unfinished;
  const whose = `#${number} by ${oneLine(by, 100)}`;
  const what = committed
    ? `${whose} was interrupted after it went live, so a CDN may still serve old pages. The next publication finishes it.`
    : `${whose} was interrupted before it went live. The next publication cleans up after it.`;
  // With a lease, the draft belongs to the running publication.
  return lease === undefined ? [...lines, ...row('interrupted', what, paint)] : lines;
}

function auditLines({ audit }: SiteStatus, most: number, paint: ReturnType<typeof painter>): string[] {
  if (audit === undefined) return [];
  const { missing, replaced, foreign } = audit;
  const listed = (paths: readonly string[], what: string) => [
    ...paths.slice(0, most).map((path) => `  ${paint('red', '✗')} ${what}: ${oneLine(path, 300)}`),
    ...(paths.length > most ? [`    … and ${formatCount(paths.length - most)} more ${what}`] : []),
  ];
  const isClean = missing.length + replaced.length === 0;
  const result = isClean
    ? 'every file of the release is present and unchanged'
    : `${formatCount(missing.length)} missing, ${formatCount(replaced.length)} replaced by another writer`;
  return [
    ...row('audit', result, paint),
    ...listed(missing, 'missing'),
    ...listed(replaced, 'replaced'),
    ...(foreign === 0
      ? []
      : noteLines([
          `${counted(foreign, 'object')} in the store ${foreign === 1 ? 'does' : 'do'} not belong to Sluice and ${foreign === 1 ? 'is' : 'are'} never touched`,
        ])),
  ];
}
