import { cp, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { runProcess } from '../../src/kernel/process/process.ts';

/** A copy of a checkout that a test may write to. */
export interface Checkout {
  /** `owner/name` */
  readonly repository: string;
  readonly folder: string;
  readonly commit: string;
}

/** Names of the checkouts in a folder, such as `acme__shop`. */
export async function checkoutsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && entry.name.includes('__'))
    .map(({ name }) => name)
    .sort();
}

export function repositoryOf(name: string): string {
  return name.replace('__', '/');
}

/**
 * Copies a checkout as a fresh clone of GitHub would be: what git has and nothing else, with its remote. A folder
 * without git is committed first.
 *
 * @param source `…/acme__shop`
 * @param folder becomes the copy; replaced if it is there.
 */
export async function copyCheckout(source: string, folder: string): Promise<Checkout> {
  const repository = repositoryOf(basename(source));
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, '..'), { recursive: true });
  const isClone = (await stat(join(source, '.git')).catch(() => undefined)) !== undefined;
  if (isClone) await git(['clone', '--quiet', '--local', source, folder]);
  else {
    await cp(source, folder, { recursive: true, verbatimSymlinks: true });
    await git(['init', '--quiet', '--initial-branch', 'main'], folder);
    await git(['add', '--all', '--force'], folder);
    await git(
      ['-c', 'user.name=corpus', '-c', 'user.email=c@example.com', 'commit', '--quiet', '-m', 'c'],
      folder,
    );
    await git(['remote', 'add', 'origin', ''], folder);
  }
  await git(['remote', 'set-url', 'origin', `https://github.com/${repository}`], folder);
  const commit = isClone ? await git(['rev-parse', 'HEAD'], folder) : '';
  return { repository, folder, commit: commit.trim() };
}

async function git(args: readonly string[], cwd = '/'): Promise<string> {
  const result = await runProcess(['git', ...args], { cwd, timeoutMs: 300_000 });
  if (result.code !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr.trim()}`);
  return result.stdout;
}

/** Repository → commit of repositories.txt; lines that begin with # are remarks. */
export async function knownCommits(file: string): Promise<ReadonlyMap<string, string>> {
  const lines = (await readFile(file, 'utf8'))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => line.split(/\s+/) as [string, string]));
}
