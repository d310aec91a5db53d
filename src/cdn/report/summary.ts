import { counted, formatBytes, formatCount, formatDuration } from '../../kernel/figures.ts';
import { code, details, inline, joinWithin, prose, table } from '../../report/markdown/escape.ts';
import { byteLength } from '../../report/text.ts';
import type { PublicationPlan, PublicationReport, VerifyReport } from '../model.ts';
import {
  type ChangeKind,
  changeKinds,
  type ListedChange,
  listChanges,
  type PlannedTotals,
  totalsOf,
} from './changes.ts';
import {
  cdnOutcome,
  expectedText,
  faultLine,
  hasPaths,
  hasWarning,
  planLine,
  requestsText,
  resultLine,
  timingText,
  verdictOf,
  verifyLine,
  wayBack,
} from './lines.ts';

const kindWords: Readonly<Record<ChangeKind, string>> = {
  new: 'new',
  changed: 'changed',
  headers: 'other headers',
  removed: 'removed',
  expired: 'deleted from the store',
};

/**
 * A publication or a rollback for a job summary (GitHub's Markdown), of at most `room` bytes; the verdict comes
 * first.
 */
export function reportSummary(report: PublicationReport, room: number): string {
  const { plan, outcome, verify } = report;
  const totals = totalsOf(plan);
  const fault = faultLine(report);
  const emoji = fault !== undefined ? '🔴' : hasWarning(report) ? '🟡' : outcome === 'nothing' ? '⚪' : '🟢';
  const head = heading(emoji, fault ?? resultLine(report, totals), room);
  const back = outcome === 'published' ? wayBack(plan, undefined) : undefined;
  const to = plan.current === undefined ? '' : `\`to: ${plan.current.number}\``;
  return within(room, [
    head,
    back === undefined
      ? ''
      : `**Roll back:** ${code(back)}, or this action with \`command: rollback\` and ${to}`,
    ...(verify === undefined ? [] : verifyParts(verify, room)),
    ...(outcome === 'nothing' ? [] : [countsTable(plan, totals, room), typesTable(totals, room)]),
    invalidationsTable(report, room),
    notesList([...finishedNotes(report), ...report.notes], room),
    outcome === 'nothing' ? '' : `<sub>${inline(costText(report))}</sub>`,
    changesList(plan, room),
  ]);
}

/** The plan of a publication, in the same form. */
export function planSummary(plan: PublicationPlan, room: number): string {
  const totals = totalsOf(plan);
  const invalidations = plan.invalidations
    .filter(hasPaths)
    .map(({ cdn, paths, requests, cost }) => [
      ...[inline(cdn, 100), formatCount(paths.length), formatCount(requests), inline(cost, 200)],
    ]);
  return within(room, [
    heading('⚪', `Plan (nothing changed): ${planLine(plan, totals)}`, room),
    ...(totals.isNothing ? [] : [countsTable(plan, totals, room), typesTable(totals, room)]),
    table('### Invalidations', ['CDN', 'paths', 'requests', 'cost'], invalidations, room / 8),
    notesList(plan.notes, room),
    totals.isNothing ? '' : `<sub>${inline(`requests: ${requestsText(plan.requests)}`)}</sub>`,
    changesList(plan, room),
  ]);
}

/** A check of the published site. */
export function verifySummary(verify: VerifyReport, room: number): string {
  const verdict = verdictOf(verify);
  const emoji = verdict === 'fail' ? '🔴' : verdict === 'warn' ? '🟡' : '🟢';
  return within(room, [heading(emoji, verifyLine(verify), room), ...verifyParts(verify, room).slice(1)]);
}

function heading(emoji: string, line: string, room: number): string {
  const text = (limit: number) => `## ${emoji} ${inline(line, limit)}`;
  const full = text(600);
  // An escaped character has up to 8 bytes; the first line must fit into the smallest room.
  return byteLength(full) <= room / 2 ? full : text(Math.max(1, Math.floor(room / 16) - 2));
}

/** Leaves out each part that does not fit. */
function within(room: number, parts: readonly string[]): string {
  const kept: string[] = [];
  let left = room;
  for (const part of parts) {
    const size = byteLength(part) + (kept.length === 0 ? 0 : 2);
    if (part === '' || size > left) continue;
    left -= size;
    kept.push(part);
  }
  return kept.join('\n\n');
}

function countsTable({ unchanged }: PublicationPlan, { counts, bytes }: PlannedTotals, room: number): string {
  const rows = changeKinds
    .filter((kind) => counts[kind] > 0)
    .map((kind) => [kindWords[kind], formatCount(counts[kind]), formatBytes(bytes[kind])]);
  return table('', ['', 'files', 'size'], [...rows, ['unchanged', formatCount(unchanged), '']], room / 8);
}

function typesTable({ types }: PlannedTotals, room: number): string {
  const rows = types.map(({ type, files, bytes }) => [type, formatCount(files), formatBytes(bytes)]);
  return table('', ['sent', 'files', 'size'], rows, room / 8);
}

function invalidationsTable({ plan, invalidations }: PublicationReport, room: number): string {
  const costs = new Map(plan.invalidations.map(({ cdn, cost }) => [cdn, cost]));
  const rows = invalidations
    .filter(hasPaths)
    .map((invalidation) => [
      invalidation.outcome === 'failed' ? '🔴' : '🟢',
      inline(invalidation.cdn, 100),
      inline(cdnOutcome(invalidation), 500),
      inline(costs.get(invalidation.cdn) ?? '', 200),
    ]);
  const list = table('', ['', 'CDN', 'outcome', 'cost'], rows, room / 8);
  const paths = [...new Set(invalidations.flatMap((invalidation) => invalidation.paths))];
  if (paths.length === 0) return list;
  const lines = lineList(
    paths.map((path) => `- ${code(path, 500)}`),
    room / 16,
  );
  return joinWithin(room / 4, [list, details(counted(paths.length, 'path'), lines)], '\n\n');
}

/** The verdict, the findings and the phases of the first request. */
function verifyParts(verify: VerifyReport, room: number): string[] {
  const sorted = verify.findings.toSorted((a, b) => Number(b.level === 'fail') - Number(a.level === 'fail'));
  const rows = sorted.map(({ level, kind, url, message }) => [
    ...[level === 'fail' ? '❌' : '⚠️', kind, code(url, 300), prose(message, 500)],
  ]);
  return [
    `**Verify:** ${inline(verifyLine(verify), 600)}`,
    table('', ['', 'check', 'URL', 'finding'], rows, room / 4),
    verify.timing === undefined ? '' : `<sub>first request: ${inline(timingText(verify.timing))}</sub>`,
  ];
}

function costText(report: PublicationReport): string {
  const sent = `${formatBytes(report.plan.bytes)} sent in ${formatDuration(report.ms)}`;
  return `${sent}; requests ${requestsText(report.requests)} (${expectedText(report)})`;
}

function finishedNotes({ finished }: PublicationReport): string[] {
  return finished === undefined ? [] : [`This run finished the interrupted publication #${finished}.`];
}

function notesList(notes: readonly string[], room: number): string {
  return joinWithin(
    room / 8,
    notes.map((note) => `- ${prose(note, 500)}`),
    '\n',
  );
}

/** The changes, folded: there may be thousands. */
function changesList(plan: PublicationPlan, room: number): string {
  const all = listChanges(plan);
  if (all.length === 0) return '';
  const rows = all.map((listedChange) => [
    kindText(listedChange),
    code(listedChange.path, 300),
    formatBytes(listedChange.size),
  ]);
  const list = table('', ['', 'path', 'size'], rows, Math.min(room / 2, 128 * 1024));
  return list === '' ? '' : details(counted(all.length, 'change'), list);
}

function kindText({ kind, isKept }: ListedChange): string {
  return isKept ? `${kindWords[kind]}, from the store` : kindWords[kind];
}

function lineList(lines: readonly string[], room: number): string {
  const shown = joinWithin(room, lines, '\n');
  const rest = lines.length - (shown === '' ? 0 : shown.split('\n').length);
  return rest === 0 ? shown : `${shown}\n\n… and ${formatCount(rest)} more`;
}
