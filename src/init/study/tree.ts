import { type Dirent, promises } from 'node:fs';
import { join } from 'node:path';
import { decodeUtf8 } from '../../config/text-file.ts';

/** The files of a repository: paths from its folder, with forward slashes, in a fixed order. */
export interface Tree {
  readonly folder: string;
  readonly files: readonly string[];
  /** Text of a file; undefined if it is missing, binary or larger than 256 KiB. */
  read(path: string): Promise<string | undefined>;
}

/** Generated or third-party folders: they do not show how the app runs. */
const skipped = new Set([
  ...[
    'node_modules',
    'vendor',
    'venv',
    'dist',
    'build',
    'target',
    'coverage',
    'site-packages',
    '__pycache__',
  ],
  ...['bower_components', 'staticfiles', 'htmlcov'],
]);
const maxDepth = 6;
/** Reading a larger repository takes minutes. */
const maxFiles = 20_000;
const maxBytes = 256 * 1024;

/** Lists a repository. Links are not followed: they can lead out of it or form a cycle. */
export async function readTree(folder: string): Promise<Tree> {
  const files: string[] = [];
  const visit = async (path: string, depth: number): Promise<void> => {
    const entries = await promises
      .readdir(join(folder, path), { withFileTypes: true })
      .catch((): Dirent[] => []);
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      if (files.length >= maxFiles) return;
      const whole = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.isFile()) files.push(whole);
      else if (entry.isDirectory() && depth < maxDepth && isIncluded(entry.name))
        await visit(whole, depth + 1);
    }
  };
  await visit('', 0);
  return { folder, files, read: (path) => readText(join(folder, path)) };
}

function isIncluded(name: string): boolean {
  return !skipped.has(name) && (!name.startsWith('.') || name === '.github');
}

/** Text of a file; undefined if it is missing, binary or larger than 256 KiB. */
export async function readText(file: string): Promise<string | undefined> {
  const found = await promises.stat(file).catch(() => undefined);
  if (found?.isFile() !== true || found.size > maxBytes) return undefined;
  const bytes = await promises.readFile(file).catch(() => undefined);
  const decoded = bytes === undefined ? undefined : decodeUtf8(bytes);
  return decoded !== undefined && 'text' in decoded ? decoded.text : undefined;
}

/** Folder of a path; empty for the repository root. */
export function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Whether a path is in a folder; the empty folder contains every path. */
export function isIn(path: string, folder: string): boolean {
  return folder === '' || path.startsWith(`${folder}/`);
}
