/** Time as an effect, so that tests can set it. */
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
