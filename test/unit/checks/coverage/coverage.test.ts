import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readIstanbul, readLcov, writeLcov } from '../../../../src/checks/coverage/reports.ts';
import { coverageFindings, coverageReport, mergeCoverage } from '../../../../src/checks/coverage/totals.ts';
import type { FileCoverage } from '../../../../src/checks/model.ts';

const lineNumbers = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 12 });
const entry = fc.record({
  file: fc.constantFrom('a.ts', 'src/b.ts', 'src/ü c.ts'),
  covered: lineNumbers,
  missed: lineNumbers,
});
const entries = fc.array(entry, { maxLength: 6 });
const ascending = (lines: readonly number[]) => lines.toSorted((a, b) => a - b);

describe('reports of tools', () => {
  test('Istanbul: a line is covered when a statement that begins on it ran', () => {
    const text = readFileSync(
      join(import.meta.dirname, '../../../fixtures/checks/node/istanbul.json'),
      'utf8',
    );
    expect(readIstanbul(text, '/repo', '')).toEqual([
      { file: 'web/src/add.js', covered: [2, 5], missed: [3] },
    ]);
    const start = (line: number) => ({ start: { line } });
    const file = {
      path: 'a.js',
      statementMap: { 0: start(1), 1: start(1), 2: start(2) },
      s: { 0: 0, 1: 3, 2: 0 },
    };
    const outside = { ...file, path: '/elsewhere/a.js' };
    const foreign = { ...file, path: 'node_modules/x/a.js' };
    const report = JSON.stringify({ file, outside, foreign });
    expect(readIstanbul(report, '/repo', 'web')).toEqual([{ file: 'web/a.js', covered: [1], missed: [2] }]);
    expect(() => readIstanbul('{"a": {}}', '/repo', '')).toThrow();
  });

  test('LCOV: records of one file add up, and a torn file is no report', () => {
    const text =
      'TN:\nSF:src/a.ts\nDA:1,0\nDA:2,0\nLF:2\nend_of_record\nSF:/repo/web/src/a.ts\nDA:2,5,abc\nend_of_record\n';
    expect(readLcov(text, '/repo', 'web')).toEqual([{ file: 'web/src/a.ts', covered: [2], missed: [1] }]);
    expect(readLcov('', '/repo', '')).toEqual([]);
    for (const torn of ['SF:a\nDA:1,1\n', 'DA:1,1\nend_of_record', '<html>', 'SF:a\nDA:x\nend_of_record']) {
      expect(readLcov(torn, '/repo', '')).toBe(undefined);
    }
  });

  test('what is written as LCOV is read as the same', () => {
    fc.assert(
      fc.property(entries, (files) => {
        const merged = mergeCoverage(files);
        expect(readLcov(writeLcov(merged), '/repo', '')).toEqual(merged);
      }),
    );
  });
});

describe('totals', () => {
  test('a line is covered if any report says so, whatever their order; no line counts twice', () => {
    fc.assert(
      fc.property(entries, (files) => {
        const merged = mergeCoverage(files);
        expect(merged).toEqual(mergeCoverage(files.toReversed()));
        expect(mergeCoverage([...merged, ...merged])).toEqual(merged);
        for (const { file, covered, missed } of merged) {
          const said = files.filter((other) => other.file === file);
          const ran = new Set(said.flatMap((item) => item.covered));
          const known = new Set(said.flatMap((item) => [...item.covered, ...item.missed]));
          expect(covered).toEqual(ascending([...ran]));
          expect(ascending([...covered, ...missed])).toEqual(ascending([...known]));
        }
      }),
    );
  });

  test('shares stay between none and all, and more covered lines never lower them', () => {
    const change = fc.array(fc.tuple(fc.constantFrom('a.ts', 'src/b.ts', 'other.ts'), lineNumbers));
    fc.assert(
      fc.property(entries, change, entry, (files, touched, more) => {
        const changed = { base: 'x', files: new Map(touched.map(([file, lines]) => [file, new Set(lines)])) };
        const report = coverageReport(files, changed);
        const all = mergeCoverage(files).flatMap(({ covered, missed }) => [...covered, ...missed]);
        expect(report.lines).toBe(all.length);
        expect(report.changedLines).toBeLessThanOrEqual(report.lines);
        for (const share of [report.total, report.changed]) {
          if (share !== undefined) expect(share >= 0 && share <= 1).toBe(true);
        }
        const better = coverageReport([...files, { ...more, missed: [] }], changed);
        expect(better.total ?? 0).toBeGreaterThanOrEqual((report.total ?? 0) - 1e-9);
        const missed = Object.values(report.missedInChange).flat().length;
        expect(missed === 0).toBe(report.changed === undefined || report.changed === 1);
      }),
    );
  });

  const files: readonly FileCoverage[] = [
    { file: 'src/a.ts', covered: [1, 2, 3, 4], missed: [6, 7, 8, 12] },
    { file: 'src/b.ts', covered: [1, 2], missed: [] },
  ];
  const changed = { base: 'x', files: new Map([['src/a.ts', new Set([4, 5, 6, 7, 12])]]) };
  const gates = { total: undefined, changed: undefined, codecov: false };

  test('the report names the missed lines of the change', () => {
    expect(coverageReport(files, changed)).toEqual({
      total: 0.6,
      changed: 0.25,
      lines: 10,
      changedLines: 4,
      missedInChange: { 'src/a.ts': [6, 7, 12] },
    });
    expect(coverageReport(files, undefined)).toMatchObject({ changed: undefined, changedLines: 0 });
  });

  test('gates: nothing without a number, nothing at the number, a finding below', () => {
    const report = coverageReport(files, changed);
    expect(coverageFindings(report, gates)).toEqual([]);
    expect(coverageFindings(report, { ...gates, total: 0.6, changed: 0.25 })).toEqual([]);
    expect(coverageFindings(report, { ...gates, total: 0.61, changed: 0.8 })).toMatchObject([
      {
        rule: 'coverage/total',
        level: 'fail',
        message: 'Tests cover 60 % of 10 lines; sluice.yml requires 61 %.',
      },
      {
        rule: 'coverage/changed',
        level: 'fail',
        message:
          'Tests cover 25 % of 4 lines of code in the change; sluice.yml requires 80 %. Not covered: src/a.ts 6-7, 12.',
        at: { file: 'src/a.ts', line: 6 },
      },
    ]);
  });

  test('a gate on all lines fails when nobody measured; one on the change holds when it has no code', () => {
    const none = coverageReport([], changed);
    const strict = { ...gates, total: 0.1, changed: 1 };
    expect(coverageFindings(none, strict).map(({ rule }) => rule)).toEqual(['coverage/total']);
  });
});
