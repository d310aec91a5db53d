import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { messageOf, UserError } from '../kernel/errors.ts';
import { harmless } from '../kernel/foreign.ts';
import { runProcess, tail } from '../kernel/process/process.ts';

/** The repository as the checks see it. Paths are from its top, with forward slashes. */
export interface Repo {
  /** Absolute. */
  readonly root: string;
  /** Whether it is a git repository; without git there is no history, and only the usual folders are ignored. */
  readonly git: boolean;
  /** Tracked files, and new ones that are not ignored; sorted. */
  readonly files: readonly string[];
  /** Those of `files` that git does not track. */
  readonly untracked?: ReadonlySet<string>;
  /** @returns undefined if the file does not exist in the repository or is not text. */
  read(path: string): string | undefined;
}

/** Folders of generated files, for repositories without git. */
const made = new Set(['.git', 'node_modules', '.venv', 'venv', '__pycache__', 'dist', 'build', '.tox']);

/**
 * @param folder any folder of the repository.
 * @throws UserError `checks.repository` if git cannot list its files: checks on an incomplete list prove nothing.
 */
export async function openRepo(folder: string, signal: AbortSignal): Promise<Repo> {
  const git = async (...args: string[]) => {
    const options = { signal, timeoutMs: 60_000 };
    const result = await runProcess(['git', '-C', folder, ...args], options).catch((error: unknown) => {
      signal.throwIfAborted();
      return { code: 1, stdout: '', stderr: messageOf(error) };
    });
    return result.code === 0 ? { said: result.stdout } : { fault: harmless(tail(result.stderr, 10)) };
  };
  const top = await git('rev-parse', '--show-toplevel');
  if ('fault' in top) {
    if (isKeptByGit(folder)) throw unreadable(folder, top.fault);
    return repoOf(folder, walk(folder), false);
  }
  const root = top.said.replace(/\n$/, '');
  const listed = await git('-C', root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard');
  if ('fault' in listed) throw unreadable(root, listed.fault);
  const gone = await git('-C', root, 'ls-files', '-z', '--deleted');
  if ('fault' in gone) throw unreadable(root, gone.fault);
  const fresh = await git('-C', root, 'ls-files', '-z', '--others', '--exclude-standard');
  if ('fault' in fresh) throw unreadable(root, fresh.fault);
  // git lists a removed file until the removal is staged.
  const missing = new Set(pathsIn(gone.said));
  const files = new Set(pathsIn(listed.said).filter((path) => !missing.has(path)));
  return { ...repoOf(root, [...files].sort(), true), untracked: new Set(pathsIn(fresh.said)) };
}

function pathsIn(list: string): string[] {
  return list.split('\0').filter((path) => path !== '');
}

function isKeptByGit(folder: string): boolean {
  for (let above = resolve(folder); ; above = dirname(above)) {
    if (existsSync(join(above, '.git'))) return true;
    if (above === dirname(above)) return false;
  }
}

function unreadable(folder: string, said: string): UserError {
  const foreign = said.includes('dubious ownership');
  return new UserError({
    code: 'checks.repository',
    message: `git cannot read the repository in ${folder}`,
    hint: foreign
      ? `The folder belongs to another user, as in a job with \`container:\`. If you trust it: git config --global --add safe.directory '${folder}'`
      : 'Make `git status` work in that folder; the output of git is below.',
    ...(said === '' ? {} : { output: said }),
  });
}

/** For tests, and for folders without git. */
export function repoOf(root: string, files: readonly string[], git: boolean): Repo {
  const texts = new Map<string, string | undefined>();
  return {
    root,
    git,
    files,
    read(path) {
      if (!texts.has(path)) texts.set(path, readText(root, path));
      return texts.get(path);
    },
  };
}

function readText(root: string, path: string): string | undefined {
  try {
    const file = realpathSync(join(root, path));
    // A link of an untrusted change may point to a secret of the machine, or to /dev/zero.
    if (!file.startsWith(`${realpathSync(root)}${sep}`) || !statSync(file).isFile()) return undefined;
    const text = readFileSync(file, 'utf8');
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

function walk(root: string): string[] {
  const found: string[] = [];
  const visit = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && !made.has(entry.name)) visit(path);
      else if (entry.isFile()) found.push(path);
    }
  };
  visit('');
  return found.sort();
}

/** The folder of a path: `''` for the top of the repository. */
export function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}

/** `path` in a folder of the repository. */
export function inFolder(folder: string, path: string): string {
  return folder === '' ? path : `${folder}/${path}`;
}

/**
 * A path that a tool printed, from the top of the repository with forward slashes.
 *
 * @param folder that a relative path is from.
 * @returns undefined if it is outside, or the top itself.
 */
export function repoPath(root: string, folder: string, path: string): string | undefined {
  const found = relative(root, resolve(root, folder, path))
    .split(sep)
    .join('/');
  return found === '' || found === '..' || found.startsWith('../') ? undefined : found;
}
