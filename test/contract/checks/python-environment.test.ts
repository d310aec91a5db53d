import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pythonProjects } from '../../../src/checks/detect/python.ts';
import { basePython, type PythonEnvironment } from '../../../src/checks/environments/interpreter.ts';
import { pythonEnvironment } from '../../../src/checks/environments/python.ts';
import type { Preparation } from '../../../src/checks/tool.ts';
import { ruff } from '../../../src/checks/tools/python/ruff.ts';
import {
  type CheckedRepo,
  type ContextOptions,
  checkBench,
  checkedRepo,
} from '../../support/checks/context.ts';

const six = { 'requirements.txt': 'six==1.14.0\n', 'app.py': 'import six\n' };

/** The environment of the only project of a repository. */
async function environmentOf(repo: CheckedRepo, options: ContextOptions = {}): Promise<PythonEnvironment> {
  const opened = await repo.open();
  const [project] = pythonProjects(opened);
  if (project === undefined) throw new Error('no project');
  using bench = checkBench(opened, { ...options, env: { VIRTUAL_ENV: undefined, ...options.env } });
  return await bench.make(pythonEnvironment(project));
}

const run = (environment: PythonEnvironment, code: string) =>
  execFileSync(environment.python, ['-c', code], { encoding: 'utf8', cwd: tmpdir() }).trim();

function folder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'checks-cache-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

// Four environments are made in it.
test('two runs at once make one each, and later ones find one of them', { timeout: 180_000 }, async () => {
  using cache = folder();
  using repo = checkedRepo(six);
  const options = { cache: cache.path };
  const made = await Promise.all([environmentOf(repo, options), environmentOf(repo, options)]);
  expect(made[0].python).not.toBe(made[1].python);
  for (const environment of made)
    expect(run(environment, 'import six; print(six.__version__)')).toBe('1.14.0');
  repo.put('app.py', 'import six, os\n');
  const found = await environmentOf(repo, options);
  expect(made.map(({ python }) => python)).toContain(found.python);
  expect(repo.git('status', '--porcelain', '--ignored')).toBe(' M app.py\n');

  // An environment that does not run any more, as from a cache of another machine, is made again.
  rmSync(found.python);
  const again = await environmentOf(repo, options);
  expect(again.python).not.toBe(found.python);

  // So is one that is active, if it has what is asked for.
  const env = { VIRTUAL_ENV: again.prefix };
  expect((await environmentOf(repo, { ...options, env })).prefix).toBe(again.prefix);
  repo.put('requirements.txt', 'six==1.13.0\n');
  const other = await environmentOf(repo, { ...options, env });
  expect(other.packages.get('six')).toBe('1.13.0');
});

test('uv installs a workspace and its groups from the lock; packages are built outside the repository', async () => {
  using repo = checkedRepo({
    'pyproject.toml': `
[project]
name = "shop"
version = "0.1.0"
requires-python = ">=3.10"
[dependency-groups]
test = ["iniconfig==2.0.0"]
docs = ["pluggy==1.5.0"]
[tool.uv.workspace]
members = ["packages/*"]
`,
    'packages/api/pyproject.toml': `
[project]
name = "api"
version = "0.1.0"
requires-python = ">=3.10"
dependencies = ["six==1.17.0"]
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
`,
    'packages/api/src/api/__init__.py': 'import six\n',
    'uv.lock': readFileSync(join(import.meta.dirname, '../../fixtures/checks/uv.lock'), 'utf8'),
  });
  const environment = await environmentOf(repo);
  const has = (name: string) => environment.packages.get(name);
  expect([has('six'), has('iniconfig'), has('pluggy'), has('api')]).toEqual([
    '1.17.0',
    '2.0.0',
    undefined,
    '0.1.0',
  ]);
  expect(repo.git('status', '--porcelain', '--ignored')).toBe('');
});

/** A wheel without content, made byte by byte the same everywhere. */
const wheel = `
import sys, zipfile
info = "tiny-1.0.dist-info/"
with zipfile.ZipFile(sys.argv[1], "w") as whl:
    for name, text in {
        "tiny.py": "ANSWER = 42\\n",
        info + "METADATA": "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n",
        info + "WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        info + "RECORD": "tiny.py,,\\n",
    }.items():
        whl.writestr(zipfile.ZipInfo(name), text)
`;

test('Poetry installs from its lock, into an environment that is not its own', async () => {
  using repo = checkedRepo({
    'app.py': 'import tiny\n',
    'pyproject.toml': `
[tool.poetry]
package-mode = false
[tool.poetry.dependencies]
python = ">=3.10"
tiny = { path = "tiny-1.0-py3-none-any.whl" }
`,
    'poetry.lock': readFileSync(join(import.meta.dirname, '../../fixtures/checks/poetry.lock'), 'utf8'),
  });
  execFileSync('python3', ['-c', wheel, join(repo.root, 'tiny-1.0-py3-none-any.whl')]);
  const environment = await environmentOf(repo);
  expect(run(environment, 'import tiny; print(tiny.ANSWER)')).toBe('42');
});

test.each([
  [
    'an index out of reach',
    { ...six, 'requirements.txt': 'six==1.15.0' },
    { PIP_INDEX_URL: 'http://127.0.0.1:9/simple', PIP_RETRIES: '1', PIP_FIND_LINKS: '' },
    'checks.environment',
    'pip install -r requirements.txt failed: cannot reach the package index',
  ],
  [
    'a version that does not exist',
    { ...six, 'requirements.txt': 'six==0.0.77' },
    {},
    'checks.environment',
    'pip install -r requirements.txt failed: a package or its version does not exist for this Python',
  ],
  [
    'versions that exclude each other',
    { ...six, 'requirements.txt': 'six==1.17.0\npython-dateutil==2.9.0\nsix<1.5' },
    {},
    'checks.environment',
    'pip install -r requirements.txt failed: the required versions conflict',
  ],
  [
    'a Python that is too old',
    { 'app.py': '', 'pyproject.toml': '[project]\nname="x"\nrequires-python=">=3.99"\ndependencies=["six"]' },
    {},
    'checks.python',
    expect.stringMatching(/^The project requires Python >=3\.99\. Available: 3\.\d+\.\d+/),
  ],
  ['no Python', six, { PATH: '/nonexistent' }, 'checks.python', 'Python 3 is not on PATH'],
])('%s is told in words', async (_, files, env, code, message) => {
  using cache = folder();
  using repo = checkedRepo(files);
  await expect(environmentOf(repo, { cache: cache.path, env })).rejects.toMatchObject({ code, message });
});

test('Ruff is brought along where there is Python and no linter, by its hash', async () => {
  using cache = folder();
  using repo = checkedRepo({ 'tools/gen.py': 'import os\n' });
  const opened = await repo.open();
  using bench = checkBench(opened, { cache: cache.path });
  expect(await bench.runOnly(ruff)).toMatchObject({
    ran: true,
    version: '0.17.5',
    findings: [{ rule: 'F401' }],
  });
  const [made = ''] = readdirSync(join(cache.path, 'python-tools'));
  const [inner = ''] = readdirSync(join(cache.path, 'python-tools', made)).filter((name) => name !== 'ready');
  const pin = readFileSync(join(cache.path, 'python-tools', made, inner, 'requirements.txt'), 'utf8');
  expect(pin).toMatch(/^ruff==0\.17\.5( --hash=sha256:[\da-f]{64}){5}$/);
});

test('a Python that GitHub’s runner keeps off PATH is found', async () => {
  using shelf = folder();
  using repo = checkedRepo({
    ...six,
    'pyproject.toml': '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.9"\n',
  });
  const real = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
    encoding: 'utf8',
  }).trim();
  for (const version of ['3.9.1', '3.10.2']) {
    const bin = join(shelf.path, 'Python', version, process.arch, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'python3'), `#!/bin/sh\nexec '${real}' "$@"\n`, { mode: 0o755 });
  }
  const opened = await repo.open();
  const [project] = pythonProjects(opened);
  if (project === undefined) throw new Error('no project');
  using bench = checkBench(opened, { env: { PATH: '/nowhere', RUNNER_TOOL_CACHE: shelf.path } });
  const seen: string[] = [];
  const find: Preparation<PythonEnvironment> = {
    ...{ id: 'find', what: 'find', needs: [], cost: { cores: 1, memory: 1, seconds: 1 }, timeoutMs: 60_000 },
    make: (context) => {
      const spawn: typeof context.spawn = (argv, options) => {
        seen.push(argv[0]);
        return context.spawn(argv, options);
      };
      return basePython({ ...context, spawn }, project);
    },
  };
  expect((await bench.make(find)).version).toMatch(/^3\./);
  expect(seen.filter((program) => program.startsWith(shelf.path))).toEqual([
    join(shelf.path, 'Python/3.10.2', process.arch, 'bin/python3'),
  ]);
});
