import { describe, expect, test } from 'vitest';
import { nodeTools } from '../../../../src/checks/tools/all.ts';
import { compilations } from '../../../../src/checks/tools/node/tsc.ts';
import { defaultCheckSettings } from '../../../../src/config/sluice-yml/normalise.ts';
import { memoryRepo } from '../../../support/checks/repo.ts';

type Files = Readonly<Record<string, string>>;
const json = (value: unknown) => JSON.stringify(value);
/** A package.json with these scripts and packages. */
const manifest = (packages: readonly string[], scripts: Record<string, string> = {}, more: object = {}) =>
  json({ scripts, devDependencies: Object.fromEntries(packages.map((name) => [name, '1'])), ...more });
const locked = { 'package-lock.json': '{}' };

const planned = (files: Files) => {
  const repo = memoryRepo(files);
  return nodeTools.flatMap((tool) => tool.plan(repo, defaultCheckSettings()));
};

/** What is planned: `id: command`. */
const plan = (files: Files) => planned(files).map(({ id, command }) => `${id}: ${command}`);

describe('what is checked', () => {
  const cases: readonly (readonly [what: string, files: Files, checks: readonly string[]])[] = [
    ['nothing without package.json', { 'tsconfig.json': '{}', 'eslint.config.js': '' }, []],
    ['nothing that an empty package uses', { 'package.json': '{}' }, []],
    [
      'the tools of an app, with what its scripts give them',
      {
        ...locked,
        'package.json': manifest(
          ['eslint', 'typescript', 'vitest', '@vitest/coverage-v8', 'prettier', '@biomejs/biome'],
          {
            lint: 'eslint src --max-warnings 0 --cache --fix -f stylish',
            test: 'vitest run --config unit.config.ts --coverage',
            typecheck: 'tsc -p tsconfig.check.json --noEmit',
            'format:check': 'prettier --check src',
            build: 'tsc && vite build',
          },
        ),
        'eslint.config.js': '',
        'tsconfig.json': '{}',
        '.prettierrc': '',
        'biome.json': '{}',
      },
      [
        'eslint: eslint src --max-warnings 0',
        'tsc: tsc --noEmit -p tsconfig.check.json',
        'prettier: prettier --check src',
        'biome: biome ci',
        'vitest: vitest run --config unit.config.ts --coverage',
        'build: npm run build',
      ],
    ],
    [
      'the older ESLint is told about TypeScript',
      { ...locked, 'package.json': manifest(['eslint']), '.eslintrc.json': '{}' },
      ['eslint: eslint . --ext .js,.jsx,.cjs,.mjs,.ts,.tsx,.cts,.mts,.vue'],
    ],
    [
      'npm’s default test is none',
      { 'package.json': json({ scripts: { test: 'echo "Error: no test specified" && exit 1' } }) },
      [],
    ],
    [
      'jest where it is configured',
      { ...locked, 'package.json': manifest(['jest'], { test: 'jest -w 4 --watch src' }) },
      ['jest: jest --ci src'],
    ],
    ['jest as a mere dependency is not run', { ...locked, 'package.json': manifest(['jest']) }, []],
    [
      'prettier as a mere dependency is the editor’s',
      { ...locked, 'package.json': manifest(['prettier'], { format: 'prettier --write .' }) },
      [],
    ],
    [
      'a script may check with it',
      { ...locked, 'package.json': manifest(['prettier'], { lint: 'prettier --check .' }) },
      ['prettier: prettier --check .'],
    ],
    [
      'scripts for tools that nobody knows',
      { 'yarn.lock': '', 'package.json': manifest(['mocha', 'xo'], { test: 'mocha', lint: 'xo' }) },
      ['lint script: yarn run lint', 'test script: yarn run test'],
    ],
    [
      'Node’s own runner',
      { 'package.json': json({ scripts: { test: 'node --test --watch src' } }) },
      ['test script: node --test src'],
    ],
    [
      'vue-tsc instead of tsc',
      { ...locked, 'package.json': manifest(['typescript', 'vue-tsc']), 'tsconfig.json': '{}' },
      ['tsc: vue-tsc --noEmit'],
    ],
    [
      'a tsconfig.json that only others extend',
      { ...locked, 'package.json': manifest(['typescript']), 'tsconfig.json': '{"files": []}' },
      [],
    ],
    [
      'two projects',
      {
        'a/package.json': manifest(['vitest']),
        'b/package.json': manifest(['vitest']),
        'a/yarn.lock': '',
        'b/yarn.lock': '',
      },
      ['vitest a: vitest run', 'vitest b: vitest run'],
    ],
    [
      'a workspace: each package by its own, shared tools and delegating scripts once',
      {
        ...locked,
        'package.json': manifest(
          ['vitest', 'eslint'],
          { build: 'turbo run build', test: 'turbo run test', lint: 'turbo lint' },
          { workspaces: ['packages/*'] },
        ),
        'packages/a/package.json': manifest([], { test: 'vitest run', build: 'tsup', lint: 'eslint .' }),
        'packages/a/eslint.config.js': '',
        'packages/b/package.json': manifest([], { test: 'mocha', build: 'tsup' }),
      },
      ['eslint: eslint .', 'vitest: vitest run', 'test script: npm run test', 'build: npm run build'],
    ],
    [
      'a vitest that runs the packages of its workspace, and no others',
      {
        ...locked,
        'package.json': manifest(['vitest'], {}, { workspaces: ['a'] }),
        'vitest.config.ts': 'export default { test: { projects: ["a"] } }',
        'a/package.json': manifest(['vitest'], { test: 'vitest' }),
        'examples/b/package.json': manifest(['vitest'], { test: 'vitest' }),
        'examples/b/yarn.lock': '',
      },
      ['vitest examples/b: vitest run', 'vitest .: vitest run'],
    ],
    [
      'a package.json that is none, and one without a lock',
      { 'a/package.json': '{ "x" }', 'b/package.json': manifest(['eslint']) },
      ['package.json a: reads package.json', 'package.json b: reads package.json'],
    ],
  ];
  test.each(cases)('%s', (_, files, expected) => {
    expect(plan(files)).toEqual(expected);
  });

  test('packages are installed once for a workspace, and not at all for a project without any', () => {
    const checks = planned({
      'web/package.json': manifest(['vitest', 'eslint'], {}, { workspaces: ['a', 'b'] }),
      'web/package-lock.json': '{}',
      'web/a/package.json': manifest([], { test: 'vitest' }),
      'web/b/package.json': manifest([], { test: 'vitest' }),
      'tool/package.json': json({ scripts: { test: 'node --test' } }),
    });
    expect(checks.map(({ id, needs }) => [id, ...needs.map((need) => need.id)])).toEqual([
      ['vitest web/a', 'node web'],
      ['vitest web/b', 'node web'],
      ['test script'],
    ]);
    expect(checks[0]?.needs[0]?.what).toBe(
      'npm ci --ignore-scripts --include=dev --no-audit --no-fund in web',
    );
  });
});

describe('the runs of tsc', () => {
  const solution =
    '{ "files": [], // none\n "references": [{ "path": "./tsconfig.app.json" }, { "path": "lib" }] }';
  test.each<[what: string, files: Files, runs: readonly (readonly string[])[]]>([
    ['one project', { 'web/tsconfig.json': '{}' }, [['-p', 'tsconfig.json']]],
    [
      'a file that only names others: each of them, as it checks nothing itself',
      { 'web/tsconfig.json': solution, 'web/tsconfig.app.json': '{}', 'web/lib/tsconfig.json': '{}' },
      [
        ['-p', 'tsconfig.app.json'],
        ['-p', 'lib/tsconfig.json'],
      ],
    ],
    [
      'projects that build on each other: a build',
      {
        'web/tsconfig.json': solution,
        'web/tsconfig.app.json': '{ "references": [{ "path": "lib" }] }',
        'web/lib/tsconfig.json': '{}',
      },
      [['-b', 'tsconfig.json']],
    ],
  ])('%s', (_, files, runs) => {
    expect(compilations(memoryRepo(files), 'web/tsconfig.json', 'web')).toEqual(runs);
  });
});
