import { UserError } from '../../kernel/errors.ts';
import type { ChangedSite, Invalidator } from '../invalidator.ts';
import type { InvalidationPlan, InvalidationResult } from '../model.ts';
import { isZoneId, openCloudflareApi, type Purge } from './cloudflare-api.ts';
import { tellCloudflare } from './encoding.ts';
import { planPaths } from './paths.ts';
import { beginTelling, type TellingEffects } from './telling.ts';

/**
 * URLs in one request. The documentation has 100; more than 30 were still refused long after that was written
 * (https://github.com/cloudflare/cloudflare-docs/issues/21338).
 */
const urlsARequest = 30;

/**
 * Five requests of URLs at most, which is what the Free plan gives back in a minute; beyond that folders. Thirty of those
 * are one request.
 */
const dialect = { tell: tellCloudflare, few: 5 * urlsARequest, wildcards: 30 };

/**
 * One zone of Cloudflare.
 *
 * @param zone its name, or its ID of 32 hex digits.
 * @throws UserError `cdn.cloudflare`: there is no token, or what there is can't be one.
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
      const before = done === 0 ? '' : `; ${done} of ${purges.length} requests went through before`;
      return end('failed', `${purged.why}${before}`);
    }
    // Its cache has forgotten before it answers (“Instant Purge”).
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
      : `nothing; ${purges} of the 25 purges that the Free plan has at once (5 a minute come back)`;
  return { cdn, paths, requests, cost };
}

/**
 * URLs one by one, and folders as Cloudflare's prefixes: host and path, without a scheme and a slash at the end. The whole
 * site is a prefix too: `purge_everything` would empty the caches of the zone's other hosts with it.
 */
function pathsOf(changed: ChangedSite): readonly string[] {
  if (changed.url === undefined) throw noUrl();
  const { origin, host } = new URL(changed.url);
  const told = planPaths(changed, dialect);
  const folders = new Set(told.filter(({ below }) => below).map(({ path }) => path));
  const paths = told.flatMap(({ path, below }) => {
    if (below) return [prefixOf(`${host}${path}`)];
    // A prefix covers the folder's own name, too.
    return folders.has(`${path}/`) ? [] : [`${origin}${path}`];
  });
  return [...new Set(paths)];
}

/** At most 31 separators (“Purge cache by prefix”, Limitations): the folder above is told instead. */
function prefixOf(folder: string): string {
  return folder.replace(/\/$/, '').split('/').slice(0, 32).join('/');
}

/** Cloudflare is told URLs, not paths. */
export function noUrl(): UserError {
  return new UserError({
    code: 'config.missing-key',
    message: 'cdn: url is missing, and Cloudflare is told URLs of what has changed',
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
