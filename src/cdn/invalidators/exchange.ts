import type { ErrorCode } from '../../kernel/catalogue.ts';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf, UserError, userErrorsOf } from '../../kernel/errors.ts';
import { formatDuration } from '../../kernel/figures.ts';
import { harmless } from '../../kernel/foreign.ts';
import type { Mask } from '../../kernel/masking/mask.ts';
import { type HttpAnswer, type HttpClient, openHttp, originOf } from '../aws/http.ts';
import type { InvalidationPlan, InvalidationResult } from '../model.ts';
import { codeOf, lossOf, triesUnreachable } from '../stores/retry.ts';

export interface ExchangeEffects {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** For its proxy. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Time for one answer, ms; default 30 s. */
  readonly timeoutMs?: number;
  /** 0 ≤ x < 1, to spread simultaneous tries. */
  readonly random?: () => number;
}

export interface Request {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: HttpAnswer['headers'];
  readonly text: string;
}

/**
 * The meaning of an answer: a result, a reason to retry (after `afterMs`, if the server sent it), or a final
 * refusal.
 */
export type Verdict<T> =
  | { readonly is: T }
  | { readonly again: string; readonly afterMs?: number }
  | { readonly refused: string };

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  /** `why` continues “it …”. */
  | { readonly ok: false; readonly why: string };

export interface Question<T> {
  /** Called for each try: signatures have a time. A user's error (no keys) ends it. */
  readonly request: () => Promise<Request>;
  readonly judge: (answer: Answer) => Verdict<T>;
  /** How long to retry, ms. */
  readonly patienceMs: number;
}

/** Sends a request until its answer is final, and counts the tries. */
export interface Exchange {
  ask<T>(question: Question<T>): Promise<Outcome<T>>;
  sent(): number;
  close(): void;
}

const cancelled = { ok: false, why: 'did not answer before the run was cancelled' } as const;

const longestPauseMs = 20_000;

function createExchange(effects: ExchangeEffects): Exchange {
  const { clock, signal, env, timeoutMs = 30_000, random = Math.random } = effects;
  const http = openHttp(env, signal, { connectMs: timeoutMs, silenceMs: timeoutMs, connections: 1 });
  let sent = 0;

  function notAsked(error: unknown): { readonly refused: string } {
    if (userErrorsOf(error).length === 0 && !signal.aborted) throw error;
    return { refused: `was not called: ${messageOf(error)}` };
  }

  async function ask<T>({ request, judge, patienceMs }: Question<T>): Promise<Outcome<T>> {
    const from = clock.elapsed();
    for (let tries = 0; ; tries++) {
      if (signal.aborted) return cancelled;
      const prepared = await request().catch(notAsked);
      if (signal.aborted) return cancelled;
      if ('refused' in prepared) return { ok: false, why: prepared.refused };
      sent++;
      const verdict = await send(prepared, judge, http, tries);
      if ('is' in verdict) return { ok: true, value: verdict.is };
      if ('refused' in verdict) return { ok: false, why: verdict.refused };
      const pause = verdict.afterMs ?? Math.min(longestPauseMs, 1_000 * 2 ** tries) * (0.5 + random() / 2);
      const soFar = clock.elapsed() - from;
      if (soFar + pause > patienceMs) return { ok: false, why: givenUp(verdict, soFar) };
      try {
        await clock.sleep(pause, signal);
      } catch {
        return cancelled;
      }
    }
  }

  return { ask, sent: () => sent, close: http.close };
}

function givenUp({ again, afterMs = 0 }: { again: string; afterMs?: number }, soFar: number): string {
  return afterMs > longestPauseMs
    ? `${again}, and asked to retry after ${formatDuration(afterMs)}`
    : `${again} (retried for ${formatDuration(soFar)})`;
}

async function send<T>(
  { url, method, headers, body }: Request,
  judge: (answer: Answer) => Verdict<T>,
  http: HttpClient,
  tries: number,
): Promise<Verdict<T>> {
  const address = new URL(url);
  const path = `${address.pathname}${address.search}`;
  const bytes = body === undefined ? {} : { body: Buffer.from(body) };
  let answer: HttpAnswer;
  try {
    answer = await http.send({ method, origin: originOf(address), path, headers, ...bytes });
  } catch (error) {
    return judgeLoss(error, tries);
  }
  return judge({ status: answer.status, headers: answer.headers, text: answer.body.toString() });
}

/** Only the system's code, which cannot contain a secret. */
function judgeLoss<T>(error: unknown, tries: number): Verdict<T> {
  const code = codeOf(error);
  if (code === 'ETIMEDOUT') return { again: 'did not answer in time' };
  const why = `cannot be reached${/^[A-Z_]+$/.test(code) ? ` (${code})` : ''}`;
  const loss = lossOf(error);
  if (loss === 'untrusted' || (loss === 'unreachable' && tries + 1 >= triesUnreachable))
    return { refused: why };
  return { again: why };
}

/**
 * The address of an API, without a final slash. @param given by the environment. @throws UserError if it is not
 * an HTTP URL, before the publication.
 */
export function apiBase(
  given: string | undefined,
  usual: string,
  { code, names }: { readonly code: ErrorCode; readonly names: string },
): string {
  const base = (given?.trim() || usual).replace(/(?<!\/)\/+$/, '');
  if (URL.canParse(base) && /^https?:$/.test(new URL(base).protocol)) return base;
  throw new UserError({
    code,
    message: `${names} is not an HTTP URL; the CDN cannot be invalidated`,
    hint: `Example: ${usual}. It is not needed for ${new URL(usual).hostname}.`,
  });
}

/** Quotes a server on one line of limited length. */
export function quoted(text: string): string {
  const line = harmless(text).replace(/\s+/g, ' ').trim();
  return `“${line.length > 300 ? `${line.slice(0, 300)}…` : line}”`;
}

export interface TellingEffects extends ExchangeEffects {
  readonly mask: Mask;
}

/** One invalidation in progress; its end closes the connection. */
export interface Telling {
  readonly exchange: Exchange;
  /** @param why continues “it …”; it may quote the CDN. */
  end(outcome: InvalidationResult['outcome'], why?: string): InvalidationResult;
}

export function beginTelling({ cdn, paths }: InvalidationPlan, effects: TellingEffects): Telling {
  const from = effects.clock.elapsed();
  const exchange = createExchange(effects);
  return {
    exchange,
    end: (outcome, why) => {
      exchange.close();
      const ms = effects.clock.elapsed() - from;
      const because = why === undefined ? {} : { why: effects.mask.scrub(`it ${why}.`) };
      return { cdn, paths, requests: exchange.sent(), ms, outcome, ...because };
    },
  };
}
