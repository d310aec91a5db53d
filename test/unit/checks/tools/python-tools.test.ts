import { describe, expect, test } from 'vitest';
import { readCobertura } from '../../../../src/checks/coverage/reports.ts';
import { pythonProjects } from '../../../../src/checks/detect/python.ts';
import { pythonTools } from '../../../../src/checks/tools/all.ts';
import { readDiffs } from '../../../../src/checks/tools/python/format-diff.ts';
import { mypyFindings, readMypy } from '../../../../src/checks/tools/python/mypy.ts';
import { pytestFinding } from '../../../../src/checks/tools/python/pytest.ts';
import { settings } from '../../../support/checks/fixtures.ts';
import { memoryRepo } from '../../../support/checks/repo.ts';

type Files = Readonly<Record<string, string>>;

function planned(files: Files): string[] {
  const repo = memoryRepo(files);
  return pythonTools.flatMap((tool) => tool.plan(repo, settings)).map(({ id, why }) => `${id}: ${why}`);
}

describe('which tools a project gets, and why', () => {
  const app = { 'app.py': '' };
  const cases: readonly (readonly [what: string, files: Files, checks: readonly string[]])[] = [
    ['no Python', { 'README.md': '' }, []],
    ['sources alone', app, ['ruff: 1 Python file without a linter: Sluice installs ruff 0.17.5']],
    ['another linter', { ...app, 'requirements-dev.txt': 'flake8==7' }, []],
    [
      'settings decide, in the project or above',
      {
        'ruff.toml': '',
        'a/requirements.txt': 'x',
        'a/app.py': '',
        'a/mypy.ini': '[mypy]',
        'a/setup.cfg': '[flake8]',
      },
      ['ruff: found ruff.toml', 'mypy: found a/mypy.ini'],
    ],
    [
      'ruff as formatter, by its settings',
      { ...app, 'pyproject.toml': '[tool.ruff.format]\nquote-style = "single"' },
      ['ruff: pyproject.toml has [tool.ruff]', 'ruff format: pyproject.toml has [tool.ruff.format]'],
    ],
    [
      'ruff as formatter, by a workflow',
      {
        ...app,
        '.github/workflows/ci.yml': 'run: uv run ruff format --check',
        'requirements-dev.txt': 'ruff==0.9.1',
      },
      ['ruff: ruff 0.9.1 is a dependency', 'ruff format: .github/workflows/ci.yml runs `ruff format`'],
    ],
    [
      'black goes before ruff as formatter',
      { ...app, Makefile: 'ruff format .', 'pyproject.toml': '[tool.black]\n[tool.ruff]' },
      ['ruff: pyproject.toml has [tool.ruff]', 'black: pyproject.toml has [tool.black]'],
    ],
    [
      'hooks of pre-commit, at their versions',
      {
        ...app,
        '.pre-commit-config.yaml':
          'repos:\n- repo: https://github.com/astral-sh/ruff-pre-commit\n  rev: v0.6.2\n  hooks: [{id: ruff}, {id: ruff-format}]\n- repo: https://github.com/psf/black\n  rev: 24.1.0\n  hooks: [{id: black}]',
      },
      [
        'ruff: .pre-commit-config.yaml has ruff 0.6.2',
        'ruff format: .pre-commit-config.yaml has ruff-format',
        'black: .pre-commit-config.yaml has black 24.1.0',
      ],
    ],
    [
      'tests with a conftest.py, but no pytest among the packages',
      { ...app, 'requirements.txt': 'flake8', 'tests/conftest.py': '', 'tests/test_a.py': '' },
      ['pytest: found tests/conftest.py'],
    ],
    [
      'pytest settings without a test',
      { ...app, 'requirements.txt': 'flake8', 'pytest.ini': '[pytest]' },
      [],
    ],
    [
      'two projects',
      {
        'a/requirements.txt': 'pytest==9.2.0',
        'a/x.py': '',
        'b/requirements.txt': 'flake8\npytest',
        'b/y.py': '',
      },
      [
        'ruff: 1 Python file without a linter: Sluice installs ruff 0.17.5',
        'pytest a: pytest 9.2.0 is a dependency',
        'pytest b: pytest is a dependency',
      ],
    ],
  ];
  test.each(cases)('%s', (_, files, checks) => expect(planned(files)).toEqual(checks));
});

test('a project with others within it names what is its own', () => {
  const repo = memoryRepo({
    'requirements.txt': 'mypy\npytest',
    '-e.py': '',
    'app.py': '',
    'lib/x.py': '',
    'services/tool.py': '',
    'services/a/requirements.txt': 'x',
    'services/a/test_a.py': '',
    'tests/test_x.py': '',
  });
  const commands = pythonTools
    .flatMap((tool) => tool.plan(repo, settings))
    .map(({ id, command }) => [id, command]);
  expect(commands).toEqual([
    ['ruff .', 'ruff check ./-e.py app.py lib services/tool.py tests'],
    ['ruff services/a', 'ruff check'],
    ['mypy', 'mypy ./-e.py app.py lib services/tool.py tests'],
    ['pytest', 'pytest tests'],
  ]);
});

test.each([
  ['addopts = "-n auto --cov"', 'all'],
  ['addopts = ["--numprocesses=4"]', 'all'],
  ['addopts = [\n  "-q",\n  "-n", "2",\n]', 'all'],
  ['addopts = "--no-header -q"', 1],
])('pytest with %j takes %s cores', (addopts, cores) => {
  const repo = memoryRepo({
    'app.py': '',
    'pyproject.toml': `[dependency-groups]\ndev = ["pytest"]\n[tool.pytest.ini_options]\n${addopts}\ntestpaths = ["t"]`,
  });
  const check = pythonTools.flatMap((tool) => tool.plan(repo, settings)).find(({ id }) => id === 'pytest');
  expect(check?.cost.cores).toBe(cores);
});

describe('mypy', () => {
  // Recorded from mypy 2.4.1 with `-O json`, and 1.4.0 with --show-column-numbers.
  const json =
    '{"file": "a.py", "line": 5, "column": 11, "message": "Bad \\"int\\"", "hint": "See\\nit", "code": "return-value", "severity": "error"}';
  const both = [
    ['JSON', json],
    [
      'text',
      'a.py:5:12: error: Bad "int"  [return-value]\na.py:5: note: See\na.py:5: note: it\nFound 1 error in 1 file (checked 1 source file)',
    ],
  ] as const;
  test.each(both)('says the same in %s', (_, text) => {
    expect(mypyFindings(readMypy(text) ?? [], (path) => `backend/${path}`)).toEqual([
      {
        tool: 'mypy',
        rule: 'return-value',
        severity: 'medium',
        level: 'fail',
        message: 'Bad "int"',
        at: { file: 'backend/a.py', line: 5, column: 12 },
        fix: 'See it',
        docs: 'https://mypy.rtfd.io/en/stable/_refs.html#code-return-value',
      },
    ]);
  });

  test('a note on its own is a note, a file without a line has none', () => {
    const text =
      '{"file": "u/x.py", "line": -1, "column": -1, "message": "Duplicate module", "hint": null, "code": null, "severity": "error"}\nb.py:10:17: note: Revealed type is "str"\nnoise of a plugin';
    expect(mypyFindings(readMypy(text) ?? [], (path) => path)).toMatchObject([
      { rule: 'misc', level: 'fail', at: { file: 'u/x.py' } },
      { rule: 'misc', level: 'note', at: { file: 'b.py', line: 10 } },
    ]);
  });

  test.each(['{"file": "a.py", "line": 5, "mess', '{"line": 5}'])('broken: %s', (line) => {
    expect(readMypy(`${json}\n${line}`)).toBeUndefined();
  });
});

test('diffs of formatters give the first line that changes, and how many places do', () => {
  // Recorded from black 26.10.1 (absolute path, time) and ruff 0.17.5.
  const black =
    '--- /repo/a b.py\t2026-11-21 16:11:52.820930+00:00\n+++ /repo/a b.py\t2026-11-21 16:11:53.031373+00:00\n@@ -1,4 +1,5 @@\n import os\n-x = [1,2,\n- 3]\n+\n+x = [1, 2, 3]\n def f():\n@@ -40,3 +41,3 @@\n \n \n-y  = 1\n+y = 1\n';
  const ruff =
    '--- q/z.py\n+++ q/z.py\n@@ -1 +1 @@\n-x  = 1\n+x = 1\n\n--- new.py\n+++ new.py\n@@ -0,0 +1 @@\n+\n';
  expect(readDiffs(black + ruff)).toEqual([
    { path: '/repo/a b.py', line: 2, places: 2 },
    { path: 'q/z.py', line: 1, places: 1 },
    { path: 'new.py', line: 1, places: 1 },
  ]);
  expect(readDiffs('All done!\n')).toEqual([]);
});

describe('coverage from Cobertura', () => {
  const repo = { root: '/repo', files: ['backend/app/main.py', 'backend/run.py', 'lib/x.py'] };
  const report = (sources: string, classes: string) =>
    `<?xml version="1.0" ?><coverage version="7"><sources>${sources}</sources><packages><package><classes>${classes}</classes></package></packages></coverage>`;
  const lines = '<lines><line number="3" hits="0"/><line number="1" hits="2" branch="true"/></lines>';

  test.each([
    ['below a source', '<source>/repo/backend/app</source>', 'main.py', 'backend/app/main.py'],
    ['below another source', '<source>/x</source><source>/repo/lib</source>', 'x.py', 'lib/x.py'],
    ['from the project', '', 'run.py', 'backend/run.py'],
    ['from the top', '<source>/elsewhere</source>', 'lib/x.py', 'lib/x.py'],
    ['absolute', '', '/repo/lib/x.py', 'lib/x.py'],
  ])('a path %s', (_, sources, filename, file) => {
    const xml = report(sources, `<class filename="${filename}">${lines}</class>`);
    expect(readCobertura(xml, repo, 'backend')).toEqual([{ file, covered: [1], missed: [3] }]);
  });

  test('classes of one file are one, files of others are none', () => {
    const other = '<class filename="run.py"><lines><line number="3" hits="1"/></lines></class>';
    const xml = report(
      '',
      `<class filename="run.py">${lines}</class>${other}<class filename="../../etc/passwd"/>`,
    );
    expect(readCobertura(xml, repo, 'backend')).toEqual([
      { file: 'backend/run.py', covered: [1, 3], missed: [] },
    ]);
  });

  test.each(['', '<coverage>', '<testsuites/>'])('no report: %j', (xml) => {
    expect(readCobertura(xml, repo, '')).toBeUndefined();
  });
});

describe('a failed test of pytest is shown', () => {
  const repo = memoryRepo({
    'b/requirements.txt': 'x',
    'b/tests/test_a.py': '',
    'b/app.py': '',
    'b/tests/help.py': '',
  });
  const [project] = pythonProjects(repo);
  if (project === undefined) throw new Error('no project');
  const failed = {
    name: 'tests/test_a.py::test_x',
    suite: '',
    test: '',
    kind: 'failure',
    message: 'no',
  } as const;

  test.each([
    [
      'where the test called what failed',
      'tests/test_a.py:10: in test_x\n    run()\napp.py:3: in run\nE   ValueError',
      'b/tests/test_a.py:10',
    ],
    [
      'in a helper when the test itself is in no line',
      'tests/help.py:4: in go\n../lib/python3/x.py:9: in y',
      'b/tests/help.py:4',
    ],
    ['where it begins when there is no traceback', '[XPASS(strict)]', 'b/tests/test_a.py:8'],
    [
      'at the place of a syntax error',
      'x.py:1: in y\nE     File "/repo/b/tests/test_a.py", line 2\nE       def f(:',
      'b/tests/test_a.py:2',
    ],
  ])('%s', (_, text, place) => {
    const { at } = pytestFinding({ ...failed, file: 'tests/test_a.py', line: 8, text }, repo, project);
    expect(`${at?.file}:${at?.line}`).toBe(place);
  });

  test('with what pytest says of the error, at most eight lines of it', () => {
    const text = Array.from({ length: 20 }, (_, index) => `E   line ${index}`).join('\n');
    expect(pytestFinding({ ...failed, text }, repo, project).message.split('\n')).toHaveLength(8);
  });
});
