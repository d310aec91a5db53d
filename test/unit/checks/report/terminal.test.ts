import { describe, expect, test } from 'vitest';
import { ranges } from '../../../../src/checks/coverage/totals.ts';
import type { ChecksReport, RawResult } from '../../../../src/checks/model.ts';
import { checksAnnotations } from '../../../../src/checks/report/annotations.ts';
import { checksJunit } from '../../../../src/checks/report/junit.ts';
import { checksSummary } from '../../../../src/checks/report/summary.ts';
import { checksTerminal } from '../../../../src/checks/report/terminal.ts';
import { verdictLine } from '../../../../src/checks/report/words.ts';
import { judge } from '../../../../src/checks/verdict/judge.ts';
import { formatShareDown } from '../../../../src/kernel/figures.ts';
import {
  context,
  cve,
  everything,
  finding,
  fullReport,
  missing,
  ran,
  settings,
} from '../../../support/checks/fixtures.ts';

const terminal = (report: ChecksReport) => checksTerminal(report, { colour: false });
const baseline = (expired: number, unused: number) => ({
  ...fullReport.baseline,
  ...{ expired, unused },
});

describe('the first line', () => {
  const skipped: RawResult = { ...ran('mypy'), output: undefined, skipReason: 'x' };
  test.each<[string, readonly RawResult[], string]>([
    ['pass', [ran('ruff'), ran('black')], 'pass: 2 checks pass'],
    ['a skip is told', [ran('ruff'), skipped], 'pass: 1 check passes (1 skipped)'],
    ['all skipped', [skipped], 'pass: sluice.yml skips every check (1 skipped)'],
    ['one of two', [ran('ruff', [finding()]), ran('mypy')], 'fail: 1 check of 2 fails — ruff (1 finding)'],
    ['the only one', [ran('ruff', [finding()])], 'fail: the only check fails — ruff (1 finding)'],
    [
      'a review',
      [ran('trivy', [cve]), ran('ruff')],
      'review: 1 check of 2 needs a review — trivy (1 finding)',
    ],
    [
      'not run',
      [missing('trivy', 'no database.'), ran('ruff')],
      'did not run: 1 check of 2 did not run — trivy (no database)',
    ],
    ['nothing', [], 'did not run: this repository has nothing to check'],
    [
      'many',
      ['a', 'b', 'c', 'd', 'e'].map((id) => ran(id, [finding({ tool: id })])),
      'fail: 5 checks of 5 fail — a (1 finding), b (1 finding), c (1 finding) and 2 more',
    ],
    [
      'all sorts',
      everything,
      'fail: 2 checks of 6 fail, 1 did not run — ruff (2 findings), pytest (1 failed test)',
    ],
  ])('%s', (_, raw, line) => {
    expect(verdictLine(judge(raw, context()))).toBe(line);
  });

  test('what is accepted is counted', () => {
    const report = judge(
      [ran('ruff', [finding()])],
      context({ settings: { ...settings, ignore: { F401: 'x' } } }),
    );
    expect(verdictLine(report)).toBe('pass: 1 check passes (1 finding accepted)');
  });
});

describe('in a terminal', () => {
  test('the verdict, a line for each check, then what there is to mend and how to see it again', () => {
    expect(terminal(fullReport).split('\n')).toEqual([
      '✗ fail: 2 checks of 6 fail, 1 did not run — ruff (2 findings), pytest (1 failed',
      '  test)',
      '',
      '  ✗ ruff              1.2 s  2 findings, 1 note',
      '  ✓ black             1.2 s',
      '  - mypy                     skipped: stubs are being written',
      '  ✗ pytest           43.2 s  1 failed test, 1 flaky, 1,208 tests',
      '  ? trivy             1.2 s  1 finding',
      '  ! trufflehog       0.10 s  did not run: its output ended in the middle',
      '',
      '✗ ruff',
      '  $ cd backend && ruff .',
      '  backend/app.py:2:8 F401 (medium)',
      '    `sys` imported but unused',
      '    | import sys',
      '  backend/app.py:1:8 F401 (medium; not in the change)',
      '    `os` imported but unused',
      '    | import os',
      '    → Remove the import.',
      '',
      '✗ pytest',
      '  $ cd backend && pytest --cov=app',
      '  backend/tests/test_books.py:12 tests/test_books.py::test_list (medium)',
      '    assert 3 == 4',
      '',
      '? trivy',
      '  $ trivy fs .',
      '  frontend/package-lock.json:2 CVE-2020-8203 (review, high; not in the change)',
      '    lodash 4.17.15 has a prototype pollution; there is no fixed version yet.',
      '    | "lodash": "4.17.15"',
      '',
      '! trufflehog',
      '  $ trufflehog git file://.',
      '  its output ended in the middle',
      '  → Run it again.',
      '  | panic: boom',
      '  | ::error::x',
      '',
      '1,204 tests passed, 1 failed, 3 skipped, 1 flaky',
      '  slow: 4.2 s tests/test_books.py::test_search',
      '  slow: 2.1 s tests/test_books.py::test_list',
      '  flaky: tests/test_mail.py::test_sends',
      '',
      'coverage: 91.2 % of 4,812 lines; 40 % of 20 changed lines (not covered:',
      '  backend/app.py 12-14, 20)',
      '',
      'note: Something about the run.',
      '',
      '12.4 s in total',
    ]);
  });

  test('ten findings of a check, and how many more', () => {
    const many = Array.from({ length: 25 }, (_, index) => finding({ at: { file: 'a.py', line: index + 1 } }));
    const text = terminal(judge([ran('ruff', many)], context()));
    expect(text.match(/^ {2}a\.py/gm)).toHaveLength(10);
    expect(text).toContain('… and 15 findings more');
  });

  test('colour only when asked for', () => {
    expect(terminal(fullReport)).not.toContain('\u001b');
    expect(checksTerminal(fullReport, { colour: true })).toContain('\u001b[31m✗');
  });

  test('a finding of two tools is shown once, and the other check says where', () => {
    const raw = [ran('ruff', [finding()]), ran('flake8', [finding({ tool: 'flake8' })])];
    const text = terminal(judge(raw, context()));
    expect(text).toContain('F401 (medium; also flake8)');
    expect(text).toMatch(/✗ flake8 +1\.2 s {2}1 shown with ruff/);
    expect(text.match(/imported but unused/g)).toHaveLength(1);
    expect(checksJunit(judge(raw, context()))).toContain('<testsuite name="flake8" tests="1" failures="1"');
  });

  test.each([
    [1, 0, 'note: 1 entry of .sluice-baseline.json has expired and no longer applies'],
    [0, 2, 'note: 2 entries of .sluice-baseline.json no longer match: `sluice check'],
  ])('what the baseline has to say: %i expired, %i unused', (expired, unused, line) => {
    expect(terminal({ ...fullReport, baseline: baseline(expired, unused) })).toContain(line);
  });
});

test('shares are rounded down, lines are grouped', () => {
  expect([formatShareDown(1), formatShareDown(0.9999), formatShareDown(0.29), formatShareDown(0)]).toEqual([
    '100 %',
    '99.9 %',
    '29 %',
    '0 %',
  ]);
  expect(ranges([5, 1, 2, 3, 9, 10, 3])).toEqual(['1-3', '5', '9-10']);
});

test('what stops several checks is told once, in every output', () => {
  const why = 'pip install -r requirements.txt failed';
  const raw = [missing('ruff', why), ran('tsc'), missing('black', why), missing('trivy', 'no database')];
  const report = judge(raw, context());
  expect(verdictLine(report)).toBe(
    `did not run: 3 checks of 4 did not run — ruff, black (${why}), trivy (no database)`,
  );
  for (const text of [terminal(report), checksSummary(report)]) {
    expect(text).toContain('did not run, see ruff');
    expect(text).toMatch(/^(?:!|### \S+) ruff, black$/m);
  }
  expect(terminal(report).replace(/\s+/g, ' ').split(why)).toHaveLength(4);
  expect(checksAnnotations(report).map(({ title }) => title)).toEqual([
    'ruff, black did not run',
    'trivy did not run',
  ]);
});
