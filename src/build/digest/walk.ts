import type { BigIntStats, Dirent, Stats } from 'node:fs';
import { lstat, readdir, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ignore, Verdict } from '../../config/dockerignore/ignore.ts';
import { Unresolvable } from '../../config/dockerignore/unresolvable.ts';

/** A file, folder, link or device as BuildKit gets it: owners are reset to root, and times are not content. */
export interface TreeEntry {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link' | 'pipe' | 'socket' | 'device';
  /** Permissions with setuid, setgid and sticky bit. */
  readonly mode: number;
  readonly size: number;
  /** Where a link leads, or the number of a device. */
  readonly detail: string;
  /** The same for all names of one file that has several: BuildKit keeps hard links. */
  readonly inode: string | undefined;
}

/**
 * Everything of a folder that a build sees, in no particular order. Excluded folders in which no exception can match are
 * not entered; excluded folders with something included below are part of the tree.
 *
 * @throws Unresolvable for files that cannot be read; the signal's reason on abort.
 */
export async function walk(folder: string, ignore: Ignore, signal: AbortSignal): Promise<TreeEntry[]> {
  const root = await realpath(folder).catch((error) => {
    throw unreadable(folder, error);
  });
  const entries: TreeEntry[] = [];

  /** @returns whether anything below the folder is included. */
  const enter = async (path: string, verdict: Verdict | undefined): Promise<boolean> => {
    signal.throwIfAborted();
    const found = await readdir(join(root, path), { withFileTypes: true }).catch((error) => {
      if (verdict?.isExcluded && error.code === 'EACCES') return [];
      throw unreadable(path === '' ? folder : path, error);
    });
    const included = await Promise.all(
      found.map((dirent) => visit(path === '' ? dirent.name : `${path}/${dirent.name}`, dirent, verdict)),
    );
    return included.includes(true);
  };

  const visit = async (path: string, dirent: Dirent, parent: Verdict | undefined): Promise<boolean> => {
    // Node puts this character where bytes are not UTF-8.
    if (dirent.name.includes('\ufffd')) throw new Unresolvable(`the file name "${path}" is not UTF-8 text`);
    const verdict = ignore.judge(path, parent);
    if (!dirent.isDirectory()) {
      if (!verdict.isExcluded) entries.push(await entryOf(root, path));
      return !verdict.isExcluded;
    }
    if (verdict.isExcluded && !ignore.mayIncludeBelow(path)) return false;
    const isIncluded = (await enter(path, verdict)) || !verdict.isExcluded;
    if (isIncluded) entries.push(await entryOf(root, path));
    return isIncluded;
  };

  await enter('', undefined);
  return entries;
}

async function entryOf(root: string, path: string): Promise<TreeEntry> {
  const file = join(root, path);
  try {
    const stats = await lstat(file);
    const kind = kindOf(stats);
    const isShared = kind === 'file' && stats.nlink > 1;
    return {
      path,
      kind,
      mode: kind === 'link' ? 0o777 : stats.mode & 0o7777,
      size: stats.size,
      detail:
        kind === 'link'
          ? (await readlink(file, 'buffer')).toString('base64')
          : kind === 'device'
            ? `${stats.isBlockDevice() ? 'b' : 'c'}${stats.rdev}`
            : '',
      inode: isShared ? inodeOf(await lstat(file, { bigint: true })) : undefined,
    };
  } catch (error) {
    throw unreadable(path, error);
  }
}

function inodeOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`;
}

function kindOf(stats: Stats): TreeEntry['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  if (stats.isSymbolicLink()) return 'link';
  if (stats.isFIFO()) return 'pipe';
  return stats.isSocket() ? 'socket' : 'device';
}

/** @param error of a call to the file system; anything else is a bug and is rethrown. */
export function unreadable(path: string, error: unknown): unknown {
  const isSystem = error instanceof Error && 'syscall' in error && 'code' in error;
  return isSystem ? new Unresolvable(`"${path}" cannot be read (${error.code})`) : error;
}
