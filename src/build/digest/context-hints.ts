import { lstat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { Unresolvable } from '../../config/dockerignore/unresolvable.ts';
import type { BuildTarget } from '../model.ts';
import type { BuildFinding } from '../plan.ts';
import { ignoreOf } from './digest.ts';

/**
 * Contexts that have the repository's `.git` in them: each commit changes it, so the image of one commit is never found
 * by the next, though nothing else has changed.
 */
export async function contextFindings(targets: readonly BuildTarget[]): Promise<BuildFinding[]> {
  const found = await Promise.all(
    targets.map(async (target) => ((await seesGit(target)) ? [target.name] : [])),
  );
  const names = found.flat();
  if (names.length === 0) return [];
  const message =
    `${names.join(', ')}: .git is in the build context, so every commit is another tree and no image is ever found ` +
    'again; write .git into .dockerignore';
  return [{ target: '', topic: 'git-context', message }];
}

async function seesGit(target: BuildTarget): Promise<boolean> {
  if (!isAbsolute(target.context)) return false;
  const git = await lstat(join(target.context, '.git')).catch(() => undefined);
  // In a worktree and in a submodule it is a file, which stays as it is.
  if (git?.isDirectory() !== true) return false;
  try {
    const ignore = await ignoreOf(target);
    return !ignore.judge('.git', undefined).isExcluded || ignore.mayIncludeBelow('.git');
  } catch (error) {
    // The digest tells what is wrong with the file.
    if (error instanceof Unresolvable) return false;
    throw error;
  }
}
