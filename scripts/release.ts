import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { changelogSection } from './changelog.ts';
import { isNewestOfMajor, parseRelease, type Release } from './release-version.ts';

/*
 * The work of scripts/release. main has sources only. A release is two commits on the branch `release`, beside the history
 * of main: the first adds dist, the second makes the reusable workflows call the actions of the first by its full hash.
 * A workflow that is pinned by its hash pins all that it runs.
 */

const root = resolve(import.meta.dirname, '..');
/** Parts of scripts/test; each leaves the tree that passed it in build/passed. */
const testParts = ['unit', 'contract', 'bundle', 'e2e'];
const releaseBranch = 'release';
/** Our own actions in the reusable workflows, whatever they are pinned to on main. */
const ownAction = /(uses: sluice-ci\/sluice(?:\/[\w./-]+)?)@\S+(?: +#.*)?$/gm;

/** Said to the person who releases; ends with exit code 1. */
class Refusal extends Error {}

function git(args: readonly string[], cwd = root): string {
  return execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

function tryGit(args: readonly string[]): string | undefined {
  try {
    return git(args);
  } catch {
    return undefined;
  }
}

/** Prerequisites, checked before anything is made. @throws Refusal */
function check(release: Release, remote: string): void {
  if (git(['status', '--porcelain']) !== '')
    throw new Refusal('the checkout has changes; commit or remove them (git status)');
  if (git(['rev-parse', '--abbrev-ref', 'HEAD']) !== 'main') throw new Refusal('this is not the branch main');
  const remoteMain = tryGit(['ls-remote', '--exit-code', remote, 'refs/heads/main'])?.split('\t')[0];
  if (remoteMain === undefined) throw new Refusal(`${remote} is not reachable, or has no branch main`);
  if (remoteMain !== git(['rev-parse', 'HEAD']))
    throw new Refusal(`main is not what ${remote} has; push or pull it first`);
  const tree = git(['rev-parse', 'HEAD^{tree}']);
  const untested = testParts.filter((part) => {
    const stamp = join(root, 'build/passed', part);
    return !existsSync(stamp) || readFileSync(stamp, 'utf8').trim() !== tree;
  });
  if (untested.length > 0)
    throw new Refusal(`these files are not tested; run scripts/test ${untested.join(' ')}`);
  if (tryGit(['ls-remote', '--exit-code', remote, `refs/tags/${release.tag}`]) !== undefined)
    throw new Refusal(`${remote} has ${release.tag} already; a version is released once`);
  git(['fetch', '--quiet', '--tags', '--force', remote]);
}

/** The notes of the release: its section of CHANGELOG.md. @throws Refusal */
function notesOf(release: Release): string {
  const notes = changelogSection(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'), release);
  if (notes === undefined)
    throw new Refusal(
      `CHANGELOG.md has no section "## [${release.version}] - YYYY-MM-DD"; rename [Unreleased] and commit it`,
    );
  return `${release.tag}\n\n${notes}\n`;
}

/** Makes both commits; no branch and no tag shows them yet. */
function make(release: Release, remote: string): string {
  const base = git(['rev-parse', 'HEAD']);
  const before = tryGit(['ls-remote', '--exit-code', remote, `refs/heads/${releaseBranch}`])?.split('\t')[0];
  if (before !== undefined) git(['fetch', '--quiet', remote, before]);
  // Within the checkout, so that the build finds its packages.
  const folder = join(root, 'build', 'release');
  tryGit(['worktree', 'remove', '--force', folder]);
  rmSync(folder, { recursive: true, force: true });
  git(['worktree', 'add', '--quiet', '--detach', folder, base]);
  try {
    writeVersion(folder, release);
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    execFileSync(process.execPath, ['scripts/build.ts'], { cwd: folder, stdio: ['ignore', 2, 2] });
    git(['add', '--update'], folder);
    git(['add', '--force', 'dist'], folder);
    const parents = [base, before].filter((parent) => parent !== undefined);
    const built = commit(folder, parents, `Release ${release.tag}: dist`);
    pinWorkflows(folder, built, release);
    git(['add', '--update'], folder);
    return commit(folder, [built], `Release ${release.tag}: workflows call the actions of ${built}`);
  } finally {
    tryGit(['worktree', 'remove', '--force', folder]);
  }
}

function commit(folder: string, parents: readonly string[], message: string): string {
  const tree = git(['write-tree'], folder);
  return git(['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-m', message], folder);
}

function writeVersion(folder: string, { version }: Release): void {
  const replace = (file: string, pattern: RegExp, by: string) => {
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    if (!pattern.test(text)) throw new Error(`${file}: no version found`);
    writeFileSync(path, text.replace(pattern, by));
  };
  replace('package.json', /"version": "[^"]+"/, `"version": "${version}"`);
  replace('src/kernel/version.ts', /version = '[^']+'/, `version = '${version}'`);
}

function pinWorkflows(folder: string, built: string, release: Release): void {
  const files = git(['ls-files', '.github/workflows/*.yml'], folder)
    .split('\n')
    .filter((file) => file !== '');
  for (const file of files) {
    const path = join(folder, file);
    writeFileSync(path, readFileSync(path, 'utf8').replace(ownAction, `$1@${built} # ${release.tag}`));
  }
}

/** Branch and tags in one push that the remote takes whole or not at all; or in a bundle, for a job that may push. */
function publish(release: Release, remote: string, made: string, bundle: string | undefined): void {
  const moves = movesMajor(release, remote);
  git(['tag', '--annotate', '--message', notesOf(release), '--cleanup=verbatim', release.tag, made]);
  const refs = [
    `${made}:refs/heads/${releaseBranch}`,
    `refs/tags/${release.tag}`,
    ...(moves ? [`+${made}:refs/tags/${release.major}`] : []),
  ];
  if (bundle !== undefined) {
    writeBundle(bundle, release, made, moves);
    console.log(`${release.tag} is in ${bundle}, and nowhere else: ${made}`);
    return;
  }
  try {
    git(['push', '--quiet', '--atomic', remote, ...refs]);
  } catch (error) {
    git(['tag', '--delete', release.tag]);
    throw new Refusal(`${remote} took none of it: ${String((error as { stderr?: string }).stderr).trim()}`);
  }
  console.log(`${release.tag} is released${moves ? ` as ${release.major}, too` : ''}: ${made}`);
}

/** Whether `v1` shall show this release: it is the newest stable one of its major version. */
function movesMajor(release: Release, remote: string): boolean {
  const tags = git(['ls-remote', '--tags', '--refs', remote])
    .split('\n')
    .map((line) => line.replace(/^.*refs\/tags\//, ''));
  return isNewestOfMajor(release, tags);
}

/** Under separate names, so that no branch and no tag of this checkout shows it. */
function writeBundle(file: string, { tag, major }: Release, commit: string, moves: boolean): void {
  const made = 'refs/made';
  const refs: Record<string, string> = {
    [`${made}/${releaseBranch}`]: commit,
    [`${made}/tags/${tag}`]: git(['rev-parse', `refs/tags/${tag}`]),
    ...(moves ? { [`${made}/tags/${major}`]: commit } : {}),
  };
  git(['tag', '--delete', tag]);
  for (const [name, value] of Object.entries(refs)) git(['update-ref', name, value]);
  git(['bundle', 'create', '--quiet', resolve(file), ...Object.keys(refs)]);
  for (const name of Object.keys(refs)) git(['update-ref', '-d', name]);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    remote: { type: 'string', default: 'origin' },
    'dry-run': { type: 'boolean', default: false },
    bundle: { type: 'string' },
  },
});
try {
  const release = parseRelease(positionals[0] ?? '');
  if (release === undefined)
    throw new Refusal(`"${positionals[0] ?? ''}" is not a version; write 1.2.3 or 1.3.0-rc.1`);
  check(release, values.remote);
  const notes = notesOf(release);
  if (values['dry-run']) {
    const moved = movesMajor(release, values.remote) ? ` and ${release.major}` : '';
    console.log(
      `${notes}\nWould push the branch ${releaseBranch} and the tags ${release.tag}${moved} to ${values.remote}.`,
    );
  } else publish(release, values.remote, make(release, values.remote), values.bundle);
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(`scripts/release: ${error.message}`);
  process.exitCode = 1;
}
