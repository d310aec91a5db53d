import { counted, formatBytes, formatCount, formatDuration } from '../../kernel/figures.ts';
import { quoteWords } from '../../kernel/quote.ts';
import { oneLine } from '../../report/text.ts';
import type {
  InvalidationPlan,
  InvalidationResult,
  PublicationPlan,
  PublicationReport,
  ReleaseInfo,
  RequestCounts,
  RequestTiming,
  VerifyReport,
} from '../model.ts';
import type { PlannedTotals } from './changes.ts';

/** `#13 v1.2.3`, `#14 v1.2.2 (rollback to #12)` */
export function releaseText({ number, name, rollbackOf }: ReleaseInfo): string {
  const back = rollbackOf === undefined ? '' : ` (rollback to #${rollbackOf})`;
  return `#${number} ${oneLine(name, 80)}${back}`;
}

/** The public URL, or else the store. */
export function placeText({
  url,
  store,
}: {
  readonly url: string | undefined;
  readonly store: string;
}): string {
  return oneLine(url ?? store, 200);
}

export type Tense = 'done' | 'planned';

/**
 * `12 new, 3 changed, 1 with new headers, 4 to remove, 2 to delete from the store, 9,984 unchanged`: zeros are
 * left out.
 */
function countsText({ counts }: PlannedTotals, unchanged: number, tense: Tense): string {
  const parts: readonly (readonly [number, string])[] = [
    [counts.new, 'new'],
    [counts.changed, 'changed'],
    [counts.headers, 'with new headers'],
    [counts.removed, tense === 'done' ? 'removed' : 'to remove'],
    [counts.expired, tense === 'done' ? 'deleted from the store' : 'to delete from the store'],
    [unchanged, 'unchanged'],
  ];
  return parts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${formatCount(count)} ${what}`)
    .join(', ');
}

/** The headline of a plan. */
export function planLine(plan: PublicationPlan, totals: PlannedTotals): string {
  const { release, current, store, unchanged, bytes, requests } = plan;
  if (totals.isNothing) {
    const which = current === undefined ? 'the site is empty' : `${releaseText(current)} is up to date`;
    return `Nothing to publish to ${oneLine(store, 200)} — ${which} (${counted(unchanged, 'file')})`;
  }
  const cost = `${formatBytes(bytes)} in ${counted(totalOf(requests), 'request')}`;
  return `${releaseText(release)} → ${oneLine(store, 200)} — ${countsText(totals, unchanged, 'planned')}; ${cost}`;
}

/** The headline of a result: the live release. */
export function resultLine(report: PublicationReport, totals: PlannedTotals): string {
  const { plan, outcome, ms } = report;
  const place = placeText(plan);
  if (outcome === 'nothing') {
    const which = plan.current === undefined ? 'The site' : releaseText(plan.current);
    const files = counted(plan.unchanged, 'file');
    return `${which} is already live at ${place} — nothing to publish (${files})`;
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

/** The command that restores the previous release; undefined if there is none. */
export function wayBack(plan: PublicationPlan, config: string | undefined): string | undefined {
  if (plan.current === undefined) return undefined;
  return rollbackCommand({ target: plan.target, config }, String(plan.current.number));
}

/** The command that restores a release. */
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
  // The time comes from the bucket, so it may be anything.
  if (!Number.isFinite(at) || Math.abs(at) > 8.64e15) return 'at an unknown time';
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** `none`: the site was not verified, for lack of a URL or by --no-verify. */
export type SiteVerdict = 'pass' | 'warn' | 'fail' | 'none';

export function verdictOf(verify: VerifyReport | undefined): SiteVerdict {
  if (verify === undefined) return 'none';
  if (verify.findings.some(({ level }) => level === 'fail')) return 'fail';
  return verify.findings.length > 0 ? 'warn' : 'pass';
}

/** `20 pages and 61 assets`. */
function seenText({ pages, assets }: VerifyReport): string {
  return `${counted(pages, 'page')} and ${counted(assets, 'asset')}`;
}

/** `2 faults, 1 warning` */
function findingsText({ findings }: VerifyReport): string {
  const faults = findings.filter(({ level }) => level === 'fail').length;
  const warnings = findings.length - faults;
  return [faults > 0 ? counted(faults, 'fault') : '', warnings > 0 ? counted(warnings, 'warning') : '']
    .filter((part) => part !== '')
    .join(', ');
}

/** The result of a verification in one line. */
export function verifyLine(verify: VerifyReport): string {
  const url = placeText({ url: verify.url, store: '' });
  const took = `(${formatDuration(verify.ms)})`;
  const verdict = verdictOf(verify);
  if (verdict === 'fail')
    return `${url} does not match the published release: ${findingsText(verify)} in ${seenText(verify)} ${took}`;
  const warned = verdict === 'warn' ? `, ${findingsText(verify)}` : '';
  return `${seenText(verify)} at ${url} match the published release${warned} ${took}`;
}

/** The first line if the site does not match the release. */
export function faultLine({ plan, outcome, verify }: PublicationReport): string | undefined {
  if (verify === undefined || verdictOf(verify) !== 'fail') return undefined;
  const release = outcome === 'nothing' ? (plan.current ?? plan.release) : plan.release;
  return `${releaseText(release)} is published, but ${placeText(plan)} does not serve it correctly: ${findingsText(verify)}`;
}

/** `lookup 12 ms, connect 20 ms, TLS 41 ms, first byte 90 ms, total 132 ms`. */
export function timingText({ lookup, connect, tls, firstByte, total }: RequestTiming): string {
  const phases: readonly (readonly [string, number | undefined])[] = [
    ['lookup', lookup],
    ['connect', connect],
    ['TLS', tls],
    ['first byte', firstByte],
    ['total', total],
  ];
  return phases
    .flatMap(([name, ms]) => (ms === undefined ? [] : [`${name} ${formatDuration(ms)}`]))
    .join(', ');
}

export function hasPaths({ paths }: InvalidationPlan | InvalidationResult): boolean {
  return paths.length > 0;
}

/** `CloudFront E2EXAMPLE: 12 paths in 1 request; costs 12 of the 1,000 free paths per month`. */
export function plannedInvalidation({ cdn, paths, requests, cost }: InvalidationPlan): string {
  return `${cdn}: ${counted(paths.length, 'path')} in ${counted(requests, 'request')}; costs ${cost}`;
}

/** `accepted the invalidation of 12 paths (312 ms)` */
export function cdnOutcome({ paths, ms, outcome }: InvalidationResult): string {
  switch (outcome) {
    case 'none':
      return 'has nothing to invalidate';
    // The notes have the reason.
    case 'failed':
      return 'was not invalidated';
    case 'accepted':
      return `accepted the invalidation of ${counted(paths.length, 'path')} (${formatDuration(ms)})`;
    case 'completed':
      return `invalidated ${counted(paths.length, 'path')} (${formatDuration(ms)})`;
  }
}

/** Whether a published release needs attention. */
export function hasWarning({ invalidations, verify }: PublicationReport): boolean {
  return invalidations.some(({ outcome }) => outcome === 'failed') || verdictOf(verify) === 'warn';
}
