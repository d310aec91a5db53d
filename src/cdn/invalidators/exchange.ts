import { type Clock, formatDuration } from '../../kernel/clock.ts';
import { messageOf, userErrorsOf } from '../../kernel/errors.ts';

export interface ExchangeEffects {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Time for one answer, ms; 30 s unless told. */
  readonly timeoutMs?: number;
  /** 0 ≤ x < 1, to spread tries that began together. */
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
  readonly headers: Headers;
  readonly text: string;
}

/** What an answer means: it is over, another try may mend it (after `afterMs`, if the server says so), or none will. */
export type Verdict<T> =
  | { readonly is: T }
  | { readonly again: string; readonly afterMs?: number }
  | { readonly refused: string };

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  /** `why` goes on from “CloudFront …”. */
  | { readonly ok: false; readonly why: string };

export interface Question<T> {
  /** Made anew for each try: signatures have a time. A user's error (no keys) ends it. */
  readonly request: () => Promise<Request>;
  readonly judge: (answer: Answer) => Verdict<T>;
  /** How long to go on trying, ms. */
  readonly patienceMs: number;
}

/** Asks until there is an answer that will do, and counts what it has sent. */
export interface Exchange {
  ask<T>(question: Question<T>): Promise<Outcome<T>>;
  sent(): number;
}

const cancelled = { ok: false, why: 'was not heard to the end: the run was cancelled' } as const;

const longestPauseMs = 20_000;

export function createExchange(effects: ExchangeEffects): Exchange {
  const { clock, signal, random = Math.random } = effects;
  let sent = 0;

  async function ask<T>({ request, judge, patienceMs }: Question<T>): Promise<Outcome<T>> {
    const from = clock.elapsed();
    for (let tries = 0; ; tries++) {
      if (signal.aborted) return cancelled;
      const prepared = await request().catch(notAsked);
      if ('refused' in prepared) return { ok: false, why: prepared.refused };
      sent++;
      const verdict = await send(prepared, judge, effects);
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

  return { ask, sent: () => sent };
}

function notAsked(error: unknown): { readonly refused: string } {
  if (userErrorsOf(error).length === 0) throw error;
  return { refused: `was not asked: ${messageOf(error)}` };
}

function givenUp({ again, afterMs }: { again: string; afterMs?: number }, soFar: number): string {
  const asks =
    afterMs === undefined ? '' : `, and would have to be asked again in ${formatDuration(afterMs)}`;
  return `${again}, after ${formatDuration(soFar)}${asks}`;
}

async function send<T>(
  { url, ...request }: Request,
  judge: (answer: Answer) => Verdict<T>,
  { signal, timeoutMs = 30_000 }: ExchangeEffects,
): Promise<Verdict<T>> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    // A redirected POST becomes a GET: nothing would be forgotten, and it would look done.
    const all = { ...request, redirect: 'manual', signal: AbortSignal.any([signal, timeout]) } as const;
    const response = await fetch(url, all);
    const answer = { status: response.status, headers: response.headers, text: await response.text() };
    return judge(answer);
  } catch (error) {
    if (timeout.aborted) return { again: `did not answer within ${formatDuration(timeoutMs)}` };
    return { again: networkReason(error) };
  }
}

/** The system's code alone: messages of fetch quote headers, and the token is in one. */
function networkReason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return /^[A-Z_]+$/.test(code) ? `can’t be reached (${code})` : 'can’t be reached';
}

/** `Retry-After` in ms: seconds, or a date (RFC 9110, 10.2.3). */
export function retryAfter({ headers }: Answer, clock: Clock): number | undefined {
  const text = headers.get('retry-after')?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - clock.now());
}

/** Words of a server in a sentence of ours: one line, and not too long. */
export function quoted(text: string): string {
  const line = text.replace(/[\s\p{C}]+/gu, ' ').trim();
  return `“${line.length > 300 ? `${line.slice(0, 300)}…` : line}”`;
}
