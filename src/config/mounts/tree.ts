import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import type { CarriedFile } from '../model.ts';

/** Configuration is small; a mount beyond this is data or source code, which a release cannot carry. */
const largestMount = 20 * 1024 * 1024;

export type TreeFault =
  | { readonly kind: 'missing' }
  /** `path` leads nowhere, in a circle, or out of the repository. */
  | { readonly kind: 'link'; readonly path: string }
  | { readonly kind: 'large' };

/**
 * Lists a file, or a folder with all that is in it. Links are followed as long as they stay in the repository; sockets
 * and the like are left out, and so is what git itself keeps there (`.git`).
 *
 * @param source absolute path.
 * @param top the repository's folder, absolute.
 */
export async function readMountTree(
  source: string,
  top: string,
): Promise<readonly CarriedFile[] | TreeFault> {
  if ((await lstat(source).catch(() => undefined)) === undefined) return { kind: 'missing' };
  const root = await realpath(top);
  const found: CarriedFile[] = [];
  let total = 0;
  const visit = async (
    path: string,
    name: string,
    above: readonly string[],
  ): Promise<TreeFault | undefined> => {
    const real = await realpath(path).catch(() => undefined);
    if (real === undefined || !isWithin(real, root) || above.includes(real)) return { kind: 'link', path };
    const { mode, size, ...kind } = await stat(real).then((stats) => ({
      mode: stats.mode & 0o100 ? 0o755 : 0o644,
      size: stats.size,
      isFile: stats.isFile(),
      isFolder: stats.isDirectory(),
    }));
    if (kind.isFolder) {
      for (const file of (await readdir(real)).sort()) {
        if (file === '.git') continue;
        const fault = await visit(join(path, file), join(name, file), [...above, real]);
        if (fault !== undefined) return fault;
      }
    } else if (kind.isFile) {
      total += size;
      if (total > largestMount) return { kind: 'large' };
      found.push({ path: name, file: real, mode, size });
    }
    return undefined;
  };
  const fault = await visit(source, basename(source), []);
  if (fault !== undefined) return fault;
  // Git keeps no empty folder, so a fresh clone has none.
  return found.length === 0 ? { kind: 'missing' } : found;
}

/** A path with the links of its folders followed, as far as they exist: git accepts no other. */
export async function withoutLinks(path: string): Promise<string> {
  const folder = dirname(path);
  if (folder === path) return path;
  const real = await realpath(folder).catch(() => undefined);
  return join(real ?? (await withoutLinks(folder)), basename(path));
}

/** Whether a path is a folder or inside it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}
