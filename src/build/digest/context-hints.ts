import { lstat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { Unresolvable } from '../../config/dockerignore/unresolvable.ts';
import type { BuildTarget } from '../model.ts';
import type { BuildFinding } from '../plan.ts';
import { ignoreOf } from './digest.ts';

/**
 * Contexts that contain the repository's `.git`: every commit changes it, so no build reuses the image of an earlier commit.
 */
export async function contextFindings(targets: readonly BuildTarget[]): Promise<BuildFinding[]> {
  const found = await Promise.all(
    targets.map(async (target) => ((await seesGit(target)) ? [target.name] : [])),
  );
  const names = found.flat();
  if (names.length === 0) return [];
  const message =
    `${names.join(', ')}: .git is in the build context, so every commit changes the tree and no image is ever reused; ` +
    'add .git to .dockerignore';
  return [{ target: '', topic: 'git-context', message }];
}

async function seesGit(target: BuildTarget): Promise<boolean> {
  if (!isAbsolute(target.context)) return false;
  const git = await lstat(join(target.context, '.git')).catch(() => undefined);
  // In a worktree and in a submodule .git is a file, which commits do not change.
  if (git?.isDirectory() !== true) return false;
  try {
    const ignore = await ignoreOf(target);
    return !ignore.judge('.git', undefined).isExcluded || ignore.mayIncludeBelow('.git');
  } catch (error) {
    // The digest reports the error in the file.
    if (error instanceof Unresolvable) return false;
    throw error;
  }
}
