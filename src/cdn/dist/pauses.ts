/** A loop that never waits would block timers, sockets and the abort; one that always does takes far longer. */
const sliceMs = 20;
const nothing = Promise.resolve();

/**
 * To be awaited in each turn of a long synchronous loop: now and then it lets others work.
 *
 * @returns rejects with the signal's reason on abort.
 */
export function createPauses(signal: AbortSignal): () => Promise<void> {
  let since = performance.now();
  return () => {
    if (performance.now() - since < sliceMs) return nothing;
    return new Promise((resolve, reject) => {
      setImmediate(() => {
        since = performance.now();
        if (signal.aborted) reject(signal.reason);
        else resolve();
      });
    });
  };
}
