import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { type GitEffects, gitContents } from '../env/git-files.ts';
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

/** The content of a writable folder in a fresh clone. Paths from the folder on. */
export interface FolderContent {
  /** Files of the repository; the path itself, a submodule or a link, is `''`. */
  readonly files: readonly string[];
  /** Folders that git keeps by a placeholder alone (`logs/.gitkeep`), the folder itself left out. */
  readonly kept: readonly string[];
  /** On this machine, and neither tracked nor ignored by git. */
  readonly uncommitted: readonly string[];
}

/** Files by which git keeps a folder that is empty otherwise. */
const placeholder =
  /(?:^|\/)(?:\.git(?:ignore|keep|attributes)|\.(?:keep|empty|placeholder)|README(?:\.\w+)?)$/i;
/** Enough to know that a folder is not empty. */
const mostFiles = 100;

/**
 * Reads the content of folders from git's index: the same on a laptop and on a fresh clone. Without git the
 * files of this machine count as those of the repository.
 *
 * @param folders absolute; they need not exist.
 */
export async function readFolderContents(
  folders: readonly string[],
  effects: GitEffects,
): Promise<{ readonly contents: ReadonlyMap<string, FolderContent>; readonly problems: readonly string[] }> {
  const asked = new Map<string, string>();
  for (const folder of folders) asked.set(folder, await withoutLinks(folder));
  const git = await gitContents([...asked.values()], effects);
  const contents = new Map<string, FolderContent>();
  for (const [folder, path] of asked) {
    const known = git.contents.get(path);
    const from = (file: string) => relative(path, file).split(sep).join('/');
    const all = known === undefined ? await filesBelow(folder) : known.tracked.map(from);
    const kept = all.filter((file) => placeholder.test(file)).map((file) => dirname(file));
    contents.set(folder, {
      files: all.filter((file) => !placeholder.test(file)),
      kept: [...new Set(kept)].filter((path) => path !== '.').sort(),
      uncommitted: (known?.untracked ?? []).map(from).filter((file) => !placeholder.test(file)),
    });
  }
  return { contents, problems: git.problems };
}

async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  const visit = async (path: string): Promise<void> => {
    const entries = await readdir(join(folder, path), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (files.length >= mostFiles) return;
      const whole = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory()) await visit(whole);
      else files.push(whole);
    }
  };
  const found = await lstat(folder).catch(() => undefined);
  if (found?.isFile() === true) return [''];
  await visit('');
  return files;
}
