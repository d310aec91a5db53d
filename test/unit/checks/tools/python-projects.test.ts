import { describe, expect, test } from 'vitest';
import { type PythonProject, pythonProjects } from '../../../../src/checks/detect/python.ts';
import { allowsPython } from '../../../../src/checks/detect/python-version.ts';
import { readRequirement } from '../../../../src/checks/detect/requirements.ts';
import { memoryRepo } from '../../../support/checks/repo.ts';

type Files = Readonly<Record<string, string>>;

/** What matters of a project, in few words. */
function shape(project: PythonProject) {
  const { folder, manager, install } = project;
  const installed = [
    ...install.files,
    ...install.requirements,
    ...(install.buildsProject ? ['.'] : []),
    ...install.extras.map((name) => `[${name}]`),
    ...install.groups.map((name) => `:${name}`),
  ];
  return `${folder || '.'} ${manager}: ${installed.join(' ')}`;
}

const app = { 'app.py': '' };
const under = (folder: string, files: Files): Files =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text]));

describe('projects and what is installed for them', () => {
  const shapes: readonly (readonly [what: string, files: Files, projects: readonly string[]])[] = [
    ['no Python', { 'package.json': '{}', 'requirements.txt': 'mkdocs' }, []],
    ['sources without a manifest', { 'tools/gen.py': '', 'package.json': '{}' }, ['. pip: ']],
    ['pins', { ...app, 'requirements.txt': 'fastapi==1.0' }, ['. pip: requirements.txt']],
    [
      'a development file that names all the app needs stands for both',
      { ...app, 'requirements.txt': 'a==1\nb==2', 'requirements-dev.txt': 'a==1\nB==2\npytest==9' },
      ['. pip: requirements-dev.txt'],
    ],
    [
      'one that includes the other, too',
      { ...app, 'requirements.txt': 'a==1', 'dev-requirements.txt': '-r requirements.txt\npytest' },
      ['. pip: dev-requirements.txt'],
    ],
    [
      'one that only adds to it comes after it',
      {
        ...app,
        'requirements.txt': 'a==1',
        'requirements-test.txt': 'pytest',
        'requirements-prod.txt': 'gunicorn',
      },
      ['. pip: requirements.txt requirements-test.txt'],
    ],
    [
      'a folder of requirements',
      {
        ...app,
        'requirements/base.txt': 'a',
        'requirements/dev.txt': '-r base.txt\nruff',
        'requirements/gpu.txt': 'cuda',
      },
      ['. pip: requirements/dev.txt'],
    ],
    [
      'an app',
      {
        ...app,
        'pyproject.toml': '[project]\ndependencies=["a"]\n[project.optional-dependencies]\ndev=["ruff"]',
      },
      ['. pip: a ruff'],
    ],
    [
      'a package with extras for development',
      {
        ...app,
        'pyproject.toml':
          '[build-system]\n[project]\nname="x"\n[project.optional-dependencies]\ndev=["ruff"]\ns3=["boto3"]',
      },
      ['. pip: ruff . [dev]'],
    ],
    [
      'groups, with those they include',
      {
        ...app,
        'pyproject.toml':
          '[dependency-groups]\ndev=["ruff",{include-group="test"}]\ntest=["pytest",{include-group="dev"}]\ndocs=["sphinx"]',
      },
      ['. pip: ruff pytest pytest ruff'],
    ],
    [
      'pins of the app, and what is for development in pyproject.toml',
      {
        ...app,
        'requirements.txt': 'a==1',
        'pyproject.toml':
          '[project]\ndependencies=["a"]\n[project.optional-dependencies]\ntest=["pytest>=8"]',
      },
      ['. pip: requirements.txt pytest>=8'],
    ],
    [
      'requirements that install the repository',
      { ...app, 'requirements.txt': '-e .[dev]\na' },
      ['. pip: requirements.txt .'],
    ],
    ['setup.py', { ...app, 'setup.py': '' }, ['. pip: .']],
    [
      'setup.cfg of a package',
      {
        ...app,
        'setup.cfg':
          '[metadata]\nname = x\n[options]\ninstall_requires =\n    a\n    # not this\n    b>=1\n\n[options.extras_require]\ntest = pytest>=8\nall =\n    c\n[mypy]\nstrict = true\n',
      },
      ['. pip: pytest>=8 . [test]'],
    ],
    ['setup.cfg of tools only', { ...app, 'setup.cfg': '[mypy]\n' }, ['. pip: ']],
    [
      'Pipfile.lock',
      {
        ...app,
        Pipfile: '[packages]\na="*"',
        'Pipfile.lock':
          '{"default":{"a":{"version":"==1.0","extras":["x"]}},"develop":{"pytest":{"version":"==9.2","markers":"python_version >= \'3\'"}}}',
      },
      [". pip: a[x]==1.0 pytest==9.2 ; python_version >= '3'"],
    ],
    [
      'a Pipfile',
      { ...app, Pipfile: '[packages]\na="*"\n[dev-packages]\nb={version=">=2"}' },
      ['. pip: a b>=2'],
    ],
    [
      'uv',
      { ...app, 'uv.lock': '', 'pyproject.toml': '[project]\nname="x"\n[dependency-groups]\nlint=["ruff"]' },
      ['. uv: . :lint'],
    ],
    [
      'a uv workspace is one project, but for whom it excludes',
      {
        'pyproject.toml': '[tool.uv.workspace]\nmembers=["packages/*"]\nexclude=["packages/old"]',
        'uv.lock': '',
        ...under('packages/api', { 'pyproject.toml': '[project]\nname="api"', 'src/api/__init__.py': '' }),
        ...under('packages/old', { 'setup.py': '', 'old.py': '' }),
      },
      ['. uv: .', 'packages/old pip: .'],
    ],
    [
      'poetry',
      {
        ...app,
        'poetry.lock': '',
        'pyproject.toml': '[tool.poetry.dependencies]\npython="^3.11"\nflask="^3"',
      },
      ['. poetry: .'],
    ],
    [
      'Poetry with the tables of everybody',
      {
        ...app,
        'poetry.lock': '',
        'pyproject.toml': '[project]\ndependencies=["a"]',
        'requirements.txt': 'a',
      },
      ['. poetry: .'],
    ],
    [
      'settings of tools at the top, projects below, requirements of the documentation',
      {
        'pyproject.toml': '[tool.ruff]',
        ...under('services/a', { ...app, 'requirements.txt': 'a' }),
        ...under('services/a/docs', { 'conf.py': '', 'requirements.txt': 'sphinx' }),
        ...under('services/b', { ...app, 'pyproject.toml': '[build-system]' }),
      },
      ['services/a pip: services/a/requirements.txt', 'services/b pip: .'],
    ],
  ];
  test.each(shapes)('%s', (_, files, projects) => {
    expect(pythonProjects(memoryRepo(files)).map(shape)).toEqual(projects);
  });
});

test('each source belongs to the nearest project, tests are those that pytest takes for them', () => {
  const [top, inner] = pythonProjects(
    memoryRepo({
      'requirements.txt': '',
      'a.py': '',
      'src/pkg/x.py': '',
      'tests/test_a.py': '',
      'tests/conftest.py': '',
      'inner/requirements.txt': '',
      'inner/b_test.py': '',
    }),
  );
  expect(top).toMatchObject({
    sources: ['a.py', 'src/pkg/x.py', 'tests/conftest.py', 'tests/test_a.py'],
    tests: ['tests/test_a.py'],
    roots: ['src'],
  });
  expect(inner).toMatchObject({ sources: ['inner/b_test.py'], tests: ['inner/b_test.py'], roots: ['inner'] });
});

test.each([
  ['uv', { 'uv.lock': '[[package]]\nname="ruff"\nversion="0.17.5"\n[[package]]\nname="x"\nversion="1"' }],
  [
    'poetry',
    { 'poetry.lock': '[[package]]\nname="Ruff"\nversion="0.17.5"\n[[package]]\nname="x"\nversion="1"' },
  ],
  ['requirements', { 'requirements-dev.txt': 'ruff==0.17.5 \\\n  --hash=sha256:aa\n# x\n' }],
])('versions come from the lock of %s, for what is asked for', (_, files) => {
  const pyproject =
    '[project]\nrequires-python=">=3.11"\n[tool.poetry.group.dev.dependencies]\nruff="^0.17"\n[dependency-groups]\ndev=["ruff"]';
  const [project] = pythonProjects(memoryRepo({ ...app, 'pyproject.toml': pyproject, ...files }));
  expect([...(project?.dependencies.values() ?? [])]).toEqual([
    { name: 'ruff', version: '0.17.5', conditional: false },
  ]);
  expect(project?.requiresPython).toBe('>=3.11');
});

test.each([
  ['pyproject.toml', { 'pyproject.toml': '[project]\nname = "x"\n[tool.mypy\nstrict = true' }, 3],
  [
    'uv.lock',
    { 'pyproject.toml': '[dependency-groups]\ndev = ["mypy"]', 'uv.lock': 'version = 1\n<<<<<<< HEAD' },
    2,
  ],
])('a broken %s is a fault with its line, and tools that it names are still known', (file, files, line) => {
  const [project] = pythonProjects(memoryRepo({ ...app, ...files }));
  expect(project?.fault).toMatchObject({ code: 'checks.manifest', at: { file, line } });
  expect(project?.dependencies.has('mypy')).toBe(true);
});

test.each([
  ['Django_Rest.Framework >= 3 , < 4', { name: 'django-rest-framework', conditional: false }],
  ['celery[redis]==5.7.0', { name: 'celery', version: '5.7.0', conditional: false }],
  ['uvloop==0.23 ; sys_platform != "win32"', { name: 'uvloop', version: '0.23', conditional: true }],
  ['pandas==2.*', { name: 'pandas', conditional: false }],
  ['pip @ https://example.com/pip.whl', { name: 'pip', conditional: false }],
  ['https://example.com/pip.whl', undefined],
  ['git+https://example.com/x.git', undefined],
  ['--index-url https://example.com', undefined],
  ['', undefined],
])('requirement: %s', (text, expected) => {
  expect(readRequirement(text)).toEqual(expected);
});

test.each([
  ['>=3.11', '3.11.7', true],
  ['>=3.12', '3.11.7', false],
  ['>=3.9,<3.11', '3.11.0', false],
  ['>=3.9, !=3.11.*', '3.11.7', false],
  ['~=3.11', '3.13.1', true],
  ['~=3.11.2', '3.12.0', false],
  ['==3.11.*', '3.11.7', true],
  ['^3.10', '3.11.7', true],
  ['^3.10', '4.0.0', false],
  ['~3.10', '3.11.7', false],
  ['~3.11 || ^2.7', '3.11.7', true],
  ['3.11', '3.11.7', true],
  ['*', '3.11.7', true],
])('Python %s allows %s: %s', (specifier, version, allowed) => {
  expect(allowsPython(specifier, version)).toBe(allowed);
});
