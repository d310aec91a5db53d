import { expect, test } from 'vitest';
import { retry, retryAfterMs } from '../../../src/kernel/retry.ts';

function recordingClock() {
  const slept: number[] = [];
  return {
    slept,
    sleep: async (ms: number, signal?: AbortSignal) => {
      signal?.throwIfAborted();
      slept.push(ms);
    },
  };
}

test('pauses between attempts and returns the first success', async () => {
  const clock = recordingClock();
  const work = async (attempt: number) => {
    if (attempt < 3) throw new Error(`attempt ${attempt}`);
    return attempt;
  };
  await expect(retry(work, { clock, pauseMs: (_, attempt) => 100 * attempt })).resolves.toBe(3);
  expect(clock.slept).toEqual([100, 200]);
});

test('an error without a pause is final', async () => {
  const clock = recordingClock();
  const error = new Error('wrong password');
  const failing = retry(() => Promise.reject(error), { clock, pauseMs: () => undefined });
  await expect(failing).rejects.toBe(error);
  expect(clock.slept).toEqual([]);
});

test('a pause ends with the reason of the signal', async () => {
  const reason = new Error('cancelled');
  const signal = AbortSignal.abort(reason);
  const failing = retry(() => Promise.reject(new Error('busy')), {
    clock: recordingClock(),
    signal,
    pauseMs: () => 100,
  });
  await expect(failing).rejects.toBe(reason);
});

test.each<[string | null | undefined, number | undefined]>([
  ['3', 3000],
  [' 0 ', 0],
  ['Thu, 01 Jan 2026 00:00:04 GMT', 4000],
  ['Wed, 21 Oct 2015 07:28:00 GMT', 0],
  ['1.5', 1500],
  ['-5', undefined],
  ['soon', undefined],
  ['', undefined],
  [null, undefined],
  [undefined, undefined],
])('Retry-After %s is %s ms', (header, expected) => {
  expect(retryAfterMs(header, Date.parse('2026-01-01T00:00:00Z'))).toBe(expected);
});
