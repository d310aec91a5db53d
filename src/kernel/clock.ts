/** Time as an effect, so that plans and tests can say which time it is. */
export interface Clock {
  /** Wall clock, ms since the epoch: for records that people read. */
  now(): number;
  /** Monotonic, ms: for durations and deadlines, which a clock step must not change. */
  elapsed(): number;
  /** Resolves after `ms`, or rejects with the signal's reason at once when it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};

/** `740 ms`, `3.2 s`, `4 m 05 s`: a duration as a person reads it. */
export function formatDuration(ms: number): string {
  // The limits are those of the rounded figures: there is no `1000 ms` and no `60.0 s`.
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, '0')} s`;
}
