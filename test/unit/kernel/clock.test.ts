import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { formatDuration } from '../../../src/kernel/figures.ts';

describe('formatDuration', () => {
  test.each<[number, string]>([
    [0, '0 ms'],
    [0.4, '0 ms'],
    [740.2, '740 ms'],
    [999.4, '999 ms'],
    [999.5, '1.0 s'],
    [3_249, '3.2 s'],
    [59_949, '59.9 s'],
    [59_950, '1 m 00 s'],
    [60_000, '1 m 00 s'],
    [119_600, '2 m 00 s'],
    [245_000, '4 m 05 s'],
    [4_503_000, '75 m 03 s'],
  ])('%d ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('systemClock.sleep', () => {
  test('ends after its time, and leaves no listener at the signal', async () => {
    const controller = new AbortController();
    const begun = systemClock.elapsed();
    await systemClock.sleep(20, controller.signal);
    expect(systemClock.elapsed() - begun).toBeGreaterThanOrEqual(19);
    controller.abort();
  });

  test('rejects at once with the reason of the signal', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const sleeping = systemClock.sleep(60_000, controller.signal);
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    await expect(systemClock.sleep(60_000, controller.signal)).rejects.toBe(reason);
  });
});
