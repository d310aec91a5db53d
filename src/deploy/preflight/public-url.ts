import type { Clock } from '../../kernel/clock.ts';

/**
 * Requests a public URL and follows redirects.
 *
 * @returns the problem (`answered 502`), undefined for a 2xx.
 * @throws the signal's reason when it is aborted.
 */
export async function troubleAt(url: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const answer = await fetch(url, {
      redirect: 'follow',
      signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]),
    });
    await answer.body?.cancel();
    return answer.ok ? undefined : `answered ${answer.status}`;
  } catch (error) {
    signal.throwIfAborted();
    const why =
      error instanceof Error ? ((error.cause as Error | undefined)?.message ?? error.message) : error;
    return `did not answer (${why})`;
  }
}

/** Time for a proxy to notice that an address is gone. */
const settleMs = 5_000;

/**
 * Retries for a few seconds until the answer is 2xx.
 *
 * @returns the last problem.
 */
export async function lastingTroubleAt(
  url: string,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const until = clock.elapsed() + settleMs;
  for (;;) {
    const trouble = await troubleAt(url, signal);
    if (trouble === undefined || clock.elapsed() >= until) return trouble;
    await clock.sleep(500, signal);
  }
}
