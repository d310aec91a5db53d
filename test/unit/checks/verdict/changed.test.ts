import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { addedLines, readChangedLines } from '../../../../src/checks/change/lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-changed-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Git as it is on a machine where nobody has set anything, or the worst. */
const env = {
  PATH: process.env.PATH,
  HOME: folder,
  GIT_CONFIG_NOSYSTEM: '1',
  ...{ GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@b', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@b' },
};
writeFileSync(
  join(folder, '.gitconfig'),
  '[diff]\n\tnoprefix = true\n\tmnemonicPrefix = true\n\tinterHunkContext = 9\n\texternal = false\n[color]\n\tui = always\n[init]\n\tdefaultBranch = main\n[protocol "file"]\n\tallow = always\n',
);

let count = 0;
function repository(root = join(folder, `r${count++}`)) {
  mkdirSync(root, { recursive: true });
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', root, ...args], { env, encoding: 'utf8', stdio: 'pipe' }).trim();
  const write = (texts: Readonly<Record<string, string | Buffer>>) => {
    for (const [path, text] of Object.entries(texts)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
  };
  const commit = (texts: Readonly<Record<string, string | Buffer>>) => {
    write(texts);
    git('add', '-A');
    git('commit', '-q', '-m', 'x', '--allow-empty');
    return git('rev-parse', 'HEAD');
  };
  const read = async (since?: string, event?: unknown, more: Record<string, string> = {}) => {
    const path = join(folder, `event${count++}.json`);
    if (event !== undefined) writeFileSync(path, JSON.stringify(event));
    const github = event === undefined ? {} : { GITHUB_EVENT_PATH: path };
    const change = await readChangedLines(
      root,
      since,
      { ...env, ...github, ...more },
      new AbortController().signal,
    );
    const files = [...(change.lines?.files ?? [])].sort().map(([file, lines]) => [file, [...lines]]);
    const lost = change.isLost === true ? { isLost: true } : {};
    return { base: change.lines?.base, why: change.why, ...lost, files: Object.fromEntries(files) };
  };
  return { root, git, write, commit, read };
}
function started() {
  const repo = repository();
  repo.git('init', '-q', '-b', 'main');
  const first = repo.commit({ 'a.py': 'one\ntwo\nthree\nfour\nfive\n', 'old.py': 'x = 1\ny = 2\nz = 3\n' });
  return { ...repo, first };
}

describe('which lines', () => {
  test('committed, staged, and neither; new files too, removed lines and files not', async () => {
    const { commit, write, git, read, first } = started();
    git('switch', '-q', '-c', 'feature');
    commit({ 'a.py': 'one\nTWO\nthree\nfour\nfive\n', 'gone.py': 'x\n' });
    write({ 'a.py': 'one\nTWO\nfour\nfive\nsix\nseven', 'staged.py': '1\n2\n' });
    git('add', 'staged.py');
    git('rm', '-q', '--cached', 'gone.py');
    write({ 'new.py': 'a\nb', 'ignored.log': 'x', '.gitignore': '*.log\ngone.py\n' });
    expect(await read()).toEqual({
      base: first,
      why: undefined,
      files: { '.gitignore': [1, 2], 'a.py': [2, 5, 6], 'new.py': [1, 2], 'staged.py': [1, 2] },
    });
  });

  test('a renamed file has only the lines that changed on the way; a binary one and one with another mode have none', async () => {
    const { commit, git, read, root } = started();
    git('mv', 'old.py', 'new name.py');
    execFileSync('chmod', ['+x', join(root, 'a.py')]);
    commit({ 'new name.py': 'x = 1\ny = 2\nz = 4\n', 'logo.png': Buffer.from([0, 1, 2, 0]) });
    expect((await read('HEAD^')).files).toEqual({ 'a.py': [], 'logo.png': [], 'new name.py': [3] });
  });

  test('names that git quotes, and lines that look like a patch', async () => {
    const { commit, read } = started();
    const text = '+++ b/other.py\n@@ -1 +1,9 @@\ndiff --git a/x b/x\n';
    const names = ['tab\there', 'Ünïcödé.py', 'a "quoted" \\ name', 'line\nend', ' blank ', 'b/b'];
    commit(Object.fromEntries(names.map((name) => [name, text])));
    expect((await read('HEAD^')).files).toEqual(Object.fromEntries(names.map((name) => [name, [1, 2, 3]])));
  });

  test('a missing line end on either side does not shift what follows', () => {
    const end = '\\ No newline at end of file';
    const patch = [
      ...['diff --git a/a b/a', '--- a/a', '+++ b/a', '@@ -1 +1,2 @@'],
      ...['-a', end, '+b', '+++ b/c', end, '@@ -9 +9 @@', '-x', '+y'],
      ...['diff --git a/d b/d', '--- a/d', '+++ b/d', '@@ -0,0 +7 @@', '+x', ''],
    ];
    expect([...addedLines(patch.join('\n'))]).toEqual([
      ['a', new Set([1, 2, 9])],
      ['d', new Set([7])],
    ]);
  });
});

describe('compared with what', () => {
  test('--since counts from where the branches parted', async () => {
    const { commit, git, read, first } = started();
    git('switch', '-q', '-c', 'feature');
    commit({ 'mine.py': 'x\n' });
    git('switch', '-q', 'main');
    commit({ 'theirs.py': 'x\n' });
    git('switch', '-q', 'feature');
    expect(await read('main')).toMatchObject({ base: first, files: { 'mine.py': [1] } });
  });

  test.each(['nowhere', '--output=x', 'HEAD~99', ''])(
    '--since %j is an error that names it',
    async (since) => {
      await expect(started().read(since)).rejects.toMatchObject({
        code: 'checks.since',
        message: expect.stringContaining(since),
      });
    },
  );

  test('on the default branch: uncommitted work, else the last commit', async () => {
    const { commit, write, read, first } = started();
    const second = commit({ 'a.py': 'ONE\n' });
    expect(await read()).toMatchObject({ base: first, files: { 'a.py': [1] } });
    write({ 'b.py': 'x\n' });
    expect(await read()).toMatchObject({ base: second, files: { 'b.py': [1] } });
  });

  test('the very first commit, none at all, and no repository have no change', async () => {
    expect(await started().read()).toMatchObject({
      base: undefined,
      why: expect.stringMatching(/this is the first commit/),
    });
    const { git, read } = repository();
    expect(await read()).toMatchObject({
      why: 'Cannot determine what this run changes: there is no commit yet.',
    });
    git('init', '-q');
    expect(await read()).toMatchObject({
      why: 'Cannot determine what this run changes: there is no commit yet.',
    });
  });

  test('a clone takes the default branch of its origin, and what is not pushed counts', async () => {
    const origin = started();
    origin.git('branch', '-m', 'trunk');
    const clone = repository(join(folder, `r${count++}`));
    clone.git('clone', '-q', origin.root, '.');
    clone.commit({ 'a.py': 'ONE\n' });
    expect(await clone.read()).toMatchObject({ base: origin.first, files: { 'a.py': [1] } });
  });
});

/** A pull request: main went on after the branch left it, and HEAD is the merge that GitHub makes of both. */
function pullRequest() {
  const repo = started();
  repo.git('switch', '-q', '-c', 'feature');
  const head = repo.commit({ 'mine.py': 'x\n' });
  repo.git('switch', '-q', 'main');
  const main = repo.commit({ 'theirs.py': 'x\n' });
  repo.git('switch', '-q', '--detach', 'main');
  repo.git('merge', '-q', '--no-ff', '-m', 'merge', 'feature');
  const event = (base: string) => ({ pull_request: { base: { sha: base }, head: { sha: head } } });
  return { ...repo, head, main, event };
}

describe('on GitHub', () => {
  test('the merge of a pull request is compared with the branch it goes to, however old the event', async () => {
    const { read, event, first, main } = pullRequest();
    expect(await read(undefined, event(first))).toMatchObject({ base: main, files: { 'mine.py': [1] } });
  });

  test('the head of a pull request is compared with where it left', async () => {
    const { read, event, git, first, main } = pullRequest();
    git('switch', '-q', 'feature');
    expect(await read(undefined, event(main))).toMatchObject({ base: first, files: { 'mine.py': [1] } });
  });

  test('a head that has merged its base is compared with what it merged', async () => {
    const { read, event, git, main } = pullRequest();
    git('switch', '-q', 'feature');
    git('merge', '-q', '--no-ff', '-m', 'merge', 'main');
    expect(await read(undefined, event(main))).toMatchObject({ base: main, files: { 'mine.py': [1] } });
  });

  test('a shallow clone says what to set, and one that has the base at least uses it', async () => {
    const { root, event, main, git } = pullRequest();
    git('branch', 'merged');
    const clone = repository(join(folder, `r${count++}`));
    clone.git('clone', '-q', '--depth=1', '--branch=merged', `file://${root}`, '.');
    expect(await clone.read()).toMatchObject({ why: expect.stringMatching(/clone.*fetch-depth: 0/) });
    expect(await clone.read(undefined, event(main))).toEqual({
      base: undefined,
      why: `Cannot determine what this run changes: commit ${main.slice(0, 12)} is not in this clone: set \`fetch-depth: 0\` for actions/checkout.`,
      isLost: true,
      files: {},
    });
    const made = { before: '0'.repeat(40), repository: { default_branch: 'main' } };
    expect((await clone.read(undefined, made)).why).toMatch(
      /: the default branch is not in this clone.*fetch-depth: 0/,
    );
    clone.git('fetch', '-q', '--depth=1', 'origin', main);
    const merge = { GITHUB_REF: 'refs/pull/7/merge' };
    expect(await clone.read(undefined, event(main), merge)).toMatchObject({
      base: main,
      files: { 'mine.py': [1] },
    });
    expect(await clone.read(undefined, event(main))).toMatchObject({
      why: expect.stringMatching(/fetch-depth: 0/),
    });
  });

  test('a push begins at `before`, a new branch where it left the default branch', async () => {
    const { read, git, commit, first } = started();
    const repository = { default_branch: 'main' };
    git('switch', '-q', '-c', 'feature');
    const second = commit({ 'b.py': 'x\n' });
    commit({ 'c.py': 'x\n' });
    expect(await read(undefined, { before: second, repository })).toMatchObject({
      base: second,
      files: { 'c.py': [1] },
    });
    const whole = { base: first, files: { 'b.py': [1], 'c.py': [1] } };
    expect(await read(undefined, { before: '0'.repeat(40), repository })).toMatchObject(whole);
    expect(await read(undefined, { before: 'f'.repeat(40), repository })).toMatchObject(whole);
  });

  test('a merge group begins at its base', async () => {
    const { read, commit, first } = started();
    commit({ 'b.py': 'x\n' });
    expect(await read(undefined, { merge_group: { base_sha: first } })).toMatchObject({ base: first });
  });

  test.each([
    [
      'a schedule on the default branch',
      { schedule: '0 3 * * *', repository: { default_branch: 'main' } },
      /not for a change/,
    ],
    [
      'a base that is no commit id',
      { pull_request: { base: { sha: '--all' } } },
      /does not name the base commit/,
    ],
  ])('%s has no change', async (_, event, why) => {
    const { read, commit } = started();
    commit({ 'b.py': 'x\n' });
    expect(await read(undefined, event)).toMatchObject({ base: undefined, why: expect.stringMatching(why) });
  });
});
