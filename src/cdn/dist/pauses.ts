/** A loop that never waits blocks timers, sockets and the abort; one that always waits takes far longer. */
const sliceMs = 20;
const nothing = Promise.resolve();

/**
 * Await the result in each turn of a long synchronous loop: it yields to the event loop now and then, and
 * rejects with the signal's reason on abort.
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
