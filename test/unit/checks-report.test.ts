import fc from 'fast-check';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { describe, expect, test } from 'vitest';
import { judge } from '../../src/checks/judge.ts';
import type { ChecksReport, RawResult } from '../../src/checks/model.ts';
import { checksAnnotations } from '../../src/checks/report/annotations.ts';
import { checksJson } from '../../src/checks/report/json.ts';
import { checksJunit } from '../../src/checks/report/junit.ts';
import { checksSummary } from '../../src/checks/report/summary.ts';
import { checksTerminal } from '../../src/checks/report/terminal.ts';
import { percent, ranges } from '../../src/checks/report/tests.ts';
import { verdictLine } from '../../src/checks/report/words.ts';
import { withinLimits } from '../../src/report/annotations.ts';
import {
  changed,
  context,
  cve,
  everything,
  finding,
  fullReport,
  missing,
  ran,
  settings,
} from './checks-fixtures.ts';
import { expectNoForeignMarkup, expectWhole } from './markdown-shape.ts';
import { hostile, hostileTexts } from './report-hostile.ts';

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
      'review: 1 check of 2 asks for a review — trivy (1 finding)',
    ],
    [
      'not run',
      [missing('trivy', 'no database.'), ran('ruff')],
      'did-not-run: 1 check of 2 did not run — trivy (no database)',
    ],
    ['nothing', [], 'did-not-run: there is nothing here that a check is for'],
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
      '  backend/tests/test_books.py:12 tests/test_books.py::test_list (medium; not in the change)',
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
      'coverage: 91.2 % of 4,812 lines; 40 % of 20 changed lines (not run:',
      '  backend/app.py 12-14, 20)',
      '',
      'note: Something about the run.',
      '',
      '12.4 s in all',
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
  });

  test.each([
    [1, 0, 'note: 1 entry of .sluice-baseline.json has expired and accepts nothing any more'],
    [0, 2, 'note: 2 entries of .sluice-baseline.json match nothing any more: `sluice check'],
  ])('what the baseline has to say: %i expired, %i unused', (expired, unused, line) => {
    expect(terminal({ ...fullReport, baseline: baseline(expired, unused) })).toContain(line);
  });
});

describe('in the job summary', () => {
  test('verdict, tests and coverage, a table for each kind, then findings with line, code and fix', () => {
    const text = checksSummary(fullReport, undefined, { files: 'https://github.com/acme/app/blob/abc' });
    const parts = [
      '## ❌ fail: 2 checks of 6 fail, 1 did not run — ruff (2 findings), pytest (1 failed test)',
      '1,204 tests passed, 1 failed, 3 skipped, 1 flaky<br>\ncoverage: 91.2 % of 4,812 lines',
      '- Something about the run.',
      '### Lint',
      '| ❌ | `ruff` | 2 findings, 1 note | 1.2 s |  |',
      '| ⏭️ | `mypy` | skipped: stubs are being written |  |  |',
      '### Tests',
      '| ❌ | `pytest` | 1 failed test, 1 flaky, 1,208 tests | 43.2 s | 9.2.0 |',
      '### Scan',
      '### ❌ ruff\n\n`cd backend && ruff .`',
      '<a href="https://github.com/acme/app/blob/abc/backend/app.py#L1"><code>backend/app.py:1:8</code></a> <a href="https://docs.astral.sh/ruff/rules/unused-import">F401</a> (medium, not in the change)<br>`os` imported but unused<br>`import os`<br>→ Remove the import.',
      '### ⚠️ trufflehog',
      '**Did not run:** its output ended in the middle\n\n→ Run it again.\n\n```text\npanic: boom',
      '<details><summary>Slowest tests</summary>',
    ];
    const places = parts.map((part) => text.indexOf(part));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  test('a check with thousands of findings does not hide the others', () => {
    const many = Array.from({ length: 9000 }, (_, index) =>
      finding({ at: { file: 'a.py', line: index + 1 } }),
    );
    const raw = [ran('ruff', many), ran('mypy', [finding({ tool: 'mypy', rule: 'arg-type' })])];
    const text = checksSummary(judge(raw, context()), 20_000);
    expect(text).toMatch(/… and [\d,]+ findings more/);
    expect(text).toContain('arg-type');
  });

  test('keeps to any room, and stays whole', () => {
    const reports = [fullReport, ...hostileTexts.map((_, seed) => hostile(fullReport, seed, ofChecks))];
    fc.assert(
      fc.property(fc.constantFrom(...reports), fc.integer({ min: 128, max: 20_000 }), (report, room) => {
        const text = checksSummary(report, room);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(room);
        expect(text.startsWith('## ')).toBe(true);
        expectWhole(text);
      }),
      { numRuns: 300 },
    );
  });
});

describe('as annotations', () => {
  test('what did not run, then the worst; notes for the change alone, nothing that is accepted', () => {
    const report = judge(
      [
        ...everything,
        ran('biome', [
          finding({ tool: 'biome', rule: 'X', level: 'note', at: { file: 'backend/app.py', line: 1 } }),
        ]),
        ran('eslint', [finding({ tool: 'eslint', rule: 'ignored' })]),
      ],
      context({ changed, settings: { ...settings, ignore: { ignored: 'x' } } }),
    );
    expect(checksAnnotations(report).map(({ level, title, line }) => `${level} ${title} ${line}`)).toEqual([
      'error trufflehog did not run undefined',
      'error ruff: F401 2',
      'error ruff: F401 1',
      'error pytest: tests/test_books.py::test_list 12',
      'warning trivy: CVE-2020-8203 2',
      'notice ruff: D100 undefined',
    ]);
  });

  test('ten in all, the last one counts the others', () => {
    const many = Array.from({ length: 30 }, (_, index) => finding({ at: { file: 'a.py', line: index + 1 } }));
    const report = judge([ran('ruff', many), ran('trivy', [cve])], context());
    const shown = withinLimits(checksAnnotations(report));
    expect(shown).toHaveLength(10);
    expect(shown.at(-1)).toMatchObject({ level: 'error', title: '22 more' });
    expect(shown[0]).toMatchObject({ file: 'a.py', line: 1, message: '`os` imported but unused' });
  });
});

describe('as JUnit XML and JSON', () => {
  test('a suite for each check, with the totals of its tests', () => {
    const xml = checksJunit(fullReport);
    expect(XMLValidator.validate(xml)).toBe(true);
    const { testsuites } = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' }).parse(xml);
    expect(testsuites).toMatchObject({
      tests: '1214',
      failures: '4',
      errors: '1',
      skipped: '4',
      time: '12.400',
    });
    const suites = testsuites.testsuite.map((each: Record<string, string>) =>
      [each.name, each.tests, each.failures, each.errors, each.skipped].join(' '),
    );
    expect(suites).toEqual([
      ...[
        'ruff 2 2 0 0',
        'black 1 0 0 0',
        'mypy 1 0 0 1',
        'pytest 1208 1 0 3',
        'trivy 1 1 0 0',
        'trufflehog 1 0 1 0',
      ],
    ]);
  });

  test('the JSON is the report, with a version', () => {
    expect(JSON.parse(checksJson(fullReport))).toEqual({
      version: 1,
      ...JSON.parse(JSON.stringify(fullReport)),
    });
  });
});

const ofChecks = new Set(['verdict', 'status', 'category', 'level', 'severity', 'outcome', 'fingerprint']);

/** The runner obeys `##[command]` anywhere in a line and `::command::` at its start. */
function expectNoCommand(text: string): void {
  expect(text).not.toContain('##[');
  expect(text).not.toMatch(/^\s*::/m);
}

describe('text that tries to be more than text', () => {
  const loud = { name: '::error::x ##[error]', message: `${'x'.repeat(1_000_000)}\u0000\u001b[31m` };
  const huge = judge(
    [
      missing('::error::x', loud.message, {
        output: `${loud.message}\n::error::y`,
        fix: '##[group]',
      } as never),
      ran('ruff', [
        finding({ message: loud.message, rule: loud.name, fix: loud.message, at: { file: loud.name } }),
      ]),
    ],
    context(),
  );
  const reports = [huge, ...hostileTexts.map((_, seed) => hostile(fullReport, seed, ofChecks))];

  test.each(reports.map((_, index) => index))(
    'drives no terminal, no runner, no page and no parser (%i)',
    (index) => {
      const report = reports[index] as ChecksReport;
      const shown = terminal(report);
      expectNoCommand(shown);
      expect(shown).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
      const markdown = checksSummary(report, undefined, { files: 'https://github.com/a/b/blob/c' });
      expectNoForeignMarkup(markdown);
      expectWhole(markdown);
      expect(XMLValidator.validate(checksJunit(report))).toBe(true);
      expect(checksJunit(report)).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
      expectNoCommand(checksJson(report));
      expect(Buffer.byteLength(shown)).toBeLessThan(60_000);
      expect(Buffer.byteLength(markdown)).toBeLessThan(60_000);
    },
  );
});

test('shares are rounded down, lines are grouped', () => {
  expect([percent(1), percent(0.9999), percent(0.29), percent(0)]).toEqual([
    '100 %',
    '99.9 %',
    '29 %',
    '0 %',
  ]);
  expect(ranges([5, 1, 2, 3, 9, 10, 3])).toEqual(['1-3', '5', '9-10']);
});
