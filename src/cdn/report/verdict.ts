import { formatDuration } from '../../kernel/clock.ts';
import { counted } from '../../report/figures.ts';
import type {
  InvalidationPlan,
  InvalidationResult,
  PublicationReport,
  RequestTiming,
  VerifyReport,
} from '../model.ts';
import { placeText, releaseText } from './words.ts';

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
export function findingsText({ findings }: VerifyReport): string {
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

/** `CloudFront E2EXAMPLE: 12 paths in 1 request; costs 12 of the 1,000 free paths of a month`. */
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
