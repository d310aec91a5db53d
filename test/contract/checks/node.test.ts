import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { CheckOutput, Finding } from '../../../src/checks/model.ts';
import { nodeTools } from '../../../src/checks/tools/all.ts';
import { type CheckedRepo, checkBench, checkedRepo, defaultSettings } from '../../support/checks/context.ts';
import { installedPackages, putPackages } from '../../support/checks/node-packages.ts';

const frontend = join(import.meta.dirname, '../../../examples/bookreader/frontend');
const ignored = { '.gitignore': 'node_modules/\ndist/\n' };

/** `fail web/src/a.ts:1:2 rule`. */
function brief({ level, at, rule }: Finding): string {
  const place = at === undefined ? '-' : [at.file, at.line].filter((part) => part !== undefined).join(':');
  return `${level} ${place} ${rule}`;
}

/** What the check of that name says about a repository as it is now. */
async function run(repo: CheckedRepo, id: string, settings = defaultSettings): Promise<CheckOutput> {
  const opened = await repo.open();
  using bench = checkBench(opened, { settings });
  const checks = nodeTools.flatMap((tool) => tool.plan(opened, settings));
  const check = checks.find((plannedCheck) => plannedCheck.id === id);
  if (check === undefined)
    throw new Error(`only ${checks.map((plannedCheck) => plannedCheck.id)} are planned`);
  return await bench.run(check);
}

async function findings(repo: CheckedRepo, id: string): Promise<readonly string[]> {
  const output = await run(repo, id);
  return output.ran ? output.findings.map(brief) : [`did not run: ${output.why}`];
}

function repoOf(files: Readonly<Record<string, string>>, from?: string, to?: string): CheckedRepo {
  return checkedRepo({ ...ignored, ...files }, from, to);
}

describe('the example’s frontend', () => {
  const repo = repoOf({}, frontend, 'frontend');

  beforeAll(() => {
    const text = (name: string) => readFileSync(join(frontend, name), 'utf8');
    putPackages(
      installedPackages(text('package.json'), text('package-lock.json')),
      join(repo.root, 'frontend'),
    );
    return () => repo[Symbol.dispose]();
  });
  afterEach(() => {
    repo.git('checkout', '-q', '.');
    repo.git('clean', '-fdq');
  });

  test('it passes, and nothing that git keeps is changed', async () => {
    for (const [id, summary] of [
      ['eslint', '7 files'],
      ['tsc', undefined],
      ['vitest', '6 tests'],
      ['build', undefined],
    ] as const) {
      const output = await run(repo, id);
      expect(output, id).toMatchObject({
        ran: true,
        findings: [],
        ...(summary === undefined ? {} : { summary }),
      });
    }
    expect(repo.git('status', '--porcelain')).toBe('');
  });

  test('an error of ESLint, and what it can mend itself', async () => {
    repo.put('frontend/src/planted.ts', 'let n = 1;\nexport const m = n;\n');
    expect(await findings(repo, 'eslint')).toEqual(['fail frontend/src/planted.ts:1 prefer-const']);
  });

  test('a configuration of ESLint that is broken', async () => {
    repo.put('frontend/eslint.config.js', 'import nothing from "nowhere";\nexport default [nothing];\n');
    expect(await run(repo, 'eslint')).toMatchObject({
      ran: false,
      why: 'ESLint could not start, see its output',
      output: expect.stringMatching(/Cannot find package 'nowhere'/),
    });
  });

  test('a type error, and a configuration that names no files', async () => {
    repo.put('frontend/src/planted.ts', 'export const n: number = "x";\n');
    expect(await findings(repo, 'tsc')).toEqual(['fail frontend/src/planted.ts:1 TS2322']);
    repo.put('frontend/tsconfig.json', '{ "include": ["nowhere"] }');
    expect(await run(repo, 'tsc')).toMatchObject({ ran: false, output: expect.stringMatching(/TS18003/) });
  });

  test('type errors below a tsconfig.json that checks nothing itself', async () => {
    const app = readFileSync(join(frontend, 'tsconfig.json'), 'utf8');
    repo.put('frontend/tsconfig.app.json', app);
    repo.put('frontend/tsconfig.json', '{ "files": [], "references": [{ "path": "./tsconfig.app.json" }] }');
    repo.put('frontend/src/planted.ts', 'export const n: number = "x";\n');
    expect(await findings(repo, 'tsc')).toEqual(['fail frontend/src/planted.ts:1 TS2322']);
    expect(repo.git('status', '--porcelain', '--ignored')).not.toMatch(/tsbuildinfo/);
  });

  test('a failing test, and a file that cannot be imported', async () => {
    const failing =
      "import { expect, test } from 'vitest';\ntest('adds', () => {\n  expect(1 + 1).toBe(3);\n});\n";
    repo.put('frontend/tests/planted.test.ts', failing);
    repo.put('frontend/tests/broken.test.ts', "import './nowhere';\n");
    const output = await run(repo, 'vitest');
    expect(output.ran && output.findings.map(brief).sort()).toEqual([
      'fail frontend/tests/broken.test.ts tests/broken.test.ts',
      'fail frontend/tests/planted.test.ts:3 tests/planted.test.ts › adds',
    ]);
    expect(output.ran && output.tests).toMatchObject({ passed: 6, failed: 2 });
  });

  test('no tests are no pass', async () => {
    repo.remove('frontend/tests');
    expect(await findings(repo, 'vitest')).toEqual(['fail frontend/package.json no-tests']);
  });

  test('an error outside of the tests fails them', async () => {
    const text =
      "import { test } from 'vitest';\ntest('starts', () => {\n  setTimeout(() => { throw new Error('late'); });\n});\n";
    repo.put(
      'frontend/tests/planted.test.ts',
      `${text}test('waits', () => new Promise((done) => setTimeout(done, 50)));\n`,
    );
    expect(await findings(repo, 'vitest')).toEqual(['fail - unhandled-error']);
  });

  test('a configuration of vitest that is broken', async () => {
    repo.put('frontend/vite.config.ts', "import 'nowhere';\nexport default {};\n");
    expect(await run(repo, 'vitest')).toMatchObject({
      ran: false,
      why: 'vitest wrote no readable report',
    });
  });

  test('a build that fails, and one that does not even start', async () => {
    repo.put('frontend/src/main.ts', "import { nothing } from './api';\nnothing();\n");
    const output = await run(repo, 'build');
    expect(output.ran && output.findings.map(brief)).toEqual(['fail frontend/package.json:7 build']);
    expect(output.ran && output.findings[0]?.message).toMatch(
      /npm run build.*exited with code \d+:\n[\s\S]*TS2305/,
    );
    const manifest = readFileSync(join(frontend, 'package.json'), 'utf8');
    repo.put('frontend/package.json', manifest.replace('tsc && vite build', 'no-such-bundler'));
    expect(await run(repo, 'build')).toMatchObject({
      ran: false,
      why: expect.stringMatching(/could not start/),
    });
  });
});

describe('tools that the example lacks', () => {
  const manifest = (scripts: Record<string, string> = {}) =>
    JSON.stringify({
      name: 'small',
      private: true,
      type: 'module',
      scripts,
      devDependencies: {
        '@biomejs/biome': '2.6.8',
        '@vitest/coverage-v8': '4.1.12',
        jest: '30.4.2',
        prettier: '3.10.1',
        vitest: '4.1.12',
      },
    });
  const small = (files: Readonly<Record<string, string>>, scripts: Record<string, string> = {}) => {
    const repo = repoOf({ 'package.json': manifest(scripts), ...files });
    onTestFinished(() => repo[Symbol.dispose]());
    const packages = installedPackages(manifest());
    repo.put('package-lock.json', readFileSync(join(packages, 'package-lock.json'), 'utf8'));
    putPackages(packages, repo.root);
    return repo;
  };
  const add = 'export function add(a, b) {\n  if (a > 100) {\n    return 0;\n  }\n  return a + b;\n}\n';

  test('Prettier: files that differ, that it cannot read, and an option that it does not know', async () => {
    const repo = small(
      { '.prettierrc': '{}\n', 'src/add.js': add },
      { 'format:check': 'prettier --check src' },
    );
    expect(await findings(repo, 'prettier')).toEqual([]);
    repo.put('src/wide.js', 'const a   = 1\n');
    repo.put('src/torn.js', 'const a = {\n');
    expect(await findings(repo, 'prettier')).toEqual(['fail src/wide.js format', 'fail src/torn.js:2 parse']);
    repo.put('package.json', manifest({ 'format:check': 'prettier --check src --no-such-option' }));
    expect(await run(repo, 'prettier')).toMatchObject({
      ran: false,
      why: expect.stringMatching(/Ignored unknown option/),
    });
  });

  test('Biome: what it finds, and a configuration that is broken', async () => {
    const repo = small({
      'biome.json':
        '{\n  "files": { "includes": ["src/**"] },\n  "formatter": { "indentStyle": "space" }\n}\n',
      'src/add.js': add,
    });
    expect(await findings(repo, 'biome')).toEqual([]);
    repo.put('src/bad.js', 'export const f = (a) => {\n  debugger;\n  return a == 1;\n};\n');
    expect((await findings(repo, 'biome')).toSorted()).toEqual([
      'fail src/bad.js:2 lint/suspicious/noDebugger',
      'fail src/bad.js:3 lint/suspicious/noDoubleEquals',
    ]);
    repo.put('biome.json', '{ "linter": 1 }');
    expect(await run(repo, 'biome')).toMatchObject({
      ran: false,
      output: expect.stringMatching(/incorrect type/),
    });
  });

  test('vitest: coverage by line, flaky tests, and coverage below its own threshold', async () => {
    const tests =
      "import { expect, test } from 'vitest';\nimport { add } from './add.js';\nlet runs = 0;\ntest('adds', () => expect(add(1, 2)).toBe(3));\ntest('flaky', { retry: 1 }, () => expect(++runs).toBe(2));\n";
    const repo = small({ 'src/add.js': add, 'src/add.test.js': tests }, { test: 'vitest' });
    const output = await run(repo, 'vitest');
    expect(output).toMatchObject({
      ran: true,
      findings: [],
      coverage: [{ file: 'src/add.js', covered: [2, 5], missed: [3] }],
      tests: { passed: 2, flaky: 1, flakyTests: ['src/add.test.js › flaky'] },
    });
    repo.put('vitest.config.js', 'export default { test: { coverage: { thresholds: { lines: 90 } } } };\n');
    expect(await findings(repo, 'vitest')).toEqual(['fail - coverage-threshold']);
    expect(repo.git('status', '--porcelain')).toBe('?? package-lock.json\n?? vitest.config.js\n');
  });

  test('jest: a failing and a flaky test, a file that cannot be imported, coverage, no tests', async () => {
    const repo = small(
      {
        'jest.config.cjs': 'module.exports = { transform: {} };\n',
        'src/add.cjs': add.replace('export function add', 'exports.add = function'),
        'src/add.test.cjs':
          "const { add } = require('./add.cjs');\njest.retryTimes(1);\nlet runs = 0;\ntest('adds', () => expect(add(1, 2)).toBe(4));\ntest('flaky', () => expect(++runs).toBe(2));\n",
        'src/torn.test.cjs': "require('./nowhere');\n",
      },
      { test: 'jest' },
    );
    repo.put('jest.config.cjs', "module.exports = { transform: {}, testMatch: ['**/*.test.cjs'] };\n");
    const gated = { ...defaultSettings, coverage: { total: 0.5, changed: undefined, codecov: false } };
    const output = await run(repo, 'jest', gated);
    expect(output.ran && output.findings.map(brief).toSorted()).toEqual([
      'fail src/add.test.cjs:4 src/add.test.cjs › adds',
      'fail src/torn.test.cjs:1 src/torn.test.cjs',
    ]);
    expect(output).toMatchObject({
      tests: { passed: 1, failed: 2, flaky: 1 },
      coverage: [{ file: 'src/add.cjs', missed: [3] }],
    });
    repo.put('jest.config.cjs', "module.exports = { testMatch: ['**/*.none'] };\n");
    expect(await findings(repo, 'jest')).toEqual(['fail package.json no-tests']);
    repo.put('jest.config.cjs', 'module.exports = ;\n');
    expect(await run(repo, 'jest')).toMatchObject({
      ran: false,
      why: 'jest wrote no readable report',
    });
  });

  test('Node’s own runner, and scripts that only have an exit code', async () => {
    const repo = repoOf({
      'package.json': JSON.stringify(
        { scripts: { test: 'node --test', lint: 'node lint.js' } },
        undefined,
        1,
      ),
      'src/a.test.js':
        "const test = require('node:test');\ntest('passes', () => {});\ntest('fails', () => {\n  throw new Error('no');\n});\n",
      'lint.js': 'console.error("::error::line 3 is too long"); process.exit(3);\n',
    });
    onTestFinished(() => repo[Symbol.dispose]());
    const tests = await run(repo, 'test script');
    expect(tests.ran && tests.findings.map(brief)).toEqual(['fail src/a.test.js:4 src/a.test.js › fails']);
    expect(tests).toMatchObject({ tests: { passed: 1, failed: 1 } });
    const lint = await run(repo, 'lint script');
    expect(lint.ran && lint.findings.map(brief)).toEqual(['fail package.json:4 lint']);
    expect(lint.ran && lint.findings[0]?.message).not.toMatch(/^::/m);
    repo.remove('src/a.test.js');
    repo.put('src/none.js', '');
    expect(await findings(repo, 'test script')).toEqual(['fail package.json:3 no-tests']);
  });
});
