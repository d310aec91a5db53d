import { describe, expect, test, vi } from 'vitest';
import type { Clock } from '../../../src/kernel/clock.ts';
import { createLog, fitted, type Log, type LogOptions, quietLog } from '../../../src/kernel/log.ts';
import { createMask } from '../../../src/kernel/masking/mask.ts';

/** A log at a standing clock, and what it has written. */
function logOf(options: Partial<LogOptions> = {}) {
  const time = { now: Date.UTC(2026, 10, 21, 2, 15, 7), elapsed: 0 };
  const clock: Clock = { now: () => time.now, elapsed: () => time.elapsed, sleep: async () => {} };
  const mask = createMask();
  mask.add('s3cret-value');
  const written: string[] = [];
  const log = createLog({
    ...{ mode: 'plain', verbose: false, colour: false, clock, mask },
    write: (text) => written.push(text),
    ...options,
  });
  return { log, time, text: () => written.join('') };
}

function sayAll(log: Log): void {
  log.info('info\nof two lines');
  log.warn('warn');
  log.error('error');
  log.detail('detail');
  log.foreign('out 1\nout 2\n\n');
}

describe('plain', () => {
  test('each line has its time', () => {
    const { log, text } = logOf();
    sayAll(log);
    expect(text()).toBe(
      [
        '02:15:07 info',
        '02:15:07 of two lines',
        '02:15:07 ! warn',
        '02:15:07 ✗ error',
        '02:15:07     │ out 1',
        '02:15:07     │ out 2',
        '',
      ].join('\n'),
    );
  });

  test('indented lines, which people copy, have none', () => {
    const { log, text } = logOf();
    log.info('  → Write this:\n    app: myapp');
    expect(text()).toBe('  → Write this:\n    app: myapp\n');
  });

  test('quiet, only warnings and errors are left', () => {
    const { log, text } = logOf();
    const quiet = quietLog(log);
    sayAll(quiet);
    quiet.group('group', 'text');
    quiet.step('backup').failed('no space');
    expect(text()).toBe('02:15:07 ! warn\n02:15:07 ✗ error\n');
  });

  test('details only when asked for', () => {
    const { log, text } = logOf({ verbose: true });
    log.detail('detail');
    expect(text()).toBe('02:15:07   detail\n');
  });

  test('a step is one line when it has ended', () => {
    const { log, text, time } = logOf();
    const step = log.step('transfer', 'prod-1');
    step.note('pulling backend');
    expect(text()).toBe('');
    time.elapsed = 3_240;
    step.done('3 images');
    log.step('backup').failed('no space');
    log.step('prune').done();
    expect(text()).toBe(
      [
        '02:15:07 ✓ transfer (prod-1)           3.2 s  3 images',
        '02:15:07 ✗ backup                       0 ms  no space',
        '02:15:07 ✓ prune                        0 ms',
        '',
      ].join('\n'),
    );
  });
});

describe('terminal', () => {
  test('without a time, with colours where they are wanted', () => {
    const { log, text } = logOf({ mode: 'terminal', colour: true });
    log.warn('warn');
    log.step('start').done('blue');
    expect(text()).toBe(
      '\u001b[33m! warn\u001b[39m\n\u001b[32m✓\u001b[39m start                    \u001b[2m    0 ms\u001b[22m  blue\n',
    );
  });

  test('the line of what runs now is drawn, replaced and cleared', () => {
    vi.useFakeTimers();
    try {
      const { log, text, time } = logOf({ mode: 'terminal' });
      const pull = log.step('transfer');
      const dump = log.step('backup');
      dump.note('12 MB\n::s3cret-value\u001b[2J');
      time.elapsed = 2_000;
      vi.advanceTimersByTime(100);
      expect(text()).toBe('… backup (+1) 2.0 s  12 MB : :***');
      log.info('hello');
      expect(text()).toBe('… backup (+1) 2.0 s  12 MB : :***\r\u001b[Khello\n');
      dump.done();
      pull.done();
      const ended = text();
      vi.advanceTimersByTime(1_000);
      expect(text()).toBe(ended);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('json', () => {
  test('each line is a record', () => {
    const { log, text } = logOf({ mode: 'json', verbose: true });
    sayAll(log);
    const records = text()
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    const time = '2026-11-21T02:15:07.000Z';
    expect(records).toEqual([
      { time, level: 'info', message: 'info\nof two lines' },
      { time, level: 'warn', message: 'warn' },
      { time, level: 'error', message: 'error' },
      { time, level: 'detail', message: 'detail' },
      { time, level: 'foreign', message: 'out 1\nout 2' },
    ]);
  });

  test('a step’s record has its figures', () => {
    const { log, text, time } = logOf({ mode: 'json' });
    const step = log.step('transfer', 'prod-1');
    time.elapsed = 3_240.4;
    step.done('3 images');
    expect(JSON.parse(text())).toMatchObject({
      level: 'step',
      message: 'transfer (prod-1)  3.2 s  3 images',
      step: 'transfer',
      host: 'prod-1',
      outcome: 'done',
      ms: 3240,
      summary: '3 images',
    });
  });
});

describe('hostile text', () => {
  const hostile = '::error::no\n\u001b[2J\u001b]0;title\u0007##[add-mask]x\r::stop\u0000 \u009b31mred';

  test.each(['terminal', 'plain'] as const)('neither drives a terminal nor GitHub’s runner: %s', (mode) => {
    const { log, text } = logOf({ mode, verbose: true });
    for (const say of [log.info, log.warn, log.error, log.detail, log.foreign]) say(hostile);
    log.step(hostile, hostile).failed(hostile);
    expect(text()).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(text()).not.toMatch(/##\[|^\s*::/m);
    expect(text()).toContain('# #[add-mask]x');
  });

  test('stays data in JSON, and no command', () => {
    const { log, text } = logOf({ mode: 'json' });
    log.foreign(hostile);
    expect(text()).not.toMatch(/##\[|^\s*::|\u001b/m);
    expect(JSON.parse(text())).toMatchObject({ message: hostile });
  });
});

describe('secrets', () => {
  test.each(['terminal', 'plain', 'json'] as const)('are masked in all that is said: %s', (mode) => {
    const { log, text } = logOf({ mode, verbose: true });
    for (const say of [log.info, log.warn, log.error, log.detail, log.foreign]) say('a s3cret-value b');
    log.step('s3cret-value', 's3cret-value').failed('s3cret-value');
    expect(text()).not.toContain('s3cret-value');
    expect(text()).toContain('a *** b');
  });

  test('are masked also when a control sequence cuts them', () => {
    const { log, text } = logOf();
    log.foreign('a s3cret\u001b[0m-value b');
    expect(text()).toBe('02:15:07     │ a *** b\n');
  });
});

test.each([
  ['as it is', '… upload 3 s  2 of 9 files', 40, '… upload 3 s  2 of 9 files'],
  [
    'a long word without its middle',
    '… upload 3 s  https://app.example.com/assets/chunks/app-1a2b3c4d.js',
    48,
    '… upload 3 s  https://app.exam…/app-1a2b3c4d.js',
  ],
  ['the end as well', '… upload 3 s  one two three four five six seven', 20, '… upload 3 s  one t…'],
])('a live line that does not fit: %s', (_, line, width, shown) => {
  expect(fitted(line, width)).toBe(shown);
  expect(shown.length).toBeLessThanOrEqual(width);
});
