import { createHash } from 'node:crypto';
import { type Clock, systemClock } from '../../../../src/kernel/clock.ts';
import { type FakeApi, type Reply, type Seen, startApi } from './fake-api.ts';

export interface CloudflareOptions {
  /** Names of the zones that the token may see. */
  readonly zones: readonly string[];
  readonly token: string;
  /** Without “Cache Purge”: `false`. */
  readonly mayPurge?: boolean;
  /** Purges that are let through at once, and how many come back in a minute: those of the Free plan. */
  readonly bucket?: { readonly size: number; readonly aMinute: number };
  readonly clock?: Clock;
  /** Called for every purge: `files` are URLs, `prefixes` have no scheme. */
  readonly onPurge?: (purge: Purge, zone: string) => void;
}

export interface Purge {
  readonly files: readonly string[];
  readonly prefixes: readonly string[];
  readonly everything: boolean;
}

export interface FakeCloudflare extends FakeApi {
  readonly purges: readonly Purge[];
}

/** The words of this refusal are those of a report, its code is not known. */
const most = 30;

export const cloudflareBusy: Reply = { status: 503, body: '<html>upstream connect error</html>' };
/** A failure that comes with status 200: its clients are told to look at `success`. */
export const cloudflareFailedQuietly: Reply = envelope(200, [[1134, 'Unable to purge. Please try again.']]);

/** The ID that a zone has here. */
export function zoneIdOf(name: string): string {
  return createHash('md5').update(name).digest('hex');
}

/**
 * Cloudflare's API for purges: what the real one refuses is refused here
 * (https://developers.cloudflare.com/api/resources/cache/methods/purge/; limits: “Purge cache”, Availability and limits).
 */
export async function startCloudflare(options: CloudflareOptions): Promise<FakeCloudflare> {
  const { zones, token, mayPurge = true, bucket = { size: 25, aMinute: 5 }, clock = systemClock } = options;
  const purges: Purge[] = [];
  let tokens = bucket.size;
  let counted = clock.now();

  function answer(request: Seen): Reply {
    const refused = refuseToken(request.headers.authorization, token);
    if (refused !== undefined) return refused;
    const { pathname, searchParams } = new URL(request.path, 'http://localhost');
    if (request.method === 'GET' && pathname === '/client/v4/zones') {
      const found = zones.filter((name) => (searchParams.get('name') ?? name) === name);
      return envelope(
        200,
        [],
        found.map((name) => ({ id: zoneIdOf(name), name, status: 'active' })),
      );
    }
    const [, id] = /^\/client\/v4\/zones\/([^/]+)\/purge_cache$/.exec(pathname) ?? [];
    const zone = zones.find((name) => zoneIdOf(name) === id);
    if (request.method !== 'POST' || id === undefined || !/^[0-9a-f]{32}$/.test(id))
      return envelope(400, [
        [7003, `Could not route to ${pathname}, perhaps your object identifier is invalid?`],
        [7000, 'No route for that URI'],
      ]);
    if (zone === undefined || !mayPurge) return envelope(403, [[10000, 'Authentication error']]);
    return limited() ?? purge(request, zone);
  }

  /** A token bucket; `Retry-After` since September 2025 (“Introducing new headers for rate limiting”). */
  function limited(): Reply | undefined {
    const perMs = bucket.aMinute / 60_000;
    tokens = Math.min(bucket.size, tokens + (clock.now() - counted) * perMs);
    counted = clock.now();
    if (tokens >= 1) {
      tokens--;
      return undefined;
    }
    const seconds = Math.ceil((1 - tokens) / perMs / 1_000);
    return {
      ...envelope(429, [[10429, 'Rate limited. Please wait and consider throttling your request speed']]),
      headers: { 'retry-after': String(seconds) },
    };
  }

  function purge({ body, headers }: Seen, zone: string): Reply {
    if (headers['content-type'] !== 'application/json')
      return envelope(415, [[6003, 'Invalid request headers']]);
    const order = JSON.parse(body) as Record<string, unknown>;
    const kinds = ['purge_everything', 'files', 'tags', 'hosts', 'prefixes'].filter((kind) => kind in order);
    // Seen at cloudflare/python-cloudflare#179; two kinds at once get it too (community.cloudflare.com/t/395157).
    if (kinds.length !== 1)
      return envelope(400, [
        [1012, 'Request must contain one of "purge_everything", "files", "tags", "hosts" or "prefixes"'],
      ]);
    const [kind = ''] = kinds;
    const list = kind === 'purge_everything' ? [] : order[kind];
    // Seen at cloudflare/cloudflare-php#61.
    if (!Array.isArray(list)) return envelope(400, [[1014, `"files", "tags", or "hosts" must be an array`]]);
    if (list.length > most)
      return envelope(400, [[1094, `You may only purge up to ${most} ${kind} per API call`]]);
    const wrong = list.find((one) => !(kind === 'files' ? isUrl(one, zone) : isPrefix(one, zone)));
    if (wrong !== undefined)
      return envelope(400, [[1016, `Unable to purge '${wrong}', which is an invalid URL.`]]);
    const done = {
      files: kind === 'files' ? list : [],
      prefixes: kind === 'prefixes' ? list : [],
      everything: order['purge_everything'] === true,
    };
    purges.push(done);
    options.onPurge?.(done, zone);
    return envelope(200, [], { id: zoneIdOf(zone) });
  }

  const api = await startApi(answer);
  return { ...api, url: `${api.url}/client/v4`, purges };
}

function refuseToken(header: string | undefined, token: string): Reply | undefined {
  if (header === `Bearer ${token}`) return undefined;
  // The format is checked first: a token with a line break, say.
  if (!/^Bearer [A-Za-z0-9\-._~+/]+=*$/.test(header ?? '')) {
    const error_chain = [{ code: 6111, message: 'Invalid format for Authorization header' }];
    return json(400, {
      success: false,
      errors: [{ code: 6003, message: 'Invalid request headers', error_chain }],
      messages: [],
      result: null,
    });
  }
  return envelope(403, [[9109, 'Invalid access token']]);
}

function isUrl(text: unknown, zone: string): boolean {
  if (typeof text !== 'string' || !/^https?:\/\//.test(text) || !URL.canParse(text)) return false;
  return isWithin(new URL(text).hostname, zone) && /^[!-~]+$/.test(text);
}

/** Host and path: no scheme, no query, no fragment, at most 31 separators (“Purge cache by prefix”, Limitations). */
function isPrefix(text: unknown, zone: string): boolean {
  if (typeof text !== 'string' || /:\/\/|[?#]/.test(text) || !/^[!-~]+$/.test(text)) return false;
  const [host = ''] = text.split('/');
  return isWithin(host.replace(/:\d+$/, ''), zone) && text.split('/').length <= 32;
}

function isWithin(host: string, zone: string): boolean {
  return host === zone || host.endsWith(`.${zone}`);
}

function envelope(
  status: number,
  errors: readonly (readonly [number, string])[],
  result: unknown = null,
): Reply {
  const list = errors.map(([code, message]) => ({ code, message }));
  return json(status, { success: errors.length === 0, errors: list, messages: [], result });
}

function json(status: number, value: unknown): Reply {
  return { status, body: JSON.stringify(value), headers: { 'content-type': 'application/json' } };
}
