import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CheckOutput, Finding } from '../../../src/checks/model.ts';
import { pythonTools } from '../../../src/checks/tools/all.ts';
import { type CheckedRepo, checkBench, checkedRepo, defaultSettings } from '../../support/checks/context.ts';

/** The example app with the tools that its requirements-dev.txt locks. */
const example = join(import.meta.dirname, '../../../examples/bookreader');
const backend = 'backend/bookreader';
let app: CheckedRepo;

beforeAll(() => {
  app = checkedRepo({ '.gitignore': '__pycache__\n' }, example);
});
afterAll(() => app[Symbol.dispose]());

/** Runs one check of the app as it is now. */
async function check(id: string): Promise<CheckOutput> {
  const repo = await app.open();
  const planned = pythonTools
    .flatMap((tool) => tool.plan(repo, defaultSettings))
    .find((plannedCheck) => plannedCheck.id === id);
  if (planned === undefined) throw new Error(`${id} is not planned`);
  using bench = checkBench(repo);
  return await bench.run(planned);
}

/** The app is as it was before, afterwards. */
async function changed(files: Readonly<Record<string, string>>, id: string): Promise<CheckOutput> {
  for (const [path, text] of Object.entries(files)) app.put(path, text);
  try {
    return await check(id);
  } finally {
    app.git('checkout', '-q', '.');
    app.git('clean', '-fdq');
  }
}

function findings(output: CheckOutput): readonly Finding[] {
  if (!output.ran) throw new Error(`did not run: ${output.why}\n${output.output ?? ''}`);
  return output.findings;
}

describe('the example app', () => {
  test('has a check for each of its tools', async () => {
    const repo = await app.open();
    const planned = pythonTools.flatMap((tool) => tool.plan(repo, defaultSettings));
    expect(planned.map(({ id, folder, why, command }) => [id, folder, why, command])).toEqual([
      ['ruff', 'backend', 'backend/pyproject.toml has [tool.ruff]', 'ruff check'],
      ['black', 'backend', 'backend/pyproject.toml has [tool.black]', 'black --check .'],
      ['mypy', 'backend', 'backend/pyproject.toml has [tool.mypy]', 'mypy'],
      ['pytest', 'backend', 'pytest 9.2.0 is a dependency', 'pytest'],
    ]);
    const needs = new Set(
      planned.flatMap((plannedCheck) => plannedCheck.needs.map(({ id, what }) => `${id}: ${what}`)),
    );
    expect([...needs]).toEqual(['python backend: pip install -r backend/requirements-dev.txt in backend']);
  });

  test.each([
    ['ruff', '0.17.5'],
    ['black', '26.10.1'],
    ['mypy', '2.4.1'],
  ])('is clean for %s %s', async (id, version) => {
    expect(await check(id)).toMatchObject({ ran: true, findings: [], version });
  });

  test('passes its tests, with coverage, and nothing is left in the repository', async () => {
    const output = await check('pytest');
    expect(findings(output)).toEqual([]);
    expect(output).toMatchObject({ version: '9.2.0', tests: { failed: 0, flaky: 0 } });
    if (!output.ran) throw new Error('unreachable');
    expect(output.tests?.passed).toBeGreaterThan(50);
    const health = output.coverage?.find(({ file }) => file === `${backend}/health.py`);
    expect(health?.covered.length).toBeGreaterThan(20);
    expect(app.git('status', '--porcelain', '--ignored')).toBe('');
  });
});

describe('what is planted is found', () => {
  test('a lint error, with its fix and its page', async () => {
    const output = await changed(
      { [`${backend}/planted.py`]: 'import os\n\nx = 1\ny = undefined\n' },
      'ruff',
    );
    expect(findings(output)).toMatchObject([
      {
        rule: 'F401',
        level: 'fail',
        at: { file: `${backend}/planted.py`, line: 1, column: 8 },
        fix: 'Run `ruff check --fix`: Remove unused import: `os`.',
        docs: 'https://docs.astral.sh/ruff/rules/unused-import',
      },
      { rule: 'F821', severity: 'high', at: { line: 4 } },
    ]);
  });

  test('a format error, at its first line', async () => {
    const output = await changed({ [`${backend}/planted.py`]: 'x = 1\n\n\ny  =  2\n' }, 'black');
    expect(findings(output)).toMatchObject([
      { rule: 'format', at: { file: `${backend}/planted.py`, line: 4 }, fix: 'Run `black .`.' },
    ]);
  });

  test('a type error, with its notes', async () => {
    const text = 'def half(n: int) -> str:\n    return n / 2\n\n\nprint(half("2"))\n';
    expect(findings(await changed({ [`${backend}/planted.py`]: text }, 'mypy'))).toMatchObject([
      { rule: 'return-value', at: { file: `${backend}/planted.py`, line: 2, column: 12 } },
      { rule: 'arg-type', at: { line: 5 }, docs: 'https://mypy.rtfd.io/en/stable/_refs.html#code-arg-type' },
    ]);
  });

  test('a failing test, at the assertion in it, and a gate of coverage that is missed', async () => {
    const text =
      'def check(n: int) -> None:\n    assert n == 2, "::error::no"\n\n\ndef test_planted() -> None:\n    check(2)\n    check(1)\n';
    const pyproject = (await app.open()).read('backend/pyproject.toml') ?? '';
    const files = {
      'backend/tests/test_planted.py': text,
      'backend/pyproject.toml': pyproject.replace('fail_under = 85', 'fail_under = 100'),
    };
    const output = await changed(files, 'pytest');
    expect(findings(output)).toMatchObject([
      {
        rule: 'tests/test_planted.py::test_planted',
        subject: 'tests/test_planted.py::test_planted',
        level: 'fail',
        at: { file: 'backend/tests/test_planted.py', line: 2 },
        message: 'tests/test_planted.py::test_planted failed: AssertionError: ::error::no\nassert 1 == 2',
      },
      {
        rule: 'coverage',
        level: 'fail',
        message: expect.stringMatching(/^Required test coverage of 100.* not reached/),
      },
    ]);
    expect(output).toMatchObject({ tests: { failed: 1 } });
  });

  test('tests that can’t be imported: of a missing module, and of broken syntax', async () => {
    const output = await changed(
      { 'backend/tests/test_a.py': '\nimport nowhere\n', 'backend/tests/test_b.py': 'def f(:\n' },
      'pytest',
    );
    expect(findings(output).map(({ message, at }) => [message, at])).toEqual([
      [
        "tests/test_a.py cannot be imported: ModuleNotFoundError: No module named 'nowhere'",
        { file: 'backend/tests/test_a.py', line: 2 },
      ],
      [
        'tests/test_b.py cannot be imported: SyntaxError: invalid syntax',
        { file: 'backend/tests/test_b.py', line: 1 },
      ],
    ]);
  });

  test.each(['ruff', 'black', 'mypy'])('broken syntax, by %s', async (id) => {
    const [first] = findings(await changed({ [`${backend}/planted.py`]: 'x = 1\ndef f(:\n    pass\n' }, id));
    expect(first).toMatchObject({
      severity: 'high',
      level: 'fail',
      at: { file: `${backend}/planted.py`, line: 2 },
    });
  });
});

describe('what a tool can’t judge is no pass', () => {
  const pyproject = (change: (text: string) => string) => async () => {
    const text = (await app.open()).read('backend/pyproject.toml') ?? '';
    return { 'backend/pyproject.toml': change(text) };
  };

  test.each([
    [
      'no tests',
      'pytest',
      pyproject((text) => text.replace('"tests"]', '"migrations"]')),
      /^pytest collected no tests/,
    ],
    [
      'an unknown option',
      'pytest',
      pyproject((text) => text.replace('--strict-markers', '--nonsense')),
      /^pytest rejects/,
    ],
    [
      'an unknown setting',
      'ruff',
      pyproject((text) =>
        text.replace('line-length = 100\n\n[tool.ruff.lint]', 'nonsense = 1\n\n[tool.ruff.lint]'),
      ),
      /^ruff cannot read its settings in backend\/pyproject.toml/,
    ],
    [
      'a broken mypy.ini',
      'mypy',
      async () => ({ 'backend/mypy.ini': '[mypy\nstrict = true\n' }),
      /^mypy ignores its settings in backend\/mypy.ini/,
    ],
    [
      'two modules of one name',
      'mypy',
      async () => ({ 'backend/a/x.py': '', 'backend/b/x.py': '' }),
      /^mypy gave up: .*Duplicate module/,
    ],
    [
      'everything excluded',
      'black',
      pyproject((text) => text.replace('[tool.black]', '[tool.black]\nexclude = "."')),
      /^black found none/,
    ],
  ])('%s: %s', async (_, id, files, why) => {
    expect(await changed(await files(), id)).toMatchObject({ ran: false, why: expect.stringMatching(why) });
  });

  test('a manifest that can’t be read, with its line', async () => {
    const files = await pyproject((text) => text.replace('[tool.ruff]', '[tool.ruff'))();
    await expect(changed(files, 'mypy')).rejects.toMatchObject({
      code: 'checks.manifest',
      at: { file: 'backend/pyproject.toml', line: expect.any(Number) },
    });
  });

  test('a file that can’t be read', async () => {
    const link = `${backend}/gone.py`;
    symlinkSync('nowhere', join(app.root, link));
    try {
      expect(await check('ruff')).toMatchObject({
        ran: false,
        why: `ruff could not read ${link}: No such file or directory (os error 2)`,
      });
    } finally {
      app.remove(link);
    }
  });
});
