import type { Clock } from '../kernel/clock.ts';
import type { EdgeColour, GuardClient } from './edge/guard.ts';

const pollMs = 100;

export interface DrainOptions {
  /** When it is not waited any longer, ms. */
  readonly limitMs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  readonly note?: (text: string) => void;
}

/**
 * Waits until nothing is in flight in a colour that gets no new traffic: a container may be stopped then without
 * taking an answer from anybody, also one whose app ends at once when it is told to.
 *
 * @returns requests and WebSockets that were left at the limit. An edge that does not answer has none to tell of.
 */
export async function drainColour(
  guards: Iterable<Pick<GuardClient, 'status'>>,
  colour: EdgeColour,
  options: DrainOptions,
): Promise<number> {
  const { limitMs, clock, signal, note } = options;
  const all = [...guards];
  const until = clock.elapsed() + limitMs;
  for (;;) {
    const counts = await Promise.all(all.map((guard) => inFlight(guard, colour)));
    const left = counts.reduce((sum, count) => sum + count, 0);
    if (left === 0 || clock.elapsed() >= until) return left;
    note?.(`${left} connections still on the old release`);
    await clock.sleep(pollMs, signal);
  }
}

async function inFlight(guard: Pick<GuardClient, 'status'>, colour: EdgeColour): Promise<number> {
  const status = await guard.status().catch(() => undefined);
  return status?.colours[colour].current ?? 0;
}
