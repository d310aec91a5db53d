import { counted, formatDuration } from '../../kernel/figures.ts';
import type {
  InvalidationPlan,
  InvalidationResult,
  PublicationReport,
  RequestTiming,
  VerifyReport,
} from '../model.ts';
import { placeText, releaseText } from './words.ts';

/** `none`: nobody looked, because there is no URL or because it was told not to. */
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

/** What a look at the site has shown, in one line. */
export function verifyLine(verify: VerifyReport): string {
  const url = placeText({ url: verify.url, store: '' });
  const took = `(${formatDuration(verify.ms)})`;
  const verdict = verdictOf(verify);
  if (verdict === 'fail')
    return `${url} is not as it was published: ${findingsText(verify)} in ${seenText(verify)} ${took}`;
  const warned = verdict === 'warn' ? `, ${findingsText(verify)}` : '';
  return `${seenText(verify)} at ${url} are as published${warned} ${took}`;
}

/** The first line where the site is not what was published; undefined where it is. */
export function faultLine({ plan, outcome, verify }: PublicationReport): string | undefined {
  if (verify === undefined || verdictOf(verify) !== 'fail') return undefined;
  const release = outcome === 'nothing' ? (plan.current ?? plan.release) : plan.release;
  return `${releaseText(release)} is published, but ${placeText(plan)} does not show it right: ${findingsText(verify)}`;
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

/** Whether there is anything for a CDN to forget. */
export function hasPaths({ paths }: InvalidationPlan | InvalidationResult): boolean {
  return paths.length > 0;
}

/** `CloudFront E2EXAMPLE: 12 paths in 1 request; costs 12 of the 1,000 free paths of a month`. */
export function plannedInvalidation({ cdn, paths, requests, cost }: InvalidationPlan): string {
  return `${cdn}: ${counted(paths.length, 'path')} in ${counted(requests, 'request')}; costs ${cost}`;
}

/** `is forgetting 12 paths (312 ms)`: what a CDN made of it. */
export function cdnOutcome({ paths, ms, outcome }: InvalidationResult): string {
  switch (outcome) {
    case 'none':
      return 'has nothing to forget';
    // Why, and what that means, is among the notes.
    case 'failed':
      return 'was not told what has changed';
    case 'accepted':
      return `is forgetting ${counted(paths.length, 'path')} (${formatDuration(ms)})`;
    case 'completed':
      return `has forgotten ${counted(paths.length, 'path')} (${formatDuration(ms)})`;
  }
}

/** Whether a person has to look at how it ended, although the site is right. */
export function hasWarning({ invalidations, verify }: PublicationReport): boolean {
  return invalidations.some(({ outcome }) => outcome === 'failed') || verdictOf(verify) === 'warn';
}
