import type { Clock } from '../../kernel/clock.ts';
import type { Fault } from './fault.ts';

/** How long a warning may keep a publication from its end, ms. */
const soonMs = 10_000;
const pauses = { first: 500, longest: 5000 } as const;

/** Decides what is worth asking again. */
export interface Patience {
  again(faults: readonly Fault[]): boolean;
  /** Longer each time, and never over the end. */
  pause(): Promise<void>;
}

/** @param forMs from now on. */
export function createPatience(forMs: number, clock: Clock, signal: AbortSignal): Patience {
  const begun = clock.elapsed();
  const ends = { release: forMs, soon: Math.min(forMs, soonMs), never: 0 } as const;
  let next: number = pauses.first;
  return {
    again: (faults) => {
      const gone = clock.elapsed() - begun;
      return faults.some(({ mends }) => gone < ends[mends]);
    },
    pause: async () => {
      // At least one: a clock that stands on the end exactly would never pass it.
      const left = Math.max(1, forMs - (clock.elapsed() - begun));
      await clock.sleep(Math.min(next, left), signal);
      next = Math.min(next * 2, pauses.longest);
    },
  };
}
