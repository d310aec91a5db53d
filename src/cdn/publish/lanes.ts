/** Like Promise.all, but rejects only after both have ended. */
export async function allEnded<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([first, second]);
  return await Promise.all([first, second]);
}

/**
 * Processes items, many at once; the store limits the requests in flight. After the first failure no item is
 * started, and the promise rejects when all running ones have ended: nothing is written during a cleanup.
 */
export async function inLanes<T>(
  items: readonly T[],
  lanes: number,
  signal: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failed: { readonly error: unknown } | undefined;
  const lane = async () => {
    while (next < items.length && failed === undefined) {
      if (signal.aborted) {
        failed ??= { error: signal.reason };
        return;
      }
      const item = items[next] as T;
      next += 1;
      try {
        await work(item);
      } catch (error) {
        failed ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, lane));
  if (failed !== undefined) throw failed.error;
}
