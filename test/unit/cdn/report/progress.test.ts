import { describe, expect, test } from 'vitest';
import { type Phase, type Progress, phases } from '../../../../src/cdn/model.ts';
import { followPublication, progressText, stateAfter } from '../../../../src/cdn/report/progress.ts';
import { UserError, UserErrors } from '../../../../src/kernel/errors.ts';
import { createLog, type LogMode } from '../../../../src/kernel/log.ts';
import { createMask } from '../../../../src/kernel/masking/mask.ts';

/** A follower whose log and time a test holds in its hand. */
function follow(mode: LogMode = 'plain') {
  let now = 0;
  const written: string[] = [];
  const clock = { now: () => now, elapsed: () => now, sleep: async () => {} };
  const log = createLog({
    ...{ mode, verbose: false, colour: false, clock, mask: createMask(() => {}) },
    write: (text) => void written.push(text),
  });
  const abort = new AbortController();
  const follower = followPublication({ log, clock, signal: abort.signal });
  const at = (ms: number, phase: Phase, more: Partial<Progress> = {}) => {
    now = ms;
    follower.onProgress({ phase, files: 0, ofFiles: 0, bytes: 0, ofBytes: 0, ...more });
  };
  return { follower, at, abort, text: () => written.join('') };
}

const mib = 1024 * 1024;

describe('progress', () => {
  test.each<[Partial<Progress>, number, string]>([
    [
      { files: 4_512, ofFiles: 10_000, bytes: 40 * mib, ofBytes: 92 * mib },
      2_000,
      '4,512 of 10,000 files, 40.0 MiB of 92.0 MiB, 20.0 MiB/s',
    ],
    [{ files: 0, ofFiles: 1, bytes: 0, ofBytes: 10 }, 100, '0 of 1 file, 0 B of 10 B'],
    [{ files: 2, ofFiles: 3 }, 900, '2 of 3 files'],
    [{}, 900, ''],
  ])('%o', (progress, ms, text) => {
    expect(progressText({ files: 0, ofFiles: 0, bytes: 0, ofBytes: 0, ...progress }, ms)).toBe(text);
  });

  test('is a line for each phase in a log, and one now and then while a phase lasts', () => {
    const { follower, at, text } = follow();
    at(0, 'lease');
    at(100, 'assets', { ofFiles: 500, ofBytes: 90 * mib });
    for (let ms = 200; ms <= 45_000; ms += 100)
      at(ms, 'assets', { files: ms / 100, ofFiles: 500, bytes: (ms - 100) * 1024, ofBytes: 90 * mib });
    at(50_000, 'pages', { files: 1, ofFiles: 2, bytes: 10, ofBytes: 20 });
    at(50_000, 'pages', { files: 2, ofFiles: 2, bytes: 20, ofBytes: 20 });
    at(50_000, 'pages', { files: 1, ofFiles: 1, bytes: 10, ofBytes: 10 });
    follower.done();
    expect(
      text()
        .split('\n')
        .map((line) => line.replace(/^\S+ /, '')),
    ).toEqual([
      '✓ inspect                      0 ms',
      '✓ lock                       100 ms',
      'assets: 201 of 500 files, 19.5 MiB of 90.0 MiB, 1000.0 KiB/s',
      'assets: 401 of 500 files, 39.1 MiB of 90.0 MiB, 1000.0 KiB/s',
      '✓ assets                     49.9 s  500 files, 90.0 MiB',
      '✓ pages                        0 ms  3 files, 30 B',
      '',
    ]);
  });
});

describe('a publication that does not end', () => {
  const known = new UserError({ code: 'cdn.store-unreachable', message: 'no answer', hint: 'Run again.' });

  test.each([undefined, ...phases])('in %s says what visitors get', (phase) => {
    const { follower, at } = follow();
    if (phase !== undefined) at(0, phase);
    expect(follower.failed(known)).toMatchObject({
      ...{ code: 'cdn.store-unreachable', message: 'no answer' },
      hint: `Run again.\n${stateAfter(phase)}`,
    });
  });

  test('promises the old site until a file of it is overwritten, and the new one once it is committed', () => {
    const says = (pattern: RegExp) => phases.filter((phase) => pattern.test(stateAfter(phase)));
    expect(says(/site is unchanged/)).toEqual(['lease', 'keep', 'assets']);
    expect(says(/new release is published/)).toEqual(['invalidate', 'prune', 'verify']);
  });

  test('tells a cancel from a failure in the log, and keeps its code', () => {
    const { follower, at, abort, text } = follow();
    at(0, 'pages', { ofFiles: 2 });
    abort.abort(new UserError({ code: 'cancelled', message: 'Cancelled (SIGINT)' }));
    expect(follower.failed(abort.signal.reason)).toMatchObject({
      code: 'cancelled',
      hint: stateAfter('pages'),
    });
    expect(text()).toMatch(/✗ pages .* {2}cancelled\n$/);
  });

  test('leaves errors alone that are bugs, or many, or say it themselves', () => {
    const many = new UserErrors([known, known]);
    const bug = new TypeError('x is undefined');
    const busy = new UserError({ code: 'cdn.busy', message: 'Nothing was changed.' });
    for (const error of [many, bug, busy]) expect(follow().follower.failed(error)).toBe(error);
  });
});
