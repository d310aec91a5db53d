import type { Clock } from './clock.ts';

export interface RetryOptions {
  readonly clock: Pick<Clock, 'sleep'>;
  /** Ends the pauses with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Pause in ms before the next attempt; undefined: the error is final. `attempt` counts from 1. */
  readonly pauseMs: (error: unknown, attempt: number) => number | undefined;
  readonly onRetry?: (error: unknown) => void;
}

/** Calls `work` until it succeeds or its error is final. */
export async function retry<T>(
  work: (attempt: number) => Promise<T>,
  { clock, signal, pauseMs, onRetry }: RetryOptions,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      const pause = pauseMs(error, attempt);
      if (pause === undefined) throw error;
      onRetry?.(error);
      await clock.sleep(pause, signal);
    }
  }
}

/**
 * A `Retry-After` header in ms: seconds, or a date (RFC 9110, 10.2.3).
 *
 * @returns undefined when there is no header, or no meaning in it.
 */
export function retryAfterMs(header: string | null | undefined, now: number): number | undefined {
  const value = header?.trim() ?? '';
  // Some servers send fractions, which RFC 9110 does not know.
  if (/^\d{1,9}(?:\.\d{1,9})?$/.test(value)) return Number(value) * 1000;
  // Date.parse takes `-5` and `1.5` for dates of long ago, that is for no pause at all.
  const date = /[a-z]/i.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
