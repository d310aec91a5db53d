import { lstat, readdir } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { type GitEffects, gitContents } from '../env/git-files.ts';
import { withoutLinks } from './tree.ts';

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
      kept: [...new Set(kept)].filter((candidate) => candidate !== '.').sort(),
      uncommitted: (known?.untracked ?? []).map(from).filter((candidate) => !placeholder.test(candidate)),
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
