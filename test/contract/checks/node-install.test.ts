import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { nodeProjects } from '../../../src/checks/detect/node.ts';
import { nodePackages } from '../../../src/checks/environments/node.ts';
import { npmModulesFit } from '../../../src/checks/environments/node-fits.ts';
import {
  type CheckedRepo,
  type ContextOptions,
  checkBench,
  checkedRepo,
} from '../../support/checks/context.ts';
import { installedPackages } from '../../support/checks/node-packages.ts';

/** A package whose install script leaves a file behind, packed: installing it takes no network. */
const packed = packDependency();

function packDependency(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'checks-pack-'));
  const scripts = { postinstall: `node -e "require('fs').writeFileSync('ran', '')"` };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'dep', version: '1.0.0', scripts }));
  execFileSync('npm', ['pack', '--silent'], { cwd: folder });
  const tarball = readFileSync(join(folder, 'dep-1.0.0.tgz'));
  rmSync(folder, { recursive: true });
  return tarball;
}

const dependencies = { dep: 'file:dep-1.0.0.tgz' };

/** A repository with that dependency, locked by whoever makes the lock. */
function repoWith(manifest: object, makeLock?: readonly string[]): CheckedRepo {
  const text = JSON.stringify(
    { name: 'app', version: '1.0.0', private: true, dependencies, ...manifest },
    undefined,
    2,
  );
  const repo = checkedRepo({ '.gitignore': 'node_modules/\nown\n', 'package.json': text });
  onTestFinished(() => repo[Symbol.dispose]());
  writeFileSync(join(repo.root, 'dep-1.0.0.tgz'), packed);
  const [program, ...args] = makeLock ?? [];
  if (program !== undefined) execFileSync(program, args, { cwd: repo.root, stdio: 'pipe' });
  repo.remove('node_modules');
  repo.git('add', '--all');
  repo.git('commit', '-qm', 'lock', '--allow-empty');
  return repo;
}

const npmLock = ['npm', 'install', '--package-lock-only', '--no-audit', '--no-fund'];

/** @returns the packages, with what was printed meanwhile left out. */
async function install(repo: CheckedRepo, options: ContextOptions = {}) {
  const opened = await repo.open();
  using bench = checkBench(opened, options);
  const [project] = nodeProjects(opened);
  if (project === undefined) throw new Error('there is no project');
  return await bench.make(nodePackages(project));
}

const has = (repo: CheckedRepo, path: string) => existsSync(join(repo.root, path));

describe('npm', () => {
  test('installs what is locked: scripts of packages do not run, the repository’s own do', async () => {
    const own = { postinstall: `node -e "require('fs').writeFileSync('own', '')"` };
    const repo = repoWith({ scripts: own }, npmLock);
    expect(await install(repo)).toEqual({ withheld: ['dep'] });
    expect([
      has(repo, 'node_modules/dep/package.json'),
      has(repo, 'node_modules/dep/ran'),
      has(repo, 'own'),
    ]).toEqual([true, false, true]);
    expect(repo.git('status', '--porcelain')).toBe('');

    // A second time nothing is there to do: without any program on PATH, too.
    expect(await install(repo, { env: { PATH: '/nowhere' } })).toEqual({ withheld: [] });
    const fits = () => npmModulesFit(repo.root, join(repo.root, 'package-lock.json'));
    const installed = join(repo.root, 'node_modules/dep/package.json');
    const before = readFileSync(installed, 'utf8');
    expect(fits()).toBe(true);
    repo.put('node_modules/dep/package.json', before.replace('1.0.0', '1.0.1'));
    expect(fits()).toBe(false);
    repo.put('node_modules/dep/package.json', before);
    expect(fits()).toBe(true);
    repo.put(
      'package.json',
      readFileSync(join(repo.root, 'package.json'), 'utf8').replace('"dep"', '"other"'),
    );
    expect(fits()).toBe(false);
    repo.git('checkout', '-q', '.');
    repo.remove('node_modules/dep');
    expect(fits()).toBe(false);
  });

  test('packages that a link leads to are used, and never emptied', async () => {
    using elsewhere = checkedRepo({ 'node_modules/dep/package.json': '{"name":"dep"}' });
    const repo = repoWith({}, npmLock);
    symlinkSync(join(elsewhere.root, 'node_modules'), join(repo.root, 'node_modules'));
    await install(repo);
    expect(has(elsewhere, 'node_modules/dep/package.json')).toBe(true);
    expect(has(repo, 'node_modules/dep/index.js')).toBe(false);
  });

  test('scripts that package.json allows run', async () => {
    const repo = repoWith({ allowScripts: { dep: true } }, npmLock);
    expect(await install(repo)).toEqual({ withheld: [] });
    expect(has(repo, 'node_modules/dep/ran')).toBe(true);
  });

  test('without a lock file none is made', async () => {
    const repo = repoWith({});
    await install(repo);
    expect(has(repo, 'node_modules/dep/package.json')).toBe(true);
    expect(repo.git('status', '--porcelain')).toBe('');
  });

  test('a lock file that does not fit is named in npm’s own words', async () => {
    const repo = repoWith({}, npmLock);
    repo.put(
      'package.json',
      JSON.stringify({ dependencies: { ...dependencies, other: 'file:dep-1.0.0.tgz' } }),
    );
    await expect(install(repo)).rejects.toMatchObject({
      code: 'checks.environment',
      message: 'npm ci --ignore-scripts failed: the lock file no longer matches package.json',
      output: expect.stringMatching(/Missing: .* from lock file/),
    });
  });
});

describe('other package managers', () => {
  const packages = (named: Record<string, string>) =>
    join(installedPackages(JSON.stringify({ private: true, devDependencies: named })), 'node_modules');
  const bin = join(packages({ pnpm: '10.12.1', yarn: '1.22.22' }), '.bin');
  // Apart from the other, as both are called yarn.
  const berry = join(packages({ '@yarnpkg/cli-dist': '4.9.2' }), '@yarnpkg/cli-dist/bin/yarn.js');
  const cache = mkdtempSync(join(tmpdir(), 'checks-managers-'));
  afterAll(() => rmSync(cache, { recursive: true, force: true }));
  const env = { PATH: `${bin}:${process.env['PATH']}`, XDG_CACHE_HOME: cache, YARN_GLOBAL_FOLDER: cache };

  test.each([
    ['pnpm', [join(bin, 'pnpm'), 'install', '--lockfile-only', '--ignore-scripts'], 'pnpm-lock.yaml'],
    ['Yarn 1', [join(bin, 'yarn'), 'install', '--ignore-scripts', '--silent'], 'yarn.lock'],
  ])('%s installs what is locked, and the lock stays', async (_, makeLock, lock) => {
    const repo = repoWith({}, makeLock);
    expect(has(repo, lock)).toBe(true);
    await install(repo, { env });
    expect([has(repo, 'node_modules/dep/package.json'), has(repo, 'node_modules/dep/ran')]).toEqual([
      true,
      false,
    ]);
    expect(repo.git('status', '--porcelain')).toBe('');
  });

  test('a later Yarn that the repository keeps itself', async () => {
    const repo = repoWith({});
    repo.put(
      '.yarnrc.yml',
      `nodeLinker: node-modules\nenableTelemetry: false\nyarnPath: .yarn/releases/yarn.cjs\n`,
    );
    repo.put('.yarn/releases/yarn.cjs', readFileSync(berry, 'utf8'));
    repo.put('.gitignore', 'node_modules/\n.yarn/install-state.gz\n');
    execFileSync('node', [berry, 'install', '--mode=update-lockfile'], {
      cwd: repo.root,
      stdio: 'pipe',
      env: { ...process.env, ...env, YARN_IGNORE_PATH: '1' },
    });
    repo.git('add', '--all');
    repo.git('commit', '-qm', 'lock');
    await install(repo, { env });
    expect([has(repo, 'node_modules/dep/package.json'), has(repo, 'node_modules/dep/ran')]).toEqual([
      true,
      false,
    ]);
    expect(repo.git('status', '--porcelain')).toBe('');
  });

  test('one that is not there is named', async () => {
    const repo = repoWith({ packageManager: 'pnpm@10.12.1' });
    repo.put('bin/corepack', '#!/bin/sh\necho "no network" >&2\nexit 1\n');
    execFileSync('chmod', ['+x', join(repo.root, 'bin/corepack')]);
    await expect(install(repo, { env: { PATH: join(repo.root, 'bin') } })).rejects.toMatchObject({
      code: 'checks.environment',
      message: expect.stringMatching(/requires pnpm 10\.12\.1, which is not installed/),
      output: 'pnpm is not on PATH\nno network',
    });
  });
});
