import fc from 'fast-check';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { describe, expect, test } from 'vitest';
import type { ChecksReport } from '../../../../src/checks/model.ts';
import { checksAnnotations } from '../../../../src/checks/report/annotations.ts';
import { checksJunit } from '../../../../src/checks/report/junit.ts';
import { checksSummary } from '../../../../src/checks/report/summary.ts';
import { checksTerminal } from '../../../../src/checks/report/terminal.ts';
import { judge } from '../../../../src/checks/verdict/judge.ts';
import { checksJson } from '../../../../src/operations/checks/reports.ts';
import { withinLimits } from '../../../../src/report/annotations.ts';
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
} from '../../../support/checks/fixtures.ts';
import { hostile, hostileTexts } from '../../../support/report/hostile.ts';
import { expectNoForeignMarkup, expectWhole } from '../../../support/report/markdown-shape.ts';

const terminal = (report: ChecksReport) => checksTerminal(report, { colour: false });

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
      '<a href="https://github.com/acme/app/blob/abc/backend/app.py#L1"><code>backend/app.py:1:8</code></a> <a href="https://docs.astral.sh/ruff/rules/unused-import">F401</a> (medium; not in the change)<br>`os` imported but unused<br>`import os`<br>→ Remove the import.',
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
    const suites = testsuites.testsuite.map((suite: Record<string, string>) =>
      [suite.name, suite.tests, suite.failures, suite.errors, suite.skipped].join(' '),
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
