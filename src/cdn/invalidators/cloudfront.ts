import { createHash } from 'node:crypto';
import type { ChangedSite, Invalidator } from '../invalidator.ts';
import type { InvalidationPlan, InvalidationResult } from '../model.ts';
import { type CloudFrontEffects, openCloudFrontApi } from './cloudfront-api.ts';
import { beginTelling } from './exchange.ts';
import { planPaths, tellCloudFront } from './paths.ts';

/**
 * With thirty paths, one release a day stays within the 1,000 free paths per month. One release stays below the
 * limits (3,000 paths and 15 wildcards in progress, “Quotas on invalidations”), so it is always one request.
 */
const dialect = { tell: tellCloudFront, few: 30, wildcards: 15 };

const freePaths = '1,000';
const dollarsAPath = 0.005;

/**
 * One distribution of CloudFront.
 *
 * @param wait for the end of the invalidation, at most 15 minutes.
 */
export function openCloudFront(distribution: string, wait: boolean, effects: CloudFrontEffects): Invalidator {
  const cdn = `CloudFront ${distribution}`;
  const api = openCloudFrontApi(distribution, effects);

  async function apply(plan: InvalidationPlan, reference: string): Promise<InvalidationResult> {
    const { exchange, end } = beginTelling(plan, effects);
    if (plan.paths.length === 0) return end('none');
    const created = await api.create(exchange, plan.paths, callerReference(reference, plan.paths));
    if (!created.ok) return end('failed', created.why);
    if (created.value === 'known') return end('accepted');
    if (created.value.completed) return end('completed');
    if (!wait) return end('accepted');
    const done = await api.completed(exchange, created.value.id);
    return done.ok ? end('completed') : end('accepted', done.why);
  }

  return { cdn, plan: (changed) => planFor(cdn, changed), apply };
}

function planFor(cdn: string, changed: ChangedSite): InvalidationPlan {
  const paths = planPaths(changed, dialect).map(({ path, below }) => (below ? `${path}*` : path));
  return { cdn, paths, requests: Math.min(paths.length, 1), cost: costOf(paths.length) };
}

function costOf(paths: number): string {
  if (paths === 0) return 'nothing';
  const dollars = (paths * dollarsAPath).toFixed(3);
  return `${paths} of the ${freePaths} free paths per month, then $${dollars}`;
}

/**
 * CloudFront accepts a reference once, and repeats its answer for the same reference with the same paths. With
 * the paths in it, another run with other paths can finish a publication.
 */
function callerReference(reference: string, paths: readonly string[]): string {
  return `${reference}-${createHash('sha256').update(paths.join('\n')).digest('hex').slice(0, 16)}`;
}
