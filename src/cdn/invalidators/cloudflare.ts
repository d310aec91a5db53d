import { z } from 'zod';
import { UserError } from '../../kernel/errors.ts';
import type { Mask } from '../../kernel/mask.ts';
import type { ChangedSite, Invalidator } from '../invalidator.ts';
import type { InvalidationPlan, InvalidationResult } from '../model.ts';
import { judgeCloudflare } from './cloudflare-answer.ts';
import { tellCloudflare } from './encoding.ts';
import {
  createExchange,
  type Exchange,
  type ExchangeEffects,
  type Outcome,
  type Request,
} from './exchange.ts';
import { planPaths } from './paths.ts';

export interface CloudflareEffects extends ExchangeEffects {
  readonly mask: Mask;
  readonly env: Readonly<Record<string, string | undefined>>;
}

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

const patienceMs = 3 * 60_000;

/**
 * One zone of Cloudflare.
 *
 * @param zone its name, or its ID of 32 hex digits.
 * @throws UserError `cdn.cloudflare`: there is no token, or what there is can't be one.
 */
export function openCloudflare(zone: string, effects: CloudflareEffects): Invalidator {
  const cdn = `Cloudflare ${zone}`;
  const api = openApi(zone, tokenOf(effects), effects);

  async function apply(plan: InvalidationPlan): Promise<InvalidationResult> {
    const from = effects.clock.elapsed();
    const exchange = createExchange(effects);
    const result = (outcome: InvalidationResult['outcome'], why?: string): InvalidationResult => ({
      cdn,
      paths: plan.paths,
      requests: exchange.sent(),
      ms: effects.clock.elapsed() - from,
      outcome,
      ...(why === undefined ? {} : { why: effects.mask.scrub(`Cloudflare ${why}`) }),
    });
    const orders = ordersOf(plan.paths);
    if (orders.length === 0) return result('none');
    const id = await api.zoneId(exchange);
    if (!id.ok) return result('failed', id.why);
    for (const [done, order] of orders.entries()) {
      const purged = await api.purge(exchange, id.value, order);
      if (purged.ok) continue;
      const before = done === 0 ? '' : `; ${done} of ${orders.length} requests went through before`;
      return result('failed', `${purged.why}${before}`);
    }
    // Its cache has forgotten before it answers (“Instant Purge”).
    return result('completed');
  }

  return { cdn, plan: (changed) => planFor(cdn, zone, changed), apply };
}

function planFor(cdn: string, zone: string, changed: ChangedSite): InvalidationPlan {
  const paths = pathsOf(changed);
  const purges = ordersOf(paths).length;
  const requests = purges === 0 || isId(zone) ? purges : purges + 1;
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

/**
 * Cloudflare needs the URL of the site: it is told URLs, not paths.
 */
export function noUrl(): UserError {
  return new UserError({
    code: 'config.missing-key',
    message: 'cdn: url is missing, and Cloudflare is told URLs of what has changed',
    hint: 'url: https://www.example.com',
  });
}

/** Body of one purge. */
type Order = { readonly files: readonly string[] } | { readonly prefixes: readonly string[] };

function ordersOf(paths: readonly string[]): readonly Order[] {
  const files = paths.filter((path) => path.includes('://'));
  const prefixes = paths.filter((path) => !path.includes('://'));
  return [
    ...chunksOf(prefixes).map((chunk) => ({ prefixes: chunk })),
    ...chunksOf(files).map((chunk) => ({ files: chunk })),
  ];
}

function chunksOf(all: readonly string[]): readonly (readonly string[])[] {
  const count = Math.ceil(all.length / urlsARequest);
  return Array.from({ length: count }, (_, at) => all.slice(at * urlsARequest, (at + 1) * urlsARequest));
}

interface CloudflareApi {
  zoneId(exchange: Exchange): Promise<Outcome<string>>;
  purge(exchange: Exchange, zone: string, order: Order): Promise<Outcome<true>>;
}

const zones = z.array(z.object({ id: z.string().regex(/^[0-9a-f]{32}$/) }));

/** https://developers.cloudflare.com/api/resources/cache/methods/purge/ */
function openApi(zone: string, token: string, { clock, env }: CloudflareEffects): CloudflareApi {
  // The variable is Wrangler's (“System environment variables”).
  const base = (env.CLOUDFLARE_API_BASE_URL || 'https://api.cloudflare.com/client/v4').replace(/\/+$/, '');
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };

  async function zoneId(exchange: Exchange): Promise<Outcome<string>> {
    if (isId(zone)) return { ok: true, value: zone };
    return exchange.ask({
      request: async (): Promise<Request> => ({
        url: `${base}/zones?name=${encodeURIComponent(zone)}`,
        method: 'GET',
        headers,
      }),
      judge: (answer) =>
        judgeCloudflare(answer, zone, clock, (result) => {
          const id = zones.safeParse(result).data?.[0]?.id;
          return id === undefined ? { refused: noSuchZone(zone) } : { is: id };
        }),
      patienceMs,
    });
  }

  return {
    zoneId,
    purge: (exchange, id, order) =>
      exchange.ask<true>({
        request: async () => ({
          url: `${base}/zones/${id}/purge_cache`,
          method: 'POST',
          headers,
          body: JSON.stringify(order),
        }),
        judge: (answer) => judgeCloudflare(answer, zone, clock, () => ({ is: true })),
        patienceMs,
      }),
  };
}

function noSuchZone(zone: string): string {
  return `has no zone ${zone} that this token may see; give the token “Zone: Read” for it, or name the zone by its ID`;
}

function isId(zone: string): boolean {
  return /^[0-9a-f]{32}$/.test(zone);
}

/** Masks it before anything can show it. A pasted line break is not part of it. */
function tokenOf({ env, mask }: CloudflareEffects): string {
  const token = env.CLOUDFLARE_API_TOKEN?.trim() ?? '';
  if (token !== '') mask.add(token);
  // RFC 6750, 2.1. What isn't a token can't be sent, and errors about headers quote them.
  if (/^[A-Za-z0-9\-._~+/]+=*$/.test(token)) return token;
  throw new UserError({
    code: 'cdn.cloudflare',
    message: `CLOUDFLARE_API_TOKEN ${token === '' ? 'is not set' : 'is no API token'}, and Cloudflare is to be told what has changed`,
    hint: 'Make an API token with “Zone: Cache Purge” and “Zone: Read” for the zone, and give it to the job as a secret.',
  });
}
