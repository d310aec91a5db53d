import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { ChecksReport, Finding, RawResult } from '../../../../src/checks/model.ts';
import {
  acceptFindings,
  type Baseline,
  parseBaseline,
  pruneBaseline,
  readBaseline,
} from '../../../../src/checks/verdict/baseline.ts';
import { judge } from '../../../../src/checks/verdict/judge.ts';
import { context, finding, missing, ran, settings } from '../../../support/checks/fixtures.ts';
import { memoryRepo } from '../../../support/checks/repo.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-baseline-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = '.sluice-baseline.json';
const none: Baseline = { file, entries: [] };
const reason = 'older than the checks';
const repo = memoryRepo({ 'a.py': 'import os\nx = 1\nimport os\ny = 2', 'b.py': 'import os\n\nx = 1\n' });

const findings: fc.Arbitrary<Finding> = fc
  .record({
    rule: fc.constantFrom('F401', 'F841', 'B001', 'S101'),
    level: fc.constantFrom('fail', 'review', 'note'),
    message: fc.constantFrom('unused', 'has 3 branches', 'has 4 branches', '::error::`a` | b\n"c"\u2028'),
    at: fc.record({ file: fc.constantFrom('a.py', 'b.py', 'gone.py'), line: fc.integer({ min: 1, max: 6 }) }),
    subject: fc.constantFrom(undefined, 'a', 'b'),
  })
  .map(({ subject, ...rest }) => finding({ ...rest, ...(subject && { subject }) }) as Finding);
const several = fc.array(findings, { maxLength: 12 });

const judged = (raw: readonly RawResult[], baseline = none, more = {}): ChecksReport =>
  judge(raw, context({ repo, baseline, ...more }));
const accepting = (report: ChecksReport, baseline = none, more = {}) =>
  parseBaseline(acceptFindings(report, baseline, { reason, ...more }), file);

describe('what is accepted passes, and nothing else', () => {
  test('whatever was found and accepted does not weigh in the next run', () => {
    fc.assert(
      fc.property(several, several, (one, other) => {
        const raw = [
          ran('ruff', one),
          ran(
            'pylint',
            other.map((item) => ({ ...item, tool: 'pylint' })),
          ),
        ];
        expect(judged(raw, accepting(judged(raw))).verdict).toBe('pass');
      }),
    );
  });

  test('one finding more fails, be it a twin of an accepted one', () => {
    fc.assert(
      fc.property(several, findings, fc.nat(100), (old, fresh, column) => {
        const added = {
          ...fresh,
          level: 'fail' as const,
          at: { file: 'a.py', ...fresh.at, column: 100 + column },
        };
        const baseline = accepting(judged([ran('ruff', old)]));
        expect(judged([ran('ruff', [...old, added])], baseline).verdict).toBe('fail');
      }),
    );
  });

  test('the text does not depend on the order of findings, nor on when each was accepted', () => {
    fc.assert(
      fc.property(several, fc.nat(12), (found, cut) => {
        const all = judged([ran('ruff', found)]);
        const text = acceptFindings(all, none, { reason });
        expect(acceptFindings(judged([ran('ruff', found.toReversed())]), none, { reason })).toBe(text);
        const first = {
          ...all,
          results: all.results.map((checkResult) => ({
            ...checkResult,
            findings: checkResult.findings.slice(cut),
          })),
        };
        expect(acceptFindings(all, accepting(first), { reason })).toBe(text);
        expect(
          acceptFindings(judged([ran('ruff', found)], parseBaseline(text, file)), parseBaseline(text, file), {
            reason: 'other',
          }),
        ).toBe(text);
      }),
    );
  });

  test('notes and what sluice.yml ignores need no entry', () => {
    const raw = [ran('ruff', [finding({ level: 'note' }), finding({ rule: 'E501' })])];
    const report = judged(raw, none, { settings: { ...settings, ignore: { E501: 'x' } } });
    expect(acceptFindings(report, none, { reason })).toBe('{\n  "version": 1\n}\n');
  });
});

describe('dates', () => {
  const raw = [ran('ruff', [finding()])];
  const baseline = accepting(judged(raw), none, { until: '2027-01-31' });
  test.each([
    ['2026-11-21T00:00:00Z', 'pass', 0],
    ['2027-01-31T23:59:59.999Z', 'pass', 0],
    ['2027-02-01T00:00:00Z', 'fail', 1],
    ['2027-01-31T23:30:00-05:00', 'fail', 1],
  ])('until 2027-01-31, at %s: %s', (now, verdict, expired) => {
    const report = judged(raw, baseline, { now: Date.parse(now) });
    expect([report.verdict, report.baseline.expired, report.baseline.accepted]).toEqual([
      verdict,
      expired,
      1 - expired,
    ]);
  });

  test('what has expired can be accepted again, with the new reason and date', () => {
    const late = judged(raw, baseline, { now: Date.parse('2027-03-01') });
    expect(accepting(late, baseline, { reason: 'once more', until: '2027-06-30' }).entries).toMatchObject([
      { reason: 'once more', until: '2027-06-30' },
    ]);
  });
});

describe('entries that nothing matches', () => {
  const baseline = accepting(
    judged([ran('ruff', [finding()]), ran('trufflehog', [finding({ tool: 'trufflehog', rule: 'AWS' })])]),
  );
  test.each<[string, readonly RawResult[], number]>([
    ['its tool ran', [ran('ruff')], 1],
    ['its tool ran, another part of it did not', [ran('ruff a'), missing('ruff b', 'x')], 0],
    ['its tool was not asked for', [ran('mypy')], 0],
    ['a secret scanner, which sees the change alone', [ran('trufflehog')], 0],
  ])('%s: %#', (_, raw, unused) => {
    const report = judged(raw, baseline);
    expect(report.baseline.unused).toBe(unused);
    expect(accepting(report, baseline).entries).toHaveLength(2);
    expect(accepting(report, baseline, { prune: true }).entries).toHaveLength(2 - unused);
    expect(parseBaseline(pruneBaseline(report, baseline), file).entries).toHaveLength(2 - unused);
  });

  test('a part of its tool’s checks was asked for', () => {
    const planned = [ran('ruff backend').check, ran('ruff frontend').check];
    expect(judged([ran('ruff backend')], baseline, { planned }).baseline.unused).toBe(0);
  });

  test('the whole history shows whether a secret is gone', () => {
    const history = { settings: { ...settings, scan: { ...settings.scan, history: true } } };
    expect(judged([ran('trufflehog')], baseline, history).baseline.unused).toBe(1);
  });
});

describe('the file', () => {
  const raw = [ran('ruff', [finding(), finding({ at: { file: 'a.py', line: 2 } })])];

  test('one line for each finding, by file, each with a comma', () => {
    const text = acceptFindings(judged(raw), none, { reason, until: '2027-01-31' });
    expect(text.replaceAll(/[0-9a-f]{16}/g, 'FINGERPRINT')).toBe(
      [
        '{',
        '  "FINGERPRINT": {"file":"a.py","tool":"ruff","rule":"F401","message":"`os` imported but unused","reason":"older than the checks","until":"2027-01-31"},',
        '  "FINGERPRINT": {"file":"backend/app.py","tool":"ruff","rule":"F401","message":"`os` imported but unused","reason":"older than the checks","until":"2027-01-31"},',
        '  "version": 1',
        '}',
        '',
      ].join('\n'),
    );
  });

  test('git merges what two branches accept in different files', () => {
    const base = acceptFindings(judged([ran('ruff', [finding({ at: { file: 'm.py' } })])]), none, { reason });
    const branch = (path: string) =>
      acceptFindings(judged([ran('ruff', [finding({ at: { file: path } })])]), parseBaseline(base, file), {
        reason,
      });
    const texts = { ours: branch('a.py'), base, theirs: branch('z.py') };
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
    const merged = execFileSync('git', ['merge-file', '-p', 'ours', 'base', 'theirs'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(parseBaseline(merged, file).entries.map((entry) => entry.file)).toEqual(['a.py', 'm.py', 'z.py']);
  });

  test('one that is not there accepts nothing', async () => {
    expect(await readBaseline(join(folder, 'nowhere.json'), file)).toEqual(none);
  });

  const print = '0123456789abcdef';
  const entry = '{"file":"a","tool":"b","rule":"c","message":"d","reason":"e"}';
  test.each<[string, string, number | undefined, RegExp]>([
    ['no JSON', '{\n  "version": 1,\n}', 2, /is not valid JSON/],
    ['an end in the middle', `{\n  "${print}": {`, 2, /is not valid JSON/],
    ['nothing', '', 1, /is not valid JSON/],
    ['a conflict', '{\n<<<<<<< HEAD\n  "version": 1\n}', 2, /git merge conflict/],
    ['a list', '[]', 1, /must be an object/],
    ['no version', '{}', 1, /has no version/],
    ['a newer one', '{\n  "version": 2\n}', 2, /has version 2; this release of Sluice supports version 1$/],
    ['a key that is none', `{\n  "abc": ${entry},\n  "version": 1\n}`, 2, /an invalid fingerprint.*"abc"/],
    [
      'no reason',
      `{\n  "${print}": ${entry.replace('"e"', '" "')},\n  "version": 1\n}`,
      2,
      /without a reason/,
    ],
    [
      'a date that is none',
      `{\n  "${print}": ${entry.replace('"e"', '"e","until":"2027-02-30"')},\n  "version": 1\n}`,
      2,
      /`until` is not a date/,
    ],
    [
      'a number for a text',
      `{\n\n  "${print}": ${entry.replace('"a"', '1')},\n  "version": 1\n}`,
      3,
      /`file` is not a string/,
    ],
    [
      'something more',
      `{\n  "${print}": ${entry.replace('"e"', '"e","x":1')},\n  "version": 1\n}`,
      2,
      /with an unknown field: x$/,
    ],
    ['no entry at all', `{\n  "${print}": true,\n  "version": 1\n}`, 2, /is not an object/],
  ])('%s is an error that has the line', (_, text, line, message) => {
    expect(() => parseBaseline(text, file)).toThrow(
      expect.objectContaining({
        code: 'checks.baseline',
        at: { file, line },
        message: expect.stringMatching(message),
      }),
    );
  });

  test.each([
    ['no reason', { reason: ' ' }],
    ['a date that is none', { reason, until: 'tomorrow' }],
  ])('nothing is accepted with %s', (_, acceptance) => {
    expect(() => acceptFindings(judged(raw), none, acceptance)).toThrow(
      expect.objectContaining({ code: 'checks.baseline' }),
    );
  });
});
