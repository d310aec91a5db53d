import { counted, formatBytes, formatCount, formatDuration } from '../../kernel/figures.ts';
import { quoteWords } from '../../kernel/quote.ts';
import { oneLine } from '../../report/text.ts';
import type { PublicationPlan, PublicationReport, ReleaseInfo, RequestCounts } from '../model.ts';
import type { PlannedTotals } from './changes.ts';

/** `#13 v1.2.3`, `#14 v1.2.2 (back to #12)`. */
export function releaseText({ number, name, rollbackOf }: ReleaseInfo): string {
  const back = rollbackOf === undefined ? '' : ` (back to #${rollbackOf})`;
  return `#${number} ${oneLine(name, 80)}${back}`;
}

/** Where visitors find it, else where it is kept. */
export function placeText({
  url,
  store,
}: {
  readonly url: string | undefined;
  readonly store: string;
}): string {
  return oneLine(url ?? store, 200);
}

/** What has been done, or is to be. */
export type Tense = 'done' | 'planned';

/** `12 new, 3 changed, headers of 1, 4 leave, 2 expire, 9,984 unchanged`: what there is none of is left out. */
export function countsText({ counts }: PlannedTotals, unchanged: number, tense: Tense): string {
  const verb = (count: number, stem: string, past: string) =>
    tense === 'done' ? past : `${stem}${count === 1 ? 's' : ''}`;
  const parts: readonly (readonly [number, string])[] = [
    [counts.new, 'new'],
    [counts.changed, 'changed'],
    [counts.headers, 'with other headers'],
    [counts.removed, verb(counts.removed, 'leave', 'left')],
    [counts.expired, verb(counts.expired, 'expire', 'expired')],
    [unchanged, 'unchanged'],
  ];
  return parts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${formatCount(count)} ${what}`)
    .join(', ');
}

/** The line of a plan that matters. */
export function planLine(plan: PublicationPlan, totals: PlannedTotals): string {
  const { release, current, store, unchanged, bytes, requests } = plan;
  if (totals.isNothing) {
    const which =
      current === undefined ? 'the site is empty' : `${releaseText(current)} is what would be published`;
    return `nothing to do at ${oneLine(store, 200)} — ${which} (${counted(unchanged, 'file')})`;
  }
  const cost = `${formatBytes(bytes)} in ${counted(totalOf(requests), 'request')}`;
  return `${releaseText(release)} → ${oneLine(store, 200)} — ${countsText(totals, unchanged, 'planned')}; ${cost}`;
}

/** The line of a result that matters: what visitors get now. */
export function resultLine(report: PublicationReport, totals: PlannedTotals): string {
  const { plan, outcome, ms } = report;
  const place = placeText(plan);
  if (outcome === 'nothing') {
    const which = plan.current === undefined ? 'The site' : releaseText(plan.current);
    const files = counted(plan.unchanged, 'file');
    return `${which} is live at ${place} already — nothing to do (${files})`;
  }
  const counts = countsText(totals, plan.unchanged, 'done');
  return `${releaseText(plan.release)} is live at ${place} — ${counts} in ${formatDuration(ms)}`;
}

export function totalOf(requests: RequestCounts): number {
  return Object.values(requests).reduce((sum: number, count: number) => sum + count, 0);
}

/** `as planned`, `30 planned, 3 retries`. */
export function expectedText({ plan, requests, retries }: PublicationReport): string {
  const planned = totalOf(plan.requests);
  const expected = totalOf(requests) === planned ? 'as planned' : `${formatCount(planned)} planned`;
  return retries === 0
    ? expected
    : `${expected}, ${formatCount(retries)} ${retries === 1 ? 'retry' : 'retries'}`;
}

/** `27: 1 GET, 16 PUT, 3 copies, 1 DELETE`. */
export function requestsText(requests: RequestCounts): string {
  const { copy } = requests;
  const parts = (['get', 'head', 'put', 'copy', 'post', 'delete', 'list'] as const).flatMap((kind) => {
    const count = requests[kind];
    if (count === 0) return [];
    const name = kind === 'copy' ? (copy === 1 ? 'copy' : 'copies') : kind.toUpperCase();
    return [`${formatCount(count)} ${name}`];
  });
  const total = formatCount(totalOf(requests));
  return parts.length === 0 ? total : `${total}: ${parts.join(', ')}`;
}

/** The line to copy that brings the release before back; undefined if there is none. */
export function wayBack(plan: PublicationPlan, config: string | undefined): string | undefined {
  if (plan.current === undefined) return undefined;
  return rollbackCommand({ target: plan.target, config }, String(plan.current.number));
}

/** The line to copy that brings a release back. */
export function rollbackCommand(
  { target, config }: { readonly target?: string | undefined; readonly config?: string | undefined },
  to: string,
): string {
  return quoteWords([
    ...['sluice', 'cdn', 'rollback'],
    ...(target === undefined ? [] : ['--target', target]),
    ...['--to', to],
    ...(config === undefined ? [] : ['--config', config]),
  ]);
}

/** `2026-03-14 03:12 UTC` */
export function timeText(at: number): string {
  // Whoever can write to the bucket wrote the manifest.
  if (!Number.isFinite(at) || Math.abs(at) > 8.64e15) return 'at an unknown time';
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
