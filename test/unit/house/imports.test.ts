import { describe, expect, test } from 'vitest';
import { houseProblems, root } from '../../house/imports.ts';
import { problemsOf } from '../../house/rules.ts';

function problems(files: Record<string, string>): string[] {
  const sources = Object.entries(files).map(([path, text]) => ({ path, text }));
  return problemsOf(sources).map(({ at, message }) => `${at}: ${message}`);
}

test('this checkout is in order', () => {
  expect(houseProblems(root).map(({ at, message }) => `${at}: ${message}`)).toEqual([]);
});

describe('imports go one way', () => {
  test.each<[from: string, to: string]>([
    ['src/cli/main.ts', '../deploy/deploy.ts'],
    ['src/cli/commands/plan.ts', '../../kernel/run.ts'],
    ['src/actions/deploy.ts', '../build/bake.ts'],
    ['src/deploy/steps/start.ts', '../../host/shell.ts'],
    ['src/deploy/deploy.ts', './plan.ts'],
    ['src/host/connect.ts', '../kernel/errors.ts'],
    ['src/host/connect.ts', 'ssh2'],
    ['test/unit/plan.test.ts', '../../../src/cli/main.ts'],
  ])('%s may import %s', (path, from) => {
    expect(problems({ [path]: `\nimport { a } from '${from}';\n` })).toEqual([]);
  });

  test.each<[path: string, from: string, says: string]>([
    ['src/kernel/run.ts', '../host/model.ts', 'kernel must not import host, which stands above it'],
    ['src/report/index.ts', '../deploy/model.ts', 'report must not import deploy, which stands above it'],
    ['src/deploy/deploy.ts', '../cli/open.ts', 'deploy must not import cli, which stands above it'],
    ['src/deploy/deploy.ts', '../cdn/publish.ts', 'deploy must not import cdn: they stand side by side'],
    [
      'src/deploy/steps/start.ts',
      '../../checks/verdict.ts',
      'deploy must not import checks: they stand side by side',
    ],
    ['src/actions/deploy.ts', '../cli/open.ts', 'actions must not import cli: they stand side by side'],
    ['src/host/connect.ts', '../config/model.ts', 'host may only `import type` from config/model.ts'],
    ['src/host/connect.ts', '../../bed/bed.ts', '"../../bed/bed.ts" lies outside the house'],
    ['src/kernel/run.ts', '../new/thing.ts', '"../new/thing.ts" lies outside the house'],
    ['src/new/thing.ts', '../kernel/run.ts', 'src/ has no place for it'],
    ['src/thing.ts', './kernel/run.ts', 'src/ has no place for it'],
  ])('%s must not import %s', (path, from, says) => {
    const [problem, ...others] = problems({ [path]: `// a comment\nimport { a } from '${from}';\n` });
    expect(problem?.startsWith(`${path}:2: ${says}`), problem).toBe(true);
    expect(others).toEqual([]);
  });

  test('what stands side by side with the data it knows may take types of a model, and only of a model', () => {
    expect(problems({ 'src/host/host.ts': "import type { A } from '../config/model.ts';" })).toEqual([]);
    expect(problems({ 'src/config/load.ts': "import type { A } from '../host/model.ts';" })).toEqual([]);
    expect(problems({ 'src/host/host.ts': "import type { A } from '../config/load.ts';" })).toHaveLength(1);
    expect(problems({ 'src/deploy/deploy.ts': "import type { A } from '../cdn/model.ts';" })).toHaveLength(1);
    expect(problems({ 'src/cdn/x.ts': "const a = () => import('../deploy/model.ts');" })).toHaveLength(1);
  });
});

describe('import cycles', () => {
  test('are named once, with the whole circle and the line that closes it', () => {
    const files = {
      'src/deploy/a.ts': "import './b.ts';",
      'src/deploy/b.ts': "// why\nexport { c } from './c.ts';",
      'src/deploy/c.ts': "\n\nimport { a } from './a.ts';",
      'src/deploy/d.ts': "import './a.ts';",
    };
    expect(problems(files)).toEqual([
      'src/deploy/c.ts:3: import cycle: src/deploy/a.ts → src/deploy/b.ts → src/deploy/c.ts → src/deploy/a.ts',
    ]);
  });

  test('of types are cycles, of modules loaded later are none', () => {
    const later = {
      'src/deploy/a.ts': "import './c.ts';",
      'src/deploy/c.ts': "export const load = () => import('./a.ts');",
    };
    expect(problems(later)).toEqual([]);
    const types = {
      'src/deploy/a.ts': "import './b.ts';",
      'src/deploy/b.ts': "import type { A } from './a.ts';",
    };
    expect(problems(types)).toEqual([
      'src/deploy/b.ts:1: import cycle: src/deploy/a.ts → src/deploy/b.ts → src/deploy/a.ts',
    ]);
  });

  test('of a module with itself', () => {
    expect(problems({ 'src/deploy/a.ts': "import { a } from './a.ts';" })).toEqual([
      'src/deploy/a.ts:1: import cycle: src/deploy/a.ts → src/deploy/a.ts',
    ]);
  });
});

describe('names and lengths', () => {
  test.each([
    'src/kernel/utils.ts',
    'src/deploy/helpers/x.ts',
    'test/unit/common.ts',
    'src/cdn/misc.test.ts',
  ])('%s is refused', (path) => {
    expect(problems({ [path]: '' })[0]).toMatch(
      /^.+:1: "(utils\.ts|helpers|common\.ts|misc\.test\.ts)" says nothing/,
    );
  });

  test('a name that merely contains such a word is fine', () => {
    expect(problems({ 'src/host/uncommon-utility.ts': '', 'src/host/common-algorithms.ts': '' })).toEqual([]);
  });

  test('300 lines pass, 301 do not, sample data may be long', () => {
    expect(problems({ 'src/host/a.ts': 'x\n'.repeat(300) })).toEqual([]);
    expect(problems({ 'src/host/a.ts': 'x\n'.repeat(301) })).toEqual([
      'src/host/a.ts:301: 301 lines, at most 300: does it still have one subject? Split it by subject',
    ]);
    expect(problems({ 'test/unit/a-fixtures.ts': 'x\n'.repeat(900) })).toEqual([]);
  });

  test('15 files in a folder pass, 16 do not, and subfolders do not count', () => {
    const files = (count: number, folder: string) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`${folder}/f${index}.ts`, '']));
    expect(problems({ ...files(15, 'src/host'), ...files(15, 'src/host/ssh') })).toEqual([]);
    expect(problems(files(16, 'src/host'))).toEqual([
      'src/host:1: 16 files, at most 15 beside subfolders: group them by subject',
    ]);
  });
});
