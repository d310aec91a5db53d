import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cacheFlags } from '../../../src/build/cache/cache.ts';
import { type GitRef, readGitRef } from '../../../src/build/git/ref.ts';
import { tagsOf } from '../../../src/build/git/tags.ts';
import { placeOfBuild } from '../../../src/operations/build/place.ts';
import { target } from '../../support/build/fixtures.ts';
import { bench } from '../../support/hostile/action-step.ts';

/*
 * GitHub's side is a bare repository: main, a tag, and pull requests as refs/pull/N/head and /merge, those of forks like
 * those of its own branches. A workspace is fetched as actions/checkout does it: the one ref, without its history.
 */
const base = mkdtempSync(join(tmpdir(), 'sluice-checkout-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
// The path stands for https://github.com/acme/shop, in `git remote get-url` as well.
const hosted = join(base, 'hosted');
const config = { GIT_CONFIG_GLOBAL: join(base, 'gitconfig'), GIT_CONFIG_NOSYSTEM: '1' };

const git = (cwd: string, ...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...config },
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();

const commits = { before: '', main: '', fork: '', merge: '', release: '' };

beforeAll(() => {
  for (const name of ['acme/shop', 'mallory/shop']) mkdirSync(join(hosted, name), { recursive: true });
  const shop = join(hosted, 'acme/shop');
  writeFileSync(
    config.GIT_CONFIG_GLOBAL,
    '[uploadpack]\n\tallowAnySHA1InWant = true\n[protocol "file"]\n\tallow = always\n',
  );
  git(shop, 'init', '-q', '-b', 'main');
  const commit = (folder: string, text: string) => {
    writeFileSync(join(folder, 'app.txt'), text);
    git(folder, 'add', '--all');
    git(folder, 'commit', '-qm', text);
    return git(folder, 'rev-parse', 'HEAD');
  };
  commits.before = commit(shop, 'before');
  commits.release = commit(shop, 'release');
  git(shop, 'tag', 'v1.2.3');
  commits.main = commit(shop, 'main');
  const fork = join(hosted, 'mallory/shop');
  git(fork, 'clone', '-q', shop, '.');
  commits.fork = commit(fork, 'evil');
  git(shop, 'fetch', '-q', fork, 'main:refs/pull/12/head');
  git(shop, 'checkout', '-q', '--detach', 'main');
  git(shop, 'merge', '-q', '--no-ff', '-m', 'merge', commits.fork);
  commits.merge = git(shop, 'rev-parse', 'HEAD');
  git(shop, 'update-ref', 'refs/pull/12/merge', commits.merge);
  git(shop, 'checkout', '-q', 'main');
});

/** As actions/checkout fetches it; `local` is the branch it makes. */
function workspace(refspec: string, at: string, of = 'acme/shop', depth = '--depth=1'): string {
  const folder = mkdtempSync(join(base, 'workspace-'));
  git(folder, 'init', '-q', '-b', 'main');
  git(folder, 'remote', 'add', 'origin', `file://${join(hosted, of)}`);
  git(folder, 'fetch', '-q', '--no-tags', ...(depth === '' ? [] : [depth]), 'origin', ...refspec.split(' '));
  if (at.startsWith('refs/remotes/origin/')) git(folder, 'checkout', '-q', '-B', at.slice(20), at);
  else git(folder, 'checkout', '-q', '--detach', at);
  // From here on the address is the one on GitHub.
  git(folder, 'remote', 'set-url', 'origin', `https://github.com/${of}`);
  return folder;
}

const pulls = (repository: string) => ({
  repository: { full_name: 'acme/shop', default_branch: 'main' },
  pull_request: { number: 12, head: { repo: { full_name: repository } } },
});
const fork = pulls('mallory/shop');
const followsFork = {
  repository: { full_name: 'acme/shop', default_branch: 'main' },
  workflow_run: { event: 'pull_request', head_repository: { full_name: 'mallory/shop' }, pull_requests: [] },
};

interface Outcome {
  readonly tags: readonly string[];
  readonly pushed: boolean;
  readonly caches: readonly string[];
  readonly ref: GitRef;
}

/** What the build action would do there: its tags, its right to push, the caches it writes. */
async function built(
  folder: string,
  event: string,
  payload: object,
  more: Readonly<Record<string, string>> = {},
  isNamed = false,
): Promise<Outcome> {
  const path = join(folder, '..', `event-${Math.random()}.json`);
  writeFileSync(path, JSON.stringify(payload));
  const env = {
    ...{ ...process.env, ...config, CI: 'true', GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: event },
    ...{ GITHUB_EVENT_PATH: path, GITHUB_REPOSITORY: 'acme/shop', GITHUB_SHA: commits.main },
    ...{ GITHUB_REF: 'refs/heads/main', GITHUB_REF_NAME: 'main', GITHUB_REF_TYPE: 'branch' },
    ...{ ACTIONS_RESULTS_URL: 'https://results.example', ACTIONS_RUNTIME_TOKEN: 't' },
    ...more,
  };
  const ref = await readGitRef(folder, { env, signal: new AbortController().signal }, isNamed);
  const { place } = placeOfBuild(env, ref, true, false);
  const scope = { app: 'shop', ref, folder: '/cache' };
  const caches = (['registry', 'gha', 'local'] as const).flatMap(
    (backend) =>
      cacheFlags({ backend, writes: place.push || backend !== 'registry', why: '' }, target(), scope).to,
  );
  return { tags: tagsOf(ref, ref.tags), pushed: place.push, caches, ref };
}

const prHead = '+refs/pull/12/head:refs/remotes/pull/12/head';

describe.concurrent('a fork’s commit under a run that is not for it', () => {
  test.each<[event: string, payload: object, refspec: () => string, at: () => string]>([
    ['pull_request_target', fork, () => commits.fork, () => commits.fork],
    ['pull_request_target', fork, () => prHead, () => 'refs/remotes/pull/12/head'],
    [
      'pull_request_target',
      fork,
      () => '+refs/pull/12/merge:refs/remotes/pull/12/merge',
      () => 'refs/remotes/pull/12/merge',
    ],
    ['pull_request_target', {}, () => commits.fork, () => commits.fork],
    ['workflow_run', followsFork, () => commits.fork, () => commits.fork],
    [
      'issue_comment',
      { issue: { number: 12, pull_request: {} } },
      () => prHead,
      () => 'refs/remotes/pull/12/head',
    ],
    ['workflow_dispatch', {}, () => prHead, () => 'refs/remotes/pull/12/head'],
    ['push', {}, () => prHead, () => 'refs/remotes/pull/12/head'],
  ])('%s %j: no tag of a branch, no push, no cache of a branch', async (event, payload, refspec, at) => {
    const { tags, pushed, caches, ref } = await built(workspace(refspec(), at()), event, payload);
    expect(ref.sha).not.toBe(commits.main);
    expect(tags).not.toContain('main');
    expect(tags.filter((tag) => tag.startsWith('sha-'))).toEqual([]);
    expect(pushed).toBe(false);
    expect(caches.filter((flag) => !/pr-12/.test(flag))).toEqual([]);
  });

  test('its files over a clean checkout of the base branch', async () => {
    const folder = workspace('+refs/heads/main:refs/remotes/origin/main', 'refs/remotes/origin/main');
    writeFileSync(join(folder, 'app.txt'), 'evil');
    const { tags, pushed } = await built(folder, 'pull_request_target', fork);
    expect([tags, pushed]).toEqual([['pr-12'], false]);
  });

  test('a branch of the fork that is called main, and one that somebody called so here', async () => {
    const ofFork = workspace(
      '+refs/heads/main:refs/remotes/origin/main',
      'refs/remotes/origin/main',
      'mallory/shop',
    );
    await expect(built(ofFork, 'workflow_dispatch', {})).rejects.toMatchObject({ code: 'build.checkout' });
    const renamed = workspace(commits.fork, commits.fork);
    git(renamed, 'checkout', '-q', '-B', 'main');
    await expect(built(renamed, 'workflow_dispatch', {})).rejects.toThrow(
      `The checkout is ${commits.fork.slice(0, 12)}, the run is for ${commits.main.slice(0, 12)}, and no known branch or tag`,
    );
  });

  test('a deployment of its commit alone, which GitHub gives no branch', async () => {
    const env = { GITHUB_SHA: commits.fork, GITHUB_REF: '', GITHUB_REF_NAME: '', GITHUB_REF_TYPE: 'branch' };
    for (const event of ['deployment', 'deployment_status']) {
      await expect(built(workspace(commits.fork, commits.fork), event, {}, env)).rejects.toThrow(
        'the run is for that commit, and no known branch or tag of acme/shop has that commit',
      );
    }
    const main = workspace('+refs/heads/main:refs/remotes/origin/main', 'refs/remotes/origin/main');
    const { tags } = await built(main, 'deployment', {}, { ...env, GITHUB_SHA: commits.main });
    expect(tags).toContain('main');
  });

  test('tags that somebody names are not pushed for it either', async () => {
    const folder = workspace(commits.fork, commits.fork);
    expect((await built(folder, 'pull_request_target', fork, {}, true)).pushed).toBe(false);
    rmSync(join(folder, '.git'), { recursive: true });
    expect((await built(folder, 'pull_request_target', fork, {}, true)).pushed).toBe(false);
  });
});

test('the action says so before it builds', async () => {
  using repo = bench({
    'sluice.yml':
      'app: shop\nregistry: registry.example.invalid/acme\ntargets:\n  production:\n    hosts: [deploy@127.0.0.1]\n',
    'compose.yml': 'services:\n  web:\n    build: .\n    ports: ["8080:80"]\n',
    Dockerfile: 'FROM scratch\nCOPY compose.yml /\n',
  });
  const env = { GITHUB_EVENT_NAME: 'pull_request_target', GITHUB_SHA: commits.main };
  const { log } = await repo.step('build', { 'dry-run': 'true' }, env, fork);
  expect(log).toMatch(/^ {2}tags {3}pr-12 \(pull request 12\)$/m);
  expect(log).toMatch(/^ {2}push {3}no: a pull request from a fork can only read the registry$/m);
  expect(log).toContain(
    `The checkout is ${repo.head.slice(0, 12)}, the run is for ${commits.main.slice(0, 12)}`,
  );
});

describe.concurrent('what is checked out names the images', () => {
  const sha = (commit: string) => `sha-${commit.slice(0, 12)}`;
  const main = '+refs/heads/main:refs/remotes/origin/main';

  test.each<[what: string, event: string, payload: object, at: string]>([
    ['a push', 'push', {}, 'refs/remotes/origin/main'],
    ['the base under pull_request_target', 'pull_request_target', fork, 'refs/remotes/origin/main'],
    ['the default branch after a fork’s run', 'workflow_run', followsFork, 'refs/remotes/origin/main'],
  ])('%s', async (_what, event, payload, at) => {
    const { tags, pushed, ref } = await built(workspace(main, at), event, payload);
    expect([tags, pushed, ref.notes]).toEqual([['main', sha(commits.main)], true, []]);
  });

  test('a dispatch with a tag checked out, which is said', async () => {
    const folder = workspace('+refs/tags/v1.2.3:refs/tags/v1.2.3', 'refs/tags/v1.2.3');
    const { tags, pushed, ref } = await built(folder, 'workflow_dispatch', {});
    expect([tags, pushed]).toEqual([['1.2.3', '1.2', '1', 'latest', sha(commits.release)], true]);
    expect(ref.notes).toEqual([
      `The checkout is ${commits.release.slice(0, 12)}, the run is for ${commits.main.slice(0, 12)}: images are tagged after the checkout`,
    ]);
  });

  test('an older commit of a branch whose history is there has its own name and no branch’s', async () => {
    const folder = workspace('+refs/heads/main:refs/remotes/origin/main', commits.before, 'acme/shop', '');
    const { tags, pushed } = await built(folder, 'workflow_dispatch', {});
    expect([tags, pushed]).toEqual([[sha(commits.before)], true]);
  });

  test('the same commit alone shows nothing of where it is from; with named tags it may be pushed', async () => {
    const folder = workspace(commits.before, commits.before);
    await expect(built(folder, 'workflow_dispatch', {})).rejects.toMatchObject({ code: 'build.checkout' });
    expect((await built(folder, 'workflow_dispatch', {}, {}, true)).pushed).toBe(true);
  });

  test('a pull request of the repository itself has its own tag', async () => {
    const env = { GITHUB_REF: 'refs/pull/12/merge', GITHUB_REF_NAME: '12/merge', GITHUB_SHA: commits.merge };
    const folder = workspace('+refs/pull/12/merge:refs/remotes/pull/12/merge', 'refs/remotes/pull/12/merge');
    const own = await built(folder, 'pull_request', pulls('acme/shop'), env);
    expect([own.tags, own.pushed]).toEqual([['pr-12'], true]);
    expect((await built(folder, 'pull_request', fork, env)).pushed).toBe(false);
    // A payload that cannot be read says nothing good.
    expect((await built(folder, 'pull_request', {}, env)).pushed).toBe(false);
  });

  test.each(['merge_group', 'push'])(
    'an entry of a merge queue leaves no tag and no cache: %s',
    async (event) => {
      const name = `gh-readonly-queue/main/pr-12-${commits.main}`;
      const env = { GITHUB_REF: `refs/heads/${name}`, GITHUB_REF_NAME: name };
      const { tags, pushed, caches } = await built(workspace(main, commits.main), event, {}, env);
      expect([tags, pushed, caches]).toEqual([['queue'], false, []]);
    },
  );

  test('files that differ, and a folder without git, are named', async () => {
    const folder = workspace(main, 'refs/remotes/origin/main');
    writeFileSync(join(folder, 'app.txt'), 'changed');
    const { tags, ref } = await built(folder, 'push', {});
    expect(tags).toEqual(['main']);
    expect(ref.notes).toEqual([
      `1 file differs from commit ${commits.main.slice(0, 12)}, so no image is tagged with it: app.txt`,
    ]);
    rmSync(join(folder, '.git'), { recursive: true });
    await expect(built(folder, 'push', {})).rejects.toThrow(
      /git has no commit in .*, so Sluice cannot name the images/,
    );
  });
});
