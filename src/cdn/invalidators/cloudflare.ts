import { UserError } from '../../kernel/errors.ts';
import { counted } from '../../kernel/figures.ts';
import type { ChangedSite, Invalidator } from '../invalidator.ts';
import type { InvalidationPlan, InvalidationResult } from '../model.ts';
import { isZoneId, openCloudflareApi, type Purge } from './cloudflare-api.ts';
import { beginTelling, type TellingEffects } from './exchange.ts';
import { planPaths, tellCloudflare } from './paths.ts';

/**
 * URLs in one request. The documentation has 100; more than 30 were still refused long after that was written
 * (https://github.com/cloudflare/cloudflare-docs/issues/21338).
 */
const urlsARequest = 30;

/**
 * At most five requests of URLs, the rate of the Free plan per minute; beyond that folders. Thirty of those are
 * one request.
 */
const dialect = { tell: tellCloudflare, few: 5 * urlsARequest, wildcards: 30 };

/**
 * One zone of Cloudflare.
 *
 * @param zone its name, or its ID of 32 hex digits.
 * @throws UserError `cdn.cloudflare`: the token is missing or invalid.
 */
export function openCloudflare(zone: string, effects: TellingEffects): Invalidator {
  const cdn = `Cloudflare ${zone}`;
  const api = openCloudflareApi(zone, effects);

  async function apply(plan: InvalidationPlan): Promise<InvalidationResult> {
    const { exchange, end } = beginTelling(plan, effects);
    const purges = purgesOf(plan.paths);
    if (purges.length === 0) return end('none');
    const id = await api.zoneId(exchange);
    if (!id.ok) return end('failed', id.why);
    for (const [done, purge] of purges.entries()) {
      const purged = await api.purge(exchange, id.value, purge);
      if (purged.ok) continue;
      const before = done === 0 ? '' : `; ${done} of ${purges.length} requests succeeded`;
      return end('failed', `${purged.why}${before}`);
    }
    // The purge is done before the answer (“Instant Purge”).
    return end('completed');
  }

  return { cdn, plan: (changed) => planFor(cdn, zone, changed), apply };
}

function planFor(cdn: string, zone: string, changed: ChangedSite): InvalidationPlan {
  const paths = pathsOf(changed);
  const purges = purgesOf(paths).length;
  const requests = purges === 0 || isZoneId(zone) ? purges : purges + 1;
  const cost =
    purges === 0
      ? 'nothing'
      : `nothing; ${counted(purges, 'purge')} (the Free plan allows 25 at once, then 5 per minute)`;
  return { cdn, paths, requests, cost };
}

/**
 * URLs one by one, and folders as prefixes: host and path, without a scheme and a final slash. The whole site
 * is a prefix too: `purge_everything` also empties the caches of the zone's other hosts.
 */
function pathsOf(changed: ChangedSite): readonly string[] {
  if (changed.url === undefined) throw noUrl();
  const { origin, host } = new URL(changed.url);
  const told = planPaths(changed, dialect);
  const folders = new Set(told.filter(({ below }) => below).map(({ path }) => path));
  const paths = told.flatMap(({ path, below }) => {
    if (below) return [prefixOf(`${host}${path}`)];
    // A prefix covers the folder's name without a slash, too.
    return folders.has(`${path}/`) ? [] : [`${origin}${path}`];
  });
  return [...new Set(paths)];
}

/** At most 31 separators (“Purge cache by prefix”, Limitations); deeper folders are shortened. */
function prefixOf(folder: string): string {
  return folder.replace(/\/$/, '').split('/').slice(0, 32).join('/');
}

/** Cloudflare purges URLs, not paths. */
export function noUrl(): UserError {
  return new UserError({
    code: 'config.missing-key',
    message: 'cdn: url is missing; Cloudflare purges by URL',
    hint: 'url: https://www.example.com',
  });
}

function purgesOf(paths: readonly string[]): readonly Purge[] {
  const files = paths.filter(isUrl);
  const prefixes = paths.filter((path) => !isUrl(path));
  return [
    ...chunksOf(prefixes).map((chunk) => ({ prefixes: chunk })),
    ...chunksOf(files).map((chunk) => ({ files: chunk })),
  ];
}

function isUrl(path: string): boolean {
  return /^https?:\/\//.test(path);
}

function chunksOf(all: readonly string[]): readonly (readonly string[])[] {
  const count = Math.ceil(all.length / urlsARequest);
  return Array.from({ length: count }, (_, at) => all.slice(at * urlsARequest, (at + 1) * urlsARequest));
}
