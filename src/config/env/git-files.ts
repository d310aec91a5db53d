import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { UserError } from '../../kernel/errors.ts';
import { plainEnv } from '../../kernel/process/child-env.ts';
import { type ProcessResult, runProcess } from '../../kernel/process/process.ts';

export interface GitEffects {
  /** Sluice's own environment: where git is found. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
}

/** Which files a fresh clone of the repository has. */
export interface GitSight {
  /** Those that git ignores, whether they exist or not. Paths as given. */
  readonly ignored: ReadonlySet<string>;
  /** Those that exist, and that git neither tracks nor ignores. */
  readonly untracked: ReadonlySet<string>;
  /** Why git did not answer for some of them; then those count as files of the repository. */
  readonly problems: readonly string[];
}

/** Top folder of the working tree that a folder is in; undefined outside of one. A submodule has its own top. */
export function gitTop(folder: string): string | undefined {
  for (let path = resolve(folder); ; path = dirname(path)) {
    if (existsSync(join(path, '.git'))) return path;
    if (path === dirname(path)) return undefined;
  }
}

/**
 * Asks git about files. Outside of a repository, the sets are empty.
 *
 * @param files absolute paths without links in their folders: git refuses a path "beyond a symbolic link".
 */
export async function readGitFiles(files: readonly string[], effects: GitEffects): Promise<GitSight> {
  const byTop = new Map<string, string[]>();
  for (const file of new Set(files)) {
    const top = gitTop(dirname(file));
    if (top === undefined || top === file) continue;
    const list = byTop.get(top) ?? [];
    byTop.set(top, list);
    list.push(file);
  }
  const ignored = new Set<string>();
  const untracked = new Set<string>();
  const problems = new Set<string>();
  await Promise.all(
    [...byTop].map(async ([top, list]) => {
      const stdin = list.map((file) => `${file}\0`).join('');
      const asked = await Promise.all([
        // 0: some are ignored, 1: none is. Tracked files are never ignored (git-check-ignore(1)).
        ask(top, ['check-ignore', '-z', '--stdin'], [0, 1], effects, stdin),
        // The index: on a large repository a hundred times faster than a walk for what is not in it.
        ask(top, ['ls-files', '-z'], [0], effects),
      ]);
      const [first, second] = asked;
      for (const problem of asked) if (typeof problem === 'string') problems.add(problem);
      if (typeof first !== 'string') for (const file of first) ignored.add(file);
      if (typeof second === 'string') return;
      const tracked = new Set(second.map((path) => join(top, path)));
      for (const file of list) {
        if (!tracked.has(file) && !ignored.has(file) && existsSync(file)) untracked.add(file);
      }
    }),
  );
  return { ignored, untracked, problems: [...problems] };
}

/** The files of git at a path and below it. */
export interface GitContent {
  /** Paths of the index. */
  readonly tracked: readonly string[];
  /** Neither tracked nor ignored; a folder without tracked files is one entry. */
  readonly untracked: readonly string[];
}

/**
 * Asks git what it has below some paths, which need not exist.
 *
 * @param paths absolute, without links in their folders.
 * @returns absolute paths by the path as given; a path outside of a repository is missing, and so is one that git
 * does not answer for.
 */
export async function gitContents(
  paths: readonly string[],
  effects: GitEffects,
): Promise<{ readonly contents: ReadonlyMap<string, GitContent>; readonly problems: readonly string[] }> {
  const contents = new Map<string, GitContent>();
  const problems = new Set<string>();
  const byTop = Map.groupBy(new Set(paths), (path) => gitTop(path));
  await Promise.all(
    [...byTop].map(async ([top, list]) => {
      if (top === undefined) return;
      // A text that looks like a pattern is the name of a folder here.
      const command = ['--literal-pathspecs', 'ls-files', '-z'];
      const others = ['--others', '--exclude-standard', '--directory', '--no-empty-directory'];
      const where = ['--', ...list.map((path) => relative(top, path) || '.')];
      const [tracked, untracked] = await Promise.all([
        ask(top, [...command, ...where], [0], effects),
        ask(top, [...command, ...others, ...where], [0], effects),
      ]);
      for (const problem of [tracked, untracked]) if (typeof problem === 'string') problems.add(problem);
      if (typeof tracked === 'string' || typeof untracked === 'string') return;
      const whole = (names: readonly string[]) => names.map((name) => resolve(top, name));
      const [known, unknown] = [whole(tracked), whole(untracked)];
      for (const path of list) {
        const isIn = (file: string) => file === path || file.startsWith(`${path}/`);
        contents.set(path, { tracked: known.filter(isIn), untracked: unknown.filter(isIn) });
      }
    }),
  );
  return { contents, problems: [...problems] };
}

/** @returns the paths that git prints, or why it does not. */
async function ask(
  top: string,
  args: readonly string[],
  fine: readonly number[],
  { env, signal }: GitEffects,
  stdin?: string,
): Promise<string[] | string> {
  let result: ProcessResult;
  try {
    result = await runProcess(['git', '-C', top, ...args], {
      env: plainEnv(env),
      timeoutMs: 10_000,
      ...(stdin === undefined ? {} : { stdin }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  if (fine.includes(result.code)) return result.stdout.split('\0').filter((path) => path !== '');
  return `git ${args.find((arg) => !arg.startsWith('-'))} failed in ${top}: ${result.stderr.trim().split('\n')[0] ?? ''}`;
}
