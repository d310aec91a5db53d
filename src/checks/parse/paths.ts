import { relative, resolve, sep } from 'node:path';

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
