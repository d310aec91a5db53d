import { counted, formatSeconds } from '../../kernel/figures.ts';
import { oneLine } from '../../report/text.ts';
import { percent, ranges } from '../coverage/totals.ts';
import type { ChecksReport, TestTotals } from '../model.ts';
import { abridged } from './words.ts';

/** Tests of all checks that have some, as one. */
export function testTotals({ results }: ChecksReport): TestTotals | undefined {
  const all = results.flatMap(({ tests }) => (tests === undefined ? [] : [tests]));
  if (all.length === 0) return undefined;
  const sum = (field: 'passed' | 'failed' | 'skipped' | 'flaky' | 'seconds') =>
    all.reduce((total, tests) => total + tests[field], 0);
  return {
    passed: sum('passed'),
    failed: sum('failed'),
    skipped: sum('skipped'),
    flaky: sum('flaky'),
    seconds: sum('seconds'),
    slowest: all
      .flatMap(({ slowest }) => slowest)
      .toSorted((a, b) => b.seconds - a.seconds)
      .slice(0, 10),
    flakyTests: all.flatMap(({ flakyTests }) => flakyTests),
  };
}

/** Faster tests are not worth listing as slow. */
const slowSeconds = 1;

/** `1,204 tests passed, 1 failed, 3 skipped`, the slowest three, and the flaky ones. */
export function testLines(report: ChecksReport): string[] {
  const tests = testTotals(report);
  if (tests === undefined) return [];
  const counts = [
    `${counted(tests.passed, 'test')} passed`,
    tests.failed === 0 ? '' : `${tests.failed} failed`,
    tests.skipped === 0 ? '' : `${tests.skipped} skipped`,
    tests.flaky === 0 ? '' : `${tests.flaky} flaky`,
  ].filter((part) => part !== '');
  const slow = tests.slowest
    .filter(({ seconds }) => seconds >= slowSeconds)
    .slice(0, 3)
    .map((test) => `  slow: ${formatSeconds(test.seconds)} ${oneLine(test.name, 62)}`);
  const flaky = tests.flakyTests.slice(0, 5).map((test) => `  flaky: ${oneLine(test, 70)}`);
  return [counts.join(', '), ...slow, ...flaky];
}

/** `coverage: 91.2 % of 4,812 lines; 40 % of the 20 changed ones (not covered: app/main.py 12-14, 20)` */
export function coverageLine({ coverage }: ChecksReport): string[] {
  if (coverage === undefined || coverage.total === undefined) return [];
  const { total, changed, lines, changedLines, missedInChange } = coverage;
  const missed = Object.entries(missedInChange)
    .filter(([, numbers]) => numbers.length > 0)
    .map(([file, numbers]) => `${oneLine(file, 100)} ${abridged(ranges(numbers), 6)}`);
  const where = missed.length === 0 ? '' : ` (not covered: ${abridged(missed)})`;
  const ofChange =
    changed === undefined ? '' : `; ${percent(changed)} of ${counted(changedLines, 'changed line')}${where}`;
  return [`coverage: ${percent(total)} of ${counted(lines, 'line')}${ofChange}`];
}
