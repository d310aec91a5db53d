import { z } from 'zod';
import type { Clock } from '../../kernel/clock.ts';
import { type Answer, quoted, retryAfter, type Verdict } from './exchange.ts';

/** Every answer of Cloudflare's API has this shape, errors too; `success` may be false with status 200. */
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

/** What the Free plan gives back: 5 requests a minute (“Purge cache”, Availability and limits). */
const refillMs = 12_000;

/** Wrong or missing token, wrong format of it, no permission. */
const unauthorized = new Set([6003, 9106, 9109, 10000, 10001]);
/** The ID of a zone that there isn't, or that isn't one. */
const noZone = new Set([1001, 7000, 7003]);

/**
 * Takes the `result` out of an answer.
 *
 * @param zone as it is named in sluice.yml, for the sentence about a refusal.
 */
export function judgeCloudflare<T>(
  answer: Answer,
  zone: string,
  clock: Clock,
  take: (result: unknown) => Verdict<T>,
): Verdict<T> {
  const { status } = answer;
  if (status === 429)
    return { again: 'let no more requests through', afterMs: retryAfter(answer, clock) ?? refillMs };
  const read = readEnvelope(answer.text);
  if (read?.success && status < 300) return take(read.result);
  const errors = read?.errors ?? [];
  const said = errors
    .map(({ code, message, error_chain: chain = [] }) =>
      [...[message, ...chain.map((each) => each.message)].map(quoted), `(${code})`].join(' '),
    )
    .join(', ');
  const words = said === '' ? `answered ${status}` : `answered ${status}: ${said}`;
  if (status >= 500) return { again: words };
  if (status === 401 || errors.some(({ code }) => unauthorized.has(code)))
    return { refused: `${words}. CLOUDFLARE_API_TOKEN needs “Zone: Cache Purge” for ${zone}` };
  if (errors.some(({ code }) => noZone.has(code)))
    return { refused: `${words}. There is no zone ${zone} that this token may see` };
  return { refused: words };
}

function readEnvelope(text: string): z.infer<typeof envelope> | undefined {
  try {
    return envelope.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
