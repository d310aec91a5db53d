import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type Ignore, readIgnore } from '../../config/dockerignore/ignore.ts';
import { Unresolvable } from '../../config/dockerignore/unresolvable.ts';
import { type TreeEntry, unreadable, walk } from './walk.ts';

/** Files open at a time: enough to keep a disk busy, far from any limit. */
const parallel = 16;
/** Read at once; most sources are smaller. */
const chunkBytes = 256 * 1024;

/**
 * Digest over everything of a folder that a build sees: paths, contents, permissions, links. Owners and times are
 * left out. So are extended attributes, though BuildKit sends them (tonistiigi/fsutil, loadXattr): Node can't read them,
 * and git keeps none.
 *
 * @throws Unresolvable for files that cannot be read; the signal's reason on abort.
 */
export async function hashTree(folder: string, ignore: Ignore, signal: AbortSignal): Promise<string> {
  const entries = await walk(folder, ignore, signal);
  entries.sort((a, b) => (a.path < b.path ? -1 : 1));
  const contents = await hashFiles(folder, entries, signal);
  const firstNames = new Map<string, string>();
  const hash = createHash('sha256');
  for (const { path, kind, mode, detail, inode } of entries) {
    const firstName = inode === undefined ? path : (firstNames.get(inode) ?? path);
    if (inode !== undefined) firstNames.set(inode, firstName);
    const alias = firstName === path ? '' : firstName;
    hash.update(`${JSON.stringify([path, kind, mode, detail, alias, contents.get(path) ?? ''])}\n`);
  }
  return hash.digest('hex');
}

/** The rules of a context that has no ignore file. */
export const ignoreNothing: Ignore = readIgnore('');

async function hashFiles(folder: string, entries: readonly TreeEntry[], signal: AbortSignal) {
  const files = entries.filter(({ kind }) => kind === 'file').values();
  const contents = new Map<string, string>();
  const work = async () => {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    for (const { path, size } of files) {
      signal.throwIfAborted();
      contents.set(path, await hashFile(join(folder, path), path, size, buffer, signal));
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return contents;
}

async function hashFile(file: string, path: string, size: number, buffer: Buffer, signal: AbortSignal) {
  const hash = createHash('sha256');
  let total = 0;
  try {
    await using handle = await open(file, 'r');
    while (total < size) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      total += bytesRead;
      signal.throwIfAborted();
    }
  } catch (error) {
    throw unreadable(path, error);
  }
  if (total !== size) throw new Unresolvable(`"${path}" changed while Sluice read it`);
  return hash.digest('hex');
}
