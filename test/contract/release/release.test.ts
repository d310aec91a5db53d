import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Checkout, copyCheckout } from '../../bed/toolkit/checkout.ts';

const folder = mkdtempSync('/tmp/release-');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const workflow = `jobs:
  a:
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
      - uses: sluice-ci/sluice/actions/build@v1
      - uses: sluice-ci/sluice@v1 # the pipeline
`;

const changelog = `# Changelog

## [1.2.0] - 2026-12-01

- Never arrives

## [1.1.0] - 2026-11-30

- Add what is new

## [1.0.1] - 2026-11-29

- Fix it

## [1.0.0] - 2026-11-28

- Begin with all of it
`;

interface ReleaseWorkflow {
  readonly jobs: {
    readonly push: { readonly steps: readonly { readonly name?: string; readonly run?: string }[] };
  };
}

let made: Checkout;
beforeAll(() => {
  made = copyCheckout(folder, { '.github/workflows/of-the-test.yml': workflow, 'CHANGELOG.md': changelog });
});
const git: Checkout['git'] = (...args) => made.git(...args);
const inRemote: Checkout['inRemote'] = (...args) => made.inRemote(...args);
const markTested = () => made.markTested();
const inCheckout = (file: string) => join(made.folder, file);

function release(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/release.ts', ...args], {
    cwd: made.folder,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('a release', () => {
  test('is refused while something is not as it must be, and leaves nothing', () => {
    const said = (...args: string[]) => {
      const { status, stderr } = release(...args);
      expect(status).toBe(1);
      return stderr;
    };
    expect(said('1.0')).toContain('"1.0" is not a version');
    expect(said('1.0.0')).toContain('has no branch main');
    git('push', '-q', 'origin', 'main');
    expect(said('1.0.0', '--remote', 'nowhere')).toContain('nowhere is not reachable');
    expect(said('1.0.0')).toContain('not tested');
    writeFileSync(inCheckout('dirt'), '');
    expect(said('1.0.0')).toContain('has changes');
    rmSync(inCheckout('dirt'));
    git('checkout', '-qb', 'other');
    expect(said('1.0.0')).toContain('not the branch main');
    git('checkout', '-q', 'main');
    git('commit', '-q', '--allow-empty', '-m', 'Not pushed');
    markTested();
    expect(said('1.0.0')).toContain('not what origin has');
    git('push', '-q', 'origin', 'main');
    markTested();
    expect(said('9.9.9')).toContain('CHANGELOG.md has no section "## [9.9.9] - YYYY-MM-DD"');
    expect(inRemote('for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
    expect(git('tag', '--list')).toBe('');
  });

  test('has dist, and workflows that call the actions of that very commit', () => {
    markTested();
    const dry = release('1.0.0', '--dry-run');
    expect(dry.stderr).not.toContain('scripts/release:');
    expect(dry.stdout).toContain('v1.0.0\n\n- Begin with all of it\n');
    expect(dry.stdout).toContain('the branch release and the tags v1.0.0 and v1 to origin');
    expect(inRemote('tag', '--list')).toBe('');

    expect(release('1.0.0')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('v1.0.0 is released'),
    });
    const pinned = inRemote('rev-parse', 'v1.0.0^{commit}');
    expect(inRemote('rev-parse', 'v1', 'release').split('\n')).toEqual([pinned, pinned]);
    const built = inRemote('rev-parse', `${pinned}^`);
    expect(inRemote('rev-parse', `${built}^`)).toBe(inRemote('rev-parse', 'main'));
    expect(inRemote('ls-tree', '-r', '--name-only', built, 'dist')).toContain('dist/cli.js');
    expect(inRemote('show', `${built}:package.json`)).toContain('"version": "1.0.0"');
    expect(inRemote('tag', '--list', '--format=%(contents)', 'v1.0.0')).toContain('- Begin with all of it');
    const text = inRemote('show', `${pinned}:.github/workflows/of-the-test.yml`);
    expect(text).toContain(`uses: sluice-ci/sluice/actions/build@${built} # v1.0.0\n`);
    expect(text).toContain(`uses: sluice-ci/sluice@${built} # v1.0.0`);
    expect(text).toContain('actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0');
    expect(inRemote('diff', '--name-only', built, pinned)).toContain('.github/workflows/of-the-test.yml');
    expect(inRemote('ls-tree', '--name-only', 'main')).not.toMatch(/^dist$/m);
    // The released command line runs, and knows which it is.
    const out = join(folder, 'released');
    execFileSync('git', ['clone', '-q', '--branch', 'v1.0.0', made.remote, out], { stdio: 'pipe' });
    const run = spawnSync(process.execPath, [join(out, 'dist/cli.js'), '--version'], {
      encoding: 'utf8',
    });
    expect(run.stdout).toBe('1.0.0\n');
    expect(git('status', '--porcelain')).toBe('');
    expect(git('worktree', 'list').split('\n')).toHaveLength(1);
  });

  test('happens once; the next one says what is new, and an old line does not take v1', () => {
    expect(release('1.0.0').stderr).toContain('has v1.0.0 already');
    writeFileSync(inCheckout('new.txt'), 'new\n');
    git('add', '--all');
    git('commit', '-qm', 'Add what is new');
    git('push', '-q', 'origin', 'main');
    expect(release('1.1.0').stderr).toContain('not tested');
    markTested();
    expect(release('1.1.0').status).toBe(0);
    const notes = inRemote('tag', '--list', '--format=%(contents)', 'v1.1.0');
    expect(notes.trim()).toBe('v1.1.0\n\n- Add what is new');
    // For a job that may push: in a bundle, which the release workflow compares with main before it pushes.
    const bundle = join(folder, 'release.bundle');
    const before = inRemote('for-each-ref');
    expect(release('1.0.1', '--bundle', bundle)).toMatchObject({ status: 0 });
    expect(inRemote('for-each-ref')).toBe(before);
    expect(git('for-each-ref', '--format=%(refname)')).not.toMatch(/made|v1\.0\.1|heads\/release/);
    const names = git('bundle', 'list-heads', bundle)
      .split('\n')
      .map((line) => line.replace(/^\S+ /, ''));
    expect(names.sort()).toEqual(['refs/made/release', 'refs/made/tags/v1.0.1']);
    git('fetch', '-q', bundle, '+refs/made/*:refs/made/*');
    const changed = git('diff', '--name-only', 'main', 'refs/made/release').split('\n');
    const allowed = /^(?:dist\/.*|package\.json|src\/kernel\/version\.ts|\.github\/workflows\/.*)$/;
    expect(changed.filter((file) => !allowed.test(file))).toEqual([]);
    expect(readFileSync(inCheckout('package.json'), 'utf8')).not.toContain('"version": "1.0.1"');
    // The same sources, the same bytes.
    const dist = git('ls-tree', '-r', 'refs/made/release', 'dist/bundle/index.js');
    expect(dist).toBe(inRemote('ls-tree', '-r', 'v1.1.0^{commit}', 'dist/bundle/index.js'));
  });

  test('is pushed by the release workflow from that bundle, unless it changes the sources', () => {
    const temp = join(folder, 'runner');
    mkdirSync(join(temp, 'release'), { recursive: true });
    const bundle = join(temp, 'release/release.bundle');
    const out = join(folder, 'runner/checkout');
    execFileSync('git', ['clone', '-q', made.remote, out], { stdio: 'pipe' });
    const { push } = (parse(git('show', 'HEAD:.github/workflows/release.yml')) as ReleaseWorkflow).jobs;
    const step = (name: string) => {
      const script = push.steps.find((candidate) => candidate.name === name)?.run ?? 'exit 99';
      const env = { GITHUB_SHA: git('rev-parse', 'main'), RUNNER_TEMP: temp, VERSION: '1.0.1' };
      const server = {
        GITHUB_SERVER_URL: 'https://github.example.com',
        TOKEN: 'synthetic',
        PATH: process.env['PATH'],
      };
      const { status, stdout } = spawnSync('bash', ['-e', '-c', script], {
        ...{ cwd: out, env: { ...env, ...server }, encoding: 'utf8' },
      });
      return { status, stdout };
    };
    // What a package in the building job could do.
    execFileSync('git', ['fetch', '-q', join(folder, 'release.bundle'), '+refs/made/*:refs/made/*'], {
      cwd: out,
    });
    const inOut = (...args: string[]) =>
      execFileSync('git', args, { cwd: out, encoding: 'utf8', stdio: 'pipe' }).trim();
    const [release, tag] = [
      inOut('rev-parse', 'refs/made/release'),
      inOut('rev-parse', 'refs/made/tags/v1.0.1'),
    ];
    const refused = (change: () => void, moved: readonly string[]) => {
      inOut('checkout', '-q', '--force', release);
      change();
      inOut('add', '--all');
      inOut('-c', 'user.name=Eve', '-c', 'user.email=eve@example.com', 'commit', '-qm', 'Steal');
      for (const ref of moved) inOut('update-ref', ref, 'HEAD');
      inOut('bundle', 'create', '--quiet', bundle, 'refs/made/release', 'refs/made/tags/v1.0.1');
      inOut('checkout', '-q', 'main');
      const { status, stdout } = step('Compare the sources');
      inOut('update-ref', 'refs/made/release', release);
      inOut('update-ref', 'refs/made/tags/v1.0.1', tag);
      expect(status).toBe(1);
      return stdout;
    };
    const steal = (file: string) => () => writeFileSync(join(out, file), 'steal()\n', { flag: 'a' });
    const both = ['refs/made/release', 'refs/made/tags/v1.0.1'];
    expect(refused(steal('src/kernel/errors.ts'), both)).toContain('changes sources');
    expect(refused(steal('.github/workflows/deploy.yml'), ['refs/made/tags/v1.0.1'])).toContain(
      'is another commit',
    );
    // Over the commit with dist, as scripts/release makes it.
    const amended = (file: string) => () => {
      inOut('reset', '-q', '--hard', `${release}^`);
      steal(file)();
      inOut('add', '--all');
      inOut('-c', 'user.name=Eve', '-c', 'user.email=eve@example.com', 'commit', '-qm', 'Steal');
      writeFileSync(join(out, '.github/workflows/new.yml'), 'on: push\n');
    };
    expect(refused(amended('src/kernel/errors.ts'), both)).toContain('changes sources');
    expect(refused(amended('package.json'), both)).toContain('changes more than');
    expect(
      refused(() => {
        inOut('reset', '-q', '--hard', `${release}^`);
        steal('.github/workflows/deploy.yml')();
      }, both),
    ).toContain('call more than the actions of the release');

    cpSync(join(folder, 'release.bundle'), bundle);
    const v1 = inRemote('rev-parse', 'v1');
    expect(step('Compare the sources').status).toBe(0);
    expect(step('Push').status).toBe(0);
    expect(inRemote('rev-parse', 'release')).toBe(inRemote('rev-parse', 'v1.0.1^{commit}'));
    expect(inRemote('rev-parse', 'v1')).toBe(v1);
  });

  test('a remote that refuses gets nothing at all', () => {
    writeFileSync(join(made.remote, 'hooks/update'), '#!/bin/sh\ncase $1 in refs/tags/v1) exit 1;; esac\n', {
      mode: 0o755,
    });
    const { status, stderr } = release('1.2.0');
    expect(status).toBe(1);
    expect(stderr).toContain('origin took none of it');
    expect(inRemote('tag', '--list')).not.toContain('v1.2.0');
    expect(inRemote('rev-parse', 'release')).toBe(inRemote('rev-parse', 'v1.0.1^{commit}'));
    expect(git('tag', '--list')).not.toContain('v1.2.0');
  });
});
