import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Finding } from '../../../../src/checks/model.ts';
import type { ToolRun } from '../../../../src/checks/tool.ts';
import { parseBiome } from '../../../../src/checks/tools/node/biome.ts';
import { parseEslint } from '../../../../src/checks/tools/node/eslint.ts';
import { parsePrettier } from '../../../../src/checks/tools/node/prettier.ts';
import { readTestJson } from '../../../../src/checks/tools/node/test-run.ts';
import { parseTsc } from '../../../../src/checks/tools/node/tsc.ts';

// Recorded with ESLint 10.15, TypeScript 6.0, Prettier 3.10, Biome 2.6, vitest 4.1 and jest 30.
const recorded = (name: string) =>
  readFileSync(join(import.meta.dirname, '../../../fixtures/checks/node', name), 'utf8');
const ended = (code: number): ToolRun => ({ code, stdout: '', stderr: '', truncated: false });
const where = { root: '/repo', folder: 'web' };

/** `fail src/a.ts:1:2 rule`, which tells findings apart. */
function brief({ level, at, rule }: Finding): string {
  const place =
    at === undefined ? '-' : [at.file, at.line, at.column].filter((part) => part !== undefined).join(':');
  return `${level} ${place} ${rule}`;
}

describe('ESLint', () => {
  const report = recorded('eslint.json');
  const read = (text: string, code: number) => {
    const output = parseEslint(text, ended(code), where);
    return output?.ran === true ? output : undefined;
  };

  test('errors fail, warnings are noted, what cannot be parsed is a finding, and fixes are named', () => {
    const output = read(report, 1);
    expect(output?.findings.map(brief)).toEqual([
      'fail web/src/bad.ts:1:8 parse',
      'fail web/src/planted.ts:1:5 prefer-const',
      'fail web/src/planted.ts:2:18 @typescript-eslint/no-unnecessary-type-assertion',
      'note web/src/planted.ts:3:1 no-debugger',
    ]);
    expect(output?.summary).toBe('3 files');
    expect(output?.findings.map(({ fix }) => fix !== undefined)).toEqual([false, true, true, false]);
    expect(output?.findings[2]?.docs).toBe(
      'https://typescript-eslint.io/rules/no-unnecessary-type-assertion',
    );
  });

  test('warnings fail when there are more of them than the project allows', () => {
    const message = { ruleId: 'no-debugger', severity: 1, message: 'no', line: 1, column: 1 };
    const text = JSON.stringify([{ filePath: '/repo/web/a.js', messages: [message] }]);
    expect(read(text, 0)?.findings[0]?.level).toBe('note');
    expect(read(text, 1)?.findings[0]?.level).toBe('fail');
  });

  test.each(['', '{', '{}', '[{"filePath":1}]', report.slice(0, -10)])('%j is no report', (text) => {
    expect(parseEslint(text, ended(1), where)).toBe(undefined);
  });

  test('a failure that names nothing is none of the code’s', () => {
    expect(parseEslint('[]', ended(1), where)).toMatchObject({ ran: false });
  });
});

test('tsc: an error for each line that is one, with what explains it', () => {
  const findings = parseTsc(recorded('tsc.txt'), '/repo', 'web');
  expect(findings.slice(-2).map(brief)).toEqual([
    'fail web/src/types.ts:1:14 TS2322',
    'fail web/src/types.ts:2:68 TS2322',
  ]);
  expect(findings.at(-1)?.message).toMatch(/^Type .*\nThe types of 'a\.b' .*\nType 'number' is not/);
  expect(
    parseTsc("error TS5058: The specified path does not exist: 'x'.\r\n", '/repo', '').map(brief),
  ).toEqual(['fail - TS5058']);
  expect(parseTsc('../other/a.ts(1,2): error TS1: x', '/repo', '').map(brief)).toEqual(['fail - TS1']);
});

test('Prettier: files that differ, and files it cannot read', () => {
  const run = { stdout: recorded('prettier.out'), stderr: recorded('prettier.err') };
  expect(parsePrettier(run, '/repo', 'web').map(brief)).toEqual([
    'fail web/.prettierrc.mjs format',
    'fail web/biome.json format',
    'fail web/package.json format',
    'fail web/src/a.test.js format',
    'fail web/src/add.js format',
    'fail web/src/b.test.js format',
    'fail web/src/lint.js format',
    'fail web/x.json format',
    'fail web/src/broken.js:2:1 parse',
    'fail web/src/c.test.js:3:1 parse',
  ]);
});

test('Biome: errors fail, warnings are noted, and what is about a whole file has no line', () => {
  const findings = parseBiome(recorded('biome.txt'), '/repo', 'web');
  expect(findings.length).toBe(19);
  expect(findings.map(brief)).toEqual(
    expect.arrayContaining([
      'note web/src/lint.js:1:48 lint/style/useConst',
      'fail web/src/add.js format',
      'fail web/src/a.test.js:1:1 assist/source/organizeImports',
      'fail web/src/broken.js:2:1 parse',
      'fail web/src/lint.js:1:22 lint/suspicious/noDebugger',
    ]),
  );
  const debuggers = findings.find(({ rule }) => rule.endsWith('noDebugger'));
  expect(debuggers?.docs).toBe('https://biomejs.dev/linter/rules/no-debugger');
  const escaped =
    '::error title=lint/a/b,file=a%2Cb%3A1.js,line=2,endLine=3,col=4,endColumn=5::100%25%0Asure';
  expect(parseBiome(escaped, '/repo', '')).toMatchObject([
    { message: '100%\nsure', at: { file: 'a,b:1.js', line: 2, column: 4 }, endLine: 3 },
  ]);
});

describe('test runners', () => {
  test('vitest: failed tests and files, with their lines; flaky ones; totals', () => {
    const { totals, failures } = readTestJson(recorded('vitest.json'), { tool: 'vitest', ...where });
    expect(failures.map(brief)).toEqual([
      'fail web/src/a.test.js:7:23 src/a.test.js › sums › fails',
      'fail web/src/b.test.js src/b.test.js',
      'fail web/src/c.test.js src/c.test.js',
    ]);
    expect(failures[0]?.message).toMatch(/ failed: AssertionError: expected 3 to be 4[^\n]*$/);
    expect(failures[1]?.message).toMatch(/could not run: Cannot find module '\.\/missing\.js'/);
    expect(totals).toMatchObject({
      passed: 2,
      failed: 3,
      skipped: 1,
      flaky: 1,
      flakyTests: ['src/a.test.js › sums › flaky'],
    });
    expect(totals.slowest[0]).toMatchObject({ name: 'src/a.test.js › sums › fails', outcome: 'failed' });
  });

  test('jest: the same, and todo is skipped', () => {
    const { totals, failures } = readTestJson(recorded('jest.json'), { tool: 'jest', ...where });
    expect(failures.map(brief)).toEqual([
      'fail web/a.test.js:7:23 a.test.js › sums › fails',
      'fail web/b.test.js:1 b.test.js',
    ]);
    expect(totals).toMatchObject({ passed: 2, failed: 2, skipped: 2, flaky: 1 });
  });

  test('a report without tests has none, and what is no report is refused', () => {
    const { totals } = readTestJson(recorded('jest-no-tests.json'), { tool: 'jest', ...where });
    expect(totals).toMatchObject({ passed: 0, failed: 0, skipped: 0, slowest: [] });
    for (const text of ['', '{}', recorded('jest.json').slice(0, -20)]) {
      expect(() => readTestJson(text, { tool: 'jest', ...where })).toThrow();
    }
  });

  test('what a test prints drives neither terminal nor runner', () => {
    const hostile = '\u001b[31mError: x\n::set-output name=a::b\n##[error]y\n    at /repo/web/a.test.js:3:1';
    const assertionResults = [{ title: '::error::t', status: 'failed', failureMessages: [hostile] }];
    const suite = { name: '/repo/web/a.test.js', status: 'failed', assertionResults };
    const text = JSON.stringify({ numTotalTests: 1, testResults: [suite] });
    const [finding] = readTestJson(text, { tool: 'vitest', ...where }).failures;
    expect(finding?.at?.line).toBe(3);
    expect(finding?.message).not.toMatch(/^\s*::|##\[|\u001b/m);
  });
});
