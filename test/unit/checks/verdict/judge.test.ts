import { describe, expect, test } from 'vitest';
import type { ChecksReport, Finding, RawResult } from '../../../../src/checks/model.ts';
import { exitCodes, judge } from '../../../../src/checks/verdict/judge.ts';
import {
  changed,
  context,
  cve,
  everything,
  finding,
  missing,
  ran,
  settings,
  sources,
} from '../../../support/checks/fixtures.ts';
import { memoryRepo } from '../../../support/checks/repo.ts';

const note = finding({ level: 'note', rule: 'D100' });
const review = finding({ level: 'review', rule: 'S608' });
const skipped: RawResult = { ...ran('mypy'), output: undefined, skipReason: 'stubs are being written' };

describe('the verdict', () => {
  test.each<[string, readonly RawResult[], string, readonly string[]]>([
    ['nothing found', [ran('ruff'), ran('black')], 'pass', ['pass', 'pass']],
    ['notes alone', [ran('ruff', [note])], 'pass', ['pass']],
    ['one fails', [ran('ruff', [note, finding()]), ran('black')], 'fail', ['fail', 'pass']],
    ['one to review', [ran('ruff', [review]), ran('black')], 'review', ['review', 'pass']],
    [
      'not run goes before a review',
      [ran('ruff', [review]), missing('mypy', 'x')],
      'did-not-run',
      ['review', 'did-not-run'],
    ],
    [
      'a failure goes before all',
      [missing('mypy', 'x'), ran('ruff', [finding(), review])],
      'fail',
      ['did-not-run', 'fail'],
    ],
    ['a named skip is no failure', [ran('ruff'), skipped], 'pass', ['pass', 'skipped']],
    [
      'a skip that nobody named',
      [ran('ruff'), { ...ran('mypy'), output: undefined }],
      'did-not-run',
      ['pass', 'did-not-run'],
    ],
    ['no check at all', [], 'did-not-run', []],
  ])('%s', (_, raw, verdict, statuses) => {
    const report = judge(raw, context());
    expect([report.verdict, report.results.map(({ status }) => status)]).toEqual([verdict, statuses]);
  });

  test('exit codes are what scripts rely on', () => {
    expect(exitCodes).toEqual({ pass: 0, fail: 1, review: 3, 'did-not-run': 4 });
  });

  test('what a tool says of itself is kept, and so is why one did not run', () => {
    const { results } = judge(everything, context());
    expect(results.find(({ check }) => check.id === 'pytest')).toMatchObject({
      version: '9.2.0',
      summary: '1,208 tests',
      tests: { passed: 1204 },
    });
    expect(results.find(({ check }) => check.id === 'trufflehog')).toMatchObject({
      why: 'its output ended in the middle',
      fix: 'Run it again.',
      output: 'panic: boom\n::error::x',
    });
  });
});

describe('findings', () => {
  const places = (findings: readonly Finding[], more = {}) =>
    judge([ran('ruff', findings)], context(more)).results[0]?.findings.map(
      ({ rule, at }) => `${rule} ${at?.line}`,
    );
  const at = (line: number) => ({ file: 'backend/app.py', line });

  test('the worst and nearest come first, whatever their order was', () => {
    const findings = [
      finding({ rule: 'note', level: 'note', at: at(1) }),
      finding({ rule: 'low', severity: 'low', at: at(1) }),
      finding({ rule: 'high', severity: 'high', at: at(5) }),
      finding({ rule: 'high', severity: 'high', at: at(3) }),
      finding({ rule: 'changed', severity: 'info', at: at(2) }),
      finding({ rule: 'review', level: 'review', severity: 'critical', at: at(2) }),
    ];
    const order = ['changed 2', 'high 3', 'high 5', 'low 1', 'review 2', 'note 1'];
    expect(places(findings, { changed })).toEqual(order);
    expect(places(findings.toReversed(), { changed })).toEqual(order);
  });

  test.each<[string, Partial<Finding>, boolean | undefined]>([
    ['its line is changed', { at: at(2) }, true],
    ['another line is', { at: at(3) }, false],
    ['it reaches to a changed line', { at: at(1), endLine: 4 }, true],
    ['it is about the file', { at: { file: 'backend/app.py' } }, true],
    ['it is about another file', { at: { file: 'x.py' } }, false],
    ['it is about no file', { at: undefined as never }, undefined],
  ])('in the change: %s', (_, more, inChange) => {
    const { results } = judge([ran('ruff', [finding(more)])], context({ changed }));
    expect(results[0]?.findings[0]?.inChange).toBe(inChange);
  });

  test('without a change to look at nothing is said of it', () => {
    expect(judge([ran('ruff', [finding()])], context()).results[0]?.findings[0]).not.toHaveProperty(
      'inChange',
    );
  });

  test('the code line is shown', () => {
    expect(judge([ran('ruff', [finding()])], context()).results[0]?.findings[0]?.code).toBe('import os');
  });

  test.each<[string, readonly RawResult[]]>([
    ['a secret scanner', [ran('trufflehog', [finding({ tool: 'trufflehog', rule: 'AWS' })])]],
    ['a rule about passwords', [ran('ruff', [finding({ rule: 'S105' })])]],
    ['an env file', [ran('sluice', [finding({ rule: 'env/placeholder', at: { file: '.env', line: 1 } })])]],
    [
      'another tool at the line of a secret',
      [ran('trufflehog', [finding({ tool: 'trufflehog' })]), ran('ruff', [finding()])],
    ],
  ])('no code line is shown for %s', (_, raw) => {
    const report = judge(raw, context());
    expect(JSON.stringify(report)).not.toMatch(/import os|SECRET_KEY/);
  });

  test('a file that is gone, or a line beyond its end, is no error', () => {
    const gone = finding({ at: { file: 'gone.py', line: 1 } });
    const beyond = finding({ at: { file: 'backend/app.py', line: 999 } });
    const { results } = judge([ran('ruff', [gone, beyond])], context());
    expect(results[0]?.findings.map(({ code }) => code)).toEqual([undefined, undefined]);
  });
});

describe('sluice.yml', () => {
  const ignoring = (ignore: Record<string, string>, more = {}) =>
    context({ settings: { ...settings, ignore }, ...more });

  test('an ignored rule weighs nothing and is still told, with its reason', () => {
    const report = judge([ran('ruff', [finding()])], ignoring({ F401: 'generated code' }));
    expect(report.verdict).toBe('pass');
    expect(report.results[0]?.findings[0]?.accepted?.reason).toBe('sluice.yml ignores F401: generated code');
  });

  test('to ignore a rule of one tool neither silences another tool nor alters its fingerprint', () => {
    const raw = [
      ran('ruff', [finding()]),
      ran('pylint', [finding({ tool: 'pylint', rule: 'unused-import' })]),
    ];
    const report = judge(raw, ignoring({ F401: 'generated code' }));
    expect(report.results.map(({ status }) => status)).toEqual(['pass', 'fail']);
    const print = (checksReport: ChecksReport, index: number) =>
      checksReport.results[index]?.findings[0]?.fingerprint;
    expect(print(report, 1)).toBe(print(judge(raw, context()), 0));
    expect(print(report, 0)).not.toBe(print(report, 1));
  });

  test('names that mean nothing here are told, with what was probably meant', () => {
    const raw = [ran('ruff backend', [finding()]), ran('mypy')];
    const notes = judge(
      raw,
      context({
        settings: {
          ...settings,
          skip: { mypi: 'x', ruff: 'x' },
          timeouts: { 'ruff frontend': 1 },
          ignore: { 'compose/memory-limt': 'x', F999: 'x', F401: 'x' },
        },
        rules: ['compose/memory-limit'],
      }),
    ).notes;
    expect(notes).toEqual([
      'checks.skip of sluice.yml has an unknown check: mypi; did you mean mypy?',
      'checks.timeouts of sluice.yml has an unknown check: ruff frontend',
      'checks.ignore of sluice.yml: compose/memory-limt is not a rule of Sluice; did you mean compose/memory-limit?',
      'checks.ignore of sluice.yml: F999 matches no finding of this run',
    ]);
  });

  test('a part of the checks says nothing of the names of others', () => {
    const planned = [ran('ruff').check, ran('trivy').check];
    const more = { settings: { ...settings, skip: { trivy: 'x' }, ignore: { F999: 'x' } }, planned };
    expect(judge([ran('ruff')], context(more)).notes).toEqual([]);
  });
});

test('one finding of two tools fails both checks and is shown once', () => {
  const raw = [
    ran('trivy', [{ ...cve, level: 'fail' }]),
    ran('npm', [{ ...cve, tool: 'npm-audit', level: 'review' }]),
  ];
  const { results } = judge(raw, context({ repo: memoryRepo(sources) }));
  expect(results.map(({ status, findings }) => [status, findings.length])).toEqual([
    ['fail', 1],
    ['review', 0],
  ]);
  expect(results[0]?.findings[0]?.also).toEqual(['npm-audit']);
});

test('a test run that skips all of its tests is no pass', () => {
  const tests = { passed: 0, failed: 0, skipped: 3, flaky: 0, seconds: 1, slowest: [], flakyTests: [] };
  const report = judge([ran('pytest', [], { output: { ran: true, findings: [], tests } })], context());
  expect(report).toMatchObject({
    verdict: 'did-not-run',
    results: [{ status: 'did-not-run', why: 'all of its tests were skipped (3)' }],
  });
});
