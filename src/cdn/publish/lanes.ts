/** As Promise.all, but when it rejects, nothing of it is under way any more. */
export async function allEnded<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([first, second]);
  return await Promise.all([first, second]);
}

/**
 * Does something with each item, many at once; the store behind decides how many really are under way.
 *
 * After the first failure nothing new is begun, and all that is under way has ended when the promise rejects: nothing is
 * written behind the back of whoever cleans up.
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
