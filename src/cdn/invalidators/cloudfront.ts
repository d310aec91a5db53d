import { createHash } from 'node:crypto';
import type { ChangedSite, Invalidator } from '../invalidator.ts';
import type { InvalidationPlan, InvalidationResult } from '../model.ts';
import { type CloudFrontEffects, openCloudFrontApi } from './cloudfront-api.ts';
import { tellCloudFront } from './encoding.ts';
import { planPaths } from './paths.ts';
import { beginTelling } from './telling.ts';

/**
 * Thirty paths a release make a release a day out of the 1,000 that are free in a month. Of the limits (3,000 paths and 15
 * wildcards in progress, “Quotas on invalidations”) a release alone reaches none: it is always one request.
 */
const dialect = { tell: tellCloudFront, few: 30, wildcards: 15 };

const freePaths = '1,000';
const dollarsAPath = 0.005;

/**
 * One distribution of CloudFront.
 *
 * @param wait until CloudFront says that everything is forgotten, at most 15 minutes.
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
  return `${paths} of the ${freePaths} free paths of a month, $${dollars} once those are used up`;
}

/**
 * CloudFront takes a reference once, and answers the same one with the same paths by what it made of it then. With the
 * paths in it, a publication that is finished by another run with other paths is not refused.
 */
function callerReference(reference: string, paths: readonly string[]): string {
  return `${reference}-${createHash('sha256').update(paths.join('\n')).digest('hex').slice(0, 16)}`;
}
