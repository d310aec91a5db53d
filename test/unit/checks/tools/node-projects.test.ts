import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readJson, readJsonWithComments } from '../../../../src/checks/detect/json-text.ts';
import { type NodeProject, nodeProjects } from '../../../../src/checks/detect/node.ts';
import { isWorkspace } from '../../../../src/checks/detect/node-manager.ts';
import { isDelegating, isPlaceholder, scriptCommand } from '../../../../src/checks/detect/node-scripts.ts';
import { installArguments } from '../../../../src/checks/environments/node.ts';
import { memoryRepo } from '../../../support/checks/repo.ts';

type Files = Readonly<Record<string, string>>;
const json = (value: unknown) => JSON.stringify(value, undefined, 2);
const app = json({ devDependencies: { eslint: '9' } });

/** Folder, where it installs if elsewhere, and with what. */
function shape(project: NodeProject): string {
  const { folder, root, manager } = project;
  return `${folder || '.'}${root === folder ? '' : ` (${root || '.'})`}: ${installArguments(project).slice(0, 3).join(' ')}${manager.plugAndPlay ? ' pnp' : ''}`;
}

describe('projects and how they are installed', () => {
  const shapes: readonly (readonly [what: string, files: Files, projects: readonly string[]])[] = [
    ['no package.json', { 'index.js': '' }, []],
    ['npm with a lock', { 'package.json': app, 'package-lock.json': '{}' }, ['.: npm ci --ignore-scripts']],
    ['a shrinkwrap', { 'package.json': app, 'npm-shrinkwrap.json': '{}' }, ['.: npm ci --ignore-scripts']],
    ['no lock', { 'package.json': app }, ['.: npm install --no-package-lock']],
    ['pnpm', { 'package.json': app, 'pnpm-lock.yaml': '' }, ['.: pnpm install --frozen-lockfile']],
    [
      'Yarn 1',
      { 'package.json': app, 'yarn.lock': '# yarn lockfile v1' },
      ['.: yarn install --frozen-lockfile'],
    ],
    [
      'a later Yarn, whose packages stay zipped',
      { 'package.json': app, 'yarn.lock': '__metadata:\n  version: 8\n' },
      ['.: yarn install --immutable pnp'],
    ],
    [
      'a later Yarn with node_modules',
      { 'package.json': app, 'yarn.lock': '__metadata:\n', '.yarnrc.yml': 'nodeLinker: node-modules\n' },
      ['.: yarn install --immutable'],
    ],
    ['bun', { 'package.json': app, 'bun.lock': '{}' }, ['.: bun install --frozen-lockfile']],
    [
      'packageManager before the lock that lies about',
      { 'package.json': json({ packageManager: 'pnpm@9.1.0+sha512.abc' }), 'package-lock.json': '{}' },
      ['.: pnpm install --no-lockfile'],
    ],
    [
      'devEngines',
      {
        'package.json': json({ devEngines: { packageManager: { name: 'pnpm', version: '^10.1.0' } } }),
        'pnpm-lock.yaml': '',
      },
      ['.: pnpm install --frozen-lockfile'],
    ],
    [
      'two projects, and packages of others',
      {
        'a/package.json': app,
        'b/package.json': app,
        'b/yarn.lock': '',
        'a/node_modules/x/package.json': app,
        'test/fixtures/broken/package.json': '{',
      },
      ['a: npm install --no-package-lock', 'b: yarn install --frozen-lockfile'],
    ],
    [
      'npm workspaces',
      {
        'package.json': json({ workspaces: ['packages/*', '!packages/old'] }),
        'package-lock.json': '{}',
        'packages/ui/package.json': app,
        'packages/old/package.json': app,
        'tools/package.json': app,
      },
      [
        '.: npm ci --ignore-scripts',
        'packages/old: npm install --no-package-lock',
        'packages/ui (.): npm ci --ignore-scripts',
        'tools: npm install --no-package-lock',
      ],
    ],
    [
      'pnpm workspaces below the top',
      {
        'web/package.json': '{}',
        'web/pnpm-workspace.yaml': 'packages:\n  - "apps/**"\n',
        'web/pnpm-lock.yaml': '',
        'web/apps/shop/cart/package.json': app,
      },
      ['web: pnpm install --frozen-lockfile', 'web/apps/shop/cart (web): pnpm install --frozen-lockfile'],
    ],
    [
      'workspaces as Yarn 1 writes them',
      {
        'package.json': json({ workspaces: { packages: ['./app'] } }),
        'yarn.lock': '',
        'app/package.json': app,
      },
      ['.: yarn install --frozen-lockfile', 'app (.): yarn install --frozen-lockfile'],
    ],
  ];
  test.each(shapes)('%s', (_, files, expected) => {
    const projects = nodeProjects(memoryRepo(files));
    expect(projects.map(shape).sort()).toEqual([...expected].sort());
  });

  test('a malformed package.json names its line, and hides nothing else', () => {
    const files = {
      'a/package.json': '{\n  "name": "a",\n  "scripts": { "test": }\n}',
      'b/package.json': app,
    };
    const [a, b] = nodeProjects(memoryRepo(files));
    expect(a?.fault).toEqual({
      message: 'The file is not valid JSON: unexpected “}”.',
      at: { file: 'a/package.json', line: 3 },
    });
    expect(b).toMatchObject({ own: { eslint: '9' } });
    expect(nodeProjects(memoryRepo({ 'package.json': '[]' }))[0]?.fault?.at.line).toBe(1);
    expect(nodeProjects(memoryRepo({ 'package.json': '' }))[0]?.fault?.message).toMatch(/ends too early/);
  });

  test('packages of the workspace root count for its members; configuration counts in its own folder', () => {
    const files = {
      'package.json': json({
        workspaces: ['web'],
        devDependencies: { eslint: '9', prettier: '3' },
        prettier: { semi: false },
      }),
      'eslint.config.mjs': '',
      'web/package.json': json({ dependencies: { react: '19' } }),
      'web/tsconfig.json': '{}',
      'web/.eslintrc.cjs': '',
      'web/.prettierrc': '',
      'web/biome.jsonc': '{}',
      'web/vitest.config.ts': '',
      'web/jest.config.js': '',
      'web/src/eslint.config.js': '',
    };
    const [top, web] = nodeProjects(memoryRepo(files));
    expect(top?.configs).toEqual({ eslint: 'eslint.config.mjs', prettier: 'package.json' });
    expect(web?.packages).toEqual({ react: '19', eslint: '9', prettier: '3' });
    expect(web?.configs).toEqual({
      eslint: 'web/.eslintrc.cjs',
      tsc: 'web/tsconfig.json',
      prettier: 'web/.prettierrc',
      biome: 'web/biome.jsonc',
      vitest: 'web/vitest.config.ts',
      jest: 'web/jest.config.js',
    });
  });

  test('install scripts run only of packages that package.json allows by name, and never of an option', () => {
    const manifest = {
      allowScripts: { 'esbuild@0.25.0': true, '@swc/core': true, 'core-js': false, '--registry=evil': true },
      trustedDependencies: ['sharp'],
      pnpm: { onlyBuiltDependencies: ['better-sqlite3', 'sharp'] },
    };
    const [project] = nodeProjects(memoryRepo({ 'package.json': json(manifest) }));
    expect(project?.allowedScripts).toEqual(['@swc/core', 'better-sqlite3', 'esbuild', 'sharp']);
  });
});

describe('JSON in files', () => {
  test('any fault is found on the line where it is', () => {
    const value = fc
      .jsonValue({ maxDepth: 3 })
      .filter((jsonValue) => typeof jsonValue === 'object' && jsonValue !== null);
    fc.assert(
      fc.property(value, fc.nat(), (manifest, seed) => {
        const text = JSON.stringify(manifest, undefined, 1);
        expect(readJson(text)).toEqual({ value: JSON.parse(text) });
        const lines = text.split('\n');
        const broken = seed % lines.length;
        // A tilde is no JSON anywhere but in a text.
        lines[broken] = `~${lines[broken]}`;
        expect(readJson(lines.join('\n'))).toMatchObject({ line: broken + 1 });
      }),
    );
  });

  test('comments and trailing commas are read over, in texts they stay', () => {
    const text = '{ // one\n "a": "http://x/*y*/,]", /* two */ "b": [1, 2,],\n}';
    expect(readJsonWithComments(text)).toEqual({ a: 'http://x/*y*/,]', b: [1, 2] });
    expect(readJsonWithComments('{ "a": ')).toBe(undefined);
  });
});

describe('scripts of package.json', () => {
  test.each([
    ['eslint src --max-warnings 0', { args: ['src', '--max-warnings', '0'], env: {} }],
    ['npx eslint .', { args: ['.'], env: {} }],
    ['CI=1 eslint .', { args: ['.'], env: { CI: '1' } }],
    ['cross-env A=b C= eslint', { args: [], env: { A: 'b', C: '' } }],
    [
      'node --no-warnings node_modules/eslint/bin/eslint.js .',
      { args: ['.'], env: { NODE_OPTIONS: '--no-warnings' } },
    ],
    ['eslint . && tsc', undefined],
    ['eslint "src/**"', undefined],
    ['eslint $DIRS', undefined],
    ['tsc', undefined],
  ])('%s', (script, expected) => {
    expect(scriptCommand({ scripts: { lint: script } }, 'eslint', ['lint'])).toEqual(expected);
  });

  test('a placeholder is no test, and a script that leaves it to its packages is told apart', () => {
    const placeholders = ['echo "Error: no test specified" && exit 1', '', 'exit 0', 'true', 'echo nothing'];
    expect(placeholders.filter((script) => !isPlaceholder(script))).toEqual([]);
    expect(['node --test', 'truecoverage', 'mocha', 'echo go && mocha'].filter(isPlaceholder)).toEqual([]);
    const delegating = ['turbo run test', 'npm test --workspaces', 'pnpm -r test', 'nx run-many -t test'];
    expect(delegating.filter((script) => !isDelegating(script))).toEqual([]);
    expect(['vitest run', 'pnpm vitest', 'tsc -b'].filter(isDelegating)).toEqual([]);
  });
});

test.each([
  ['packages/*', 'packages/a', true],
  ['packages/*', 'packages/a/b', false],
  ['packages/**', 'packages/a/b', true],
  ['./apps/web/', 'apps/web', true],
  ['{apps,libs}/*', 'libs/x', true],
  ['**/web', 'a/b/web', true],
  ['a.b', 'axb', false],
])('the pattern %s and the folder %s', (pattern, folder, expected) => {
  expect(isWorkspace('', [pattern], folder)).toBe(expected);
  expect(isWorkspace('in', [pattern], `in/${folder}`)).toBe(expected);
  expect(isWorkspace('other', [pattern], folder)).toBe(false);
});
