import type { Clock } from '../../kernel/clock.ts';
import type { Fault } from './fault.ts';

/** How long a warning may delay the end of a publication, ms. */
const soonMs = 10_000;
const pauses = { first: 500, longest: 5000 } as const;

/** Decides which faults to check again. */
export interface Patience {
  again(faults: readonly Fault[]): boolean;
  /** Longer each time, never past the deadline. */
  pause(): Promise<void>;
}

/** @param forMs from now. */
export function createPatience(forMs: number, clock: Clock, signal: AbortSignal): Patience {
  const begun = clock.elapsed();
  const ends = { release: forMs, soon: Math.min(forMs, soonMs), never: 0 } as const;
  let next: number = pauses.first;
  return {
    again: (faults) => {
      const gone = clock.elapsed() - begun;
      return faults.some(({ clears }) => gone < ends[clears]);
    },
    pause: async () => {
      // At least 1 ms: a clock exactly at the deadline never passes it.
      const left = Math.max(1, forMs - (clock.elapsed() - begun));
      await clock.sleep(Math.min(next, left), signal);
      next = Math.min(next * 2, pauses.longest);
    },
  };
}
