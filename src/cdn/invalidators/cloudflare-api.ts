import { z } from 'zod';
import type { Clock } from '../../kernel/clock.ts';
import { UserError } from '../../kernel/errors.ts';
import { retryAfterMs } from '../../kernel/retry.ts';
import {
  type Answer,
  apiBase,
  type Exchange,
  type Outcome,
  quoted,
  type Request,
  type TellingEffects,
  type Verdict,
} from './exchange.ts';

const patienceMs = 3 * 60_000;

/** Body of one purge. */
export type Purge = { readonly files: readonly string[] } | { readonly prefixes: readonly string[] };

/** Requests to one zone. */
export interface CloudflareApi {
  zoneId(exchange: Exchange): Promise<Outcome<string>>;
  purge(exchange: Exchange, zone: string, purge: Purge): Promise<Outcome<true>>;
}

const zones = z.array(z.object({ id: z.string().regex(/^[0-9a-f]{32}$/) }));

/** https://developers.cloudflare.com/api/resources/cache/methods/purge/ */
export function openCloudflareApi(zone: string, effects: TellingEffects): CloudflareApi {
  const { clock, env } = effects;
  const token = tokenOf(effects);
  // Wrangler defines this variable (“System environment variables”).
  const base = apiBase(env.CLOUDFLARE_API_BASE_URL, 'https://api.cloudflare.com/client/v4', {
    code: 'cdn.cloudflare',
    names: 'CLOUDFLARE_API_BASE_URL',
  });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };

  async function zoneId(exchange: Exchange): Promise<Outcome<string>> {
    if (isZoneId(zone)) return { ok: true, value: zone };
    return exchange.ask({
      request: async (): Promise<Request> => ({
        url: `${base}/zones?name=${encodeURIComponent(zone)}`,
        method: 'GET',
        headers,
      }),
      judge: (answer) =>
        judge(answer, zone, clock, (result) => {
          const id = zones.safeParse(result).data?.[0]?.id;
          return id === undefined ? { refused: noSuchZone(zone) } : { is: id };
        }),
      patienceMs,
    });
  }

  return {
    zoneId,
    purge: (exchange, id, purge) =>
      exchange.ask<true>({
        request: async () => ({
          url: `${base}/zones/${id}/purge_cache`,
          method: 'POST',
          headers,
          body: JSON.stringify(purge),
        }),
        judge: (answer) => judge(answer, zone, clock, () => ({ is: true })),
        patienceMs,
      }),
  };
}

function noSuchZone(zone: string): string {
  return `has no zone ${zone} that this token can read; give the token “Zone: Read” for it, or set cdn.cloudflare to the zone ID`;
}

export function isZoneId(zone: string): boolean {
  return /^[0-9a-f]{32}$/.test(zone);
}

/** Masks the token first. A pasted line break is not part of it. */
function tokenOf({ env, mask }: TellingEffects): string {
  const token = env.CLOUDFLARE_API_TOKEN?.trim() ?? '';
  if (token !== '') mask.add(token);
  // RFC 6750, 2.1. An invalid value must not get into an error about headers.
  if (/^[A-Za-z0-9\-._~+/]+=*$/.test(token)) return token;
  throw new UserError({
    code: 'cdn.cloudflare',
    message: `CLOUDFLARE_API_TOKEN ${token === '' ? 'is not set' : 'is not a valid API token'}; Cloudflare cannot be invalidated`,
    hint: 'Create an API token with “Zone: Cache Purge” and “Zone: Read” for the zone, and pass it to the job as a secret.',
  });
}

/** Every answer of Cloudflare's API has this form, errors too; `success` may be false with status 200. */
const envelope = z.object({
  success: z.boolean(),
  errors: z
    .array(
      z.object({
        code: z.number(),
        message: z.string(),
        error_chain: z.array(z.object({ message: z.string() })).optional(),
      }),
    )
    .nullish(),
  result: z.unknown().optional(),
});

/** The Free plan allows 5 more requests each minute (“Purge cache”, Availability and limits). */
const refillMs = 12_000;

/** Wrong, missing or malformed token, no permission. */
const unauthorized = new Set([6003, 9106, 9109, 10000, 10001]);
/** Unknown or invalid zone ID. */
const noZone = new Set([1001, 7000, 7003]);

/** Reads the `result` of an answer. @param zone as in sluice.yml, for messages. */
function judge<T>(
  answer: Answer,
  zone: string,
  clock: Clock,
  take: (result: unknown) => Verdict<T>,
): Verdict<T> {
  const { status } = answer;
  if (status === 429)
    return {
      again: 'limited the rate of requests',
      afterMs: retryAfterMs(answer.headers['retry-after'], clock.now()) || refillMs,
    };
  const read = readEnvelope(answer.text);
  if (read?.success && status < 300) return take(read.result);
  const errors = read?.errors ?? [];
  const said = errors
    .map(({ code, message, error_chain: chain = [] }) =>
      [...[message, ...chain.map((link) => link.message)].map(quoted), `(${code})`].join(' '),
    )
    .join(', ');
  const words = said === '' ? `answered ${status}` : `answered ${status}: ${said}`;
  if (status >= 500) return { again: words };
  if (status === 401 || errors.some(({ code }) => unauthorized.has(code)))
    return { refused: `${words}. CLOUDFLARE_API_TOKEN needs “Zone: Cache Purge” for ${zone}` };
  if (errors.some(({ code }) => noZone.has(code)))
    return { refused: `${words}. There is no zone ${zone} that this token can read` };
  return { refused: words };
}

function readEnvelope(text: string): z.infer<typeof envelope> | undefined {
  try {
    return envelope.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
