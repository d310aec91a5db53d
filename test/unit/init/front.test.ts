import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { guessTargets } from '../../../src/init/guess/targets.ts';
import { renderCaller } from '../../../src/init/render/callers.ts';
import { sectionOf } from '../../../src/init/render/yaml.ts';
import { findFront } from '../../../src/init/study/front.ts';
import { readTree } from '../../../src/init/study/tree.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** The front end that is found in a repository with these files. */
async function frontOf(files: Readonly<Record<string, string | object>>, dist?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-front-'));
  folders.push(folder);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return await findFront(await readTree(folder), dist);
}

const vite = { scripts: { build: 'vite build' }, devDependencies: { vite: '^8.0.0' } };

describe('a front end is found by its package.json', () => {
  test('with where its build leaves the site, and how it is built', async () => {
    const files = {
      'frontend/package.json': vite,
      'frontend/index.html': '',
      'frontend/package-lock.json': '{}',
    };
    expect(await frontOf({ ...files, 'backend/package.json': { scripts: { build: 'tsc' } } })).toEqual({
      ...{ folder: 'frontend', dist: 'frontend/dist', tool: 'vite' },
      build: 'npm ci && npm run build',
    });
  });

  test('of several, the one whose output sluice.yml publishes', async () => {
    const files = Object.fromEntries(
      ['shop', 'admin'].flatMap((name) => [
        [`${name}/package.json`, vite],
        [`${name}/index.html`, ''],
      ]),
    );
    expect(await frontOf(files)).toBeUndefined();
    expect(await frontOf(files, 'other')).toBeUndefined();
    expect(await frontOf(files, './admin/dist/')).toMatchObject({ folder: 'admin' });
  });

  test.each<[string, Readonly<Record<string, string>>, string]>([
    ['npm', { 'package-lock.json': '{}' }, 'npm ci && npm run build'],
    ['pnpm', { 'pnpm-lock.yaml': '' }, 'corepack enable && pnpm install --frozen-lockfile && pnpm run build'],
    ['yarn', { 'yarn.lock': '' }, 'yarn install --frozen-lockfile && yarn run build'],
    [
      'a newer yarn',
      { 'yarn.lock': '', '.yarnrc.yml': '' },
      'corepack enable && yarn install --immutable && yarn run build',
    ],
    ['nothing that is locked', {}, 'npm install && npm run build'],
  ])('it is built by %s, also where the workspace above has the lock', async (_, locks, build) => {
    const front = await frontOf({ ...locks, 'apps/web/package.json': vite, 'apps/web/index.html': '' });
    expect(front).toMatchObject({ folder: 'apps/web', build });
  });

  test.each<[string, Readonly<Record<string, string | object>>]>([
    ['a library', { 'package.json': vite }],
    ['no build', { 'package.json': { devDependencies: { vite: '1' } }, 'index.html': '' }],
    [
      'a server that renders',
      { 'package.json': { ...vite, dependencies: { '@sveltejs/kit': '2' } }, 'index.html': '' },
    ],
    ['no JSON', { 'package.json': '{', 'index.html': '' }],
    ['several', { 'a/package.json': vite, 'a/index.html': '', 'b/package.json': vite, 'b/index.html': '' }],
  ])('but not in %s', async (_, files) => {
    expect(await frontOf(files)).toBeUndefined();
  });
});

test('its workflow builds it where it is', () => {
  const targets = guessTargets(undefined, { production: undefined, staging: undefined });
  const facts = { branches: ['main'], config: 'sluice.yml', targets, backups: [] };
  const text = renderCaller('cdn', { ...facts, front: { folder: 'apps/web', build: 'pnpm run build' } });
  expect(text).toContain('      build-command: "cd apps/web && pnpm run build"\n');
});

test.each([
  ['cdn: { dist: x }\n', 'cdn: { dist: x }'],
  [
    'app: a\n\n# Ours.\ncdn:\n  dist: x\n\n  # kept\n  spa: true\n\n# Of the next.\nnotify: {}\n',
    '# Ours.\ncdn:\n  dist: x\n\n  # kept\n  spa: true',
  ],
  ['app: a\n# cdn:\n#   dist: x\n', undefined],
])('the section of %j stays as a person wrote it', (text, section) => {
  expect(sectionOf(text, 'cdn')).toBe(section);
});
