import { expect } from 'vitest';
import { stageLoad } from '../../bed/demo/judge.ts';
import type { FailureGroup, LoadResult } from '../../bed/load/model.ts';
import { type RunningLoad, startLoad } from '../../bed/load/start.ts';
import type { World } from './world.ts';

/** Clients that never retry, for as long as a test file runs. */
export interface Traffic {
  /** Begins to count anew. */
  mark(): Promise<void>;
  /**
   * Expects that nobody failed since the mark.
   * @param sick version whose own errors are the point of the test.
   */
  expectNoneFailed(sick?: string): Promise<void>;
  /** What failed since the mark, where some failures are a known limit. */
  failures(): Promise<readonly FailureGroup[]>;
  stop(): Promise<void>;
}

/** Longer than the drain, so that answers outlive it; the end of an old release waits for them. */
export const slowSeconds = 1.2;

export function startTraffic(world: World): Traffic {
  const load: RunningLoad = startLoad({ urls: world.urls, rate: 60, webSockets: 1, slowSeconds });
  let before: LoadResult | undefined;
  const since = async (sick: string | undefined) => {
    const mark = before;
    if (mark === undefined) throw new Error('mark() comes first: without it nothing is counted');
    const after = await load.snapshot();
    const numbers = stageLoad({ before: mark, after, ...(sick === undefined ? {} : { sick }) });
    const told = numbers.failures.map(
      ({ client, kind, version, count }) => `${count} × ${kind} (${client}, ${version ?? 'no version'})`,
    );
    const samples = after.samples
      .filter((sample) => sample.at > mark.at)
      .map((sample) => `${Math.round(sample.at - mark.at)} ms: ${sample.client} ${sample.detail}`);
    return { numbers, told, samples };
  };
  return {
    mark: async () => {
      before = await load.snapshot();
    },
    expectNoneFailed: async (sick) => {
      const { numbers, told, samples } = await since(sick);
      expect(told, samples.slice(0, 20).join('\n')).toEqual([]);
      expect(numbers.requests).toBeGreaterThan(20);
    },
    failures: async () => (await since(undefined)).numbers.failures,
    stop: async () => {
      await load.stop();
    },
  };
}
