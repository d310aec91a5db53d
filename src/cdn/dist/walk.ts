import { type Dirent, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { messageOf, type UserError } from '../../kernel/errors.ts';
import { distFault, isJunk, nameFault, pathFault, shown } from './names.ts';
import type { PathTest } from './pattern.ts';

/** The files of a folder to publish, and the faults that prevent it. */
export interface Walked {
  /** From the top of the site, with forward slashes; in no order. */
  readonly paths: readonly string[];
  /** Left out: leftovers of editors and systems. */
  readonly junk: readonly string[];
  readonly excluded: number;
  readonly faults: readonly UserError[];
}

export interface WalkOptions {
  /** Of the store: the length of keys is limited. */
  readonly prefix: string;
  readonly isExcluded: PathTest;
  /** Yields to the event loop; rejects on abort. */
  readonly pause: () => Promise<void>;
}

interface Folder {
  /** '' or with a slash at its end. */
  readonly path: string;
  /** With symbolic links resolved. */
  readonly real: string;
  /** Real paths of the folder and its parents. */
  readonly above: readonly string[];
}

/** Every file below a folder; links within it are followed. */
export async function walk(root: string, { prefix, isExcluded, pause }: WalkOptions): Promise<Walked> {
  const top = realpathSync(root);
  const paths: string[] = [];
  const junk: string[] = [];
  const faults: UserError[] = [];
  let excluded = 0;
  const folders: Folder[] = [{ path: '', real: top, above: [top] }];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    await pause();
    for (const entry of entriesOf(root, folder, faults)) {
      const path = folder.path + entry.name;
      if (isExcluded(path)) {
        excluded++;
        continue;
      }
      const fault = nameFault(entry.name, path) ?? pathFault(path, prefix);
      if (fault !== undefined) faults.push(fault);
      else if (isJunk(entry.name)) junk.push(path);
      else if (entry.isFile()) paths.push(path);
      else if (entry.isDirectory()) folders.push(below(folder, path, join(folder.real, entry.name)));
      else if (entry.isSymbolicLink()) {
        const target = follow(folder, entry.name, path, top);
        if ('fault' in target) faults.push(target.fault);
        else if (target.stats.isDirectory()) folders.push(below(folder, path, target.real));
        else paths.push(path);
      } else faults.push(notAFile(path));
    }
  }
  return { paths, junk, excluded, faults };
}

function below({ above }: Folder, path: string, real: string): Folder {
  return { path: `${path}/`, real, above: [...above, real] };
}

function entriesOf(root: string, { path }: Folder, faults: UserError[]): Dirent[] {
  try {
    return readdirSync(join(root, path), { withFileTypes: true });
  } catch (error) {
    faults.push(distFault(`The folder ${shown(path) || root} cannot be read: ${messageOf(error)}`));
    return [];
  }
}

type Target = { readonly real: string; readonly stats: Stats } | { readonly fault: UserError };

function follow(folder: Folder, name: string, path: string, top: string): Target {
  const refuse = (why: string) => ({
    fault: distFault(
      `${shown(path)} is a symbolic link ${why}`,
      'Replace the link with the file, or add it to cdn.exclude.',
    ),
  });
  let real: string;
  let stats: Stats;
  try {
    real = realpathSync(join(folder.real, name));
    stats = statSync(real);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ELOOP') return refuse('to itself');
    return refuse(code === 'ENOENT' ? 'to a missing file' : `that cannot be followed: ${messageOf(error)}`);
  }
  if (real !== top && !real.startsWith(top + sep)) return refuse(`to ${shown(real)}, outside the folder`);
  if (stats.isFile()) return { real, stats };
  if (!stats.isDirectory()) return { fault: notAFile(path) };
  // A link to one of its parent folders is an endless loop.
  const loops = folder.above.some((above) => above === real || above.startsWith(real + sep));
  return loops || dirname(real) === real ? refuse('to one of its parent folders') : { real, stats };
}

function notAFile(path: string): UserError {
  return distFault(
    `${shown(path)} is neither a file nor a folder (a socket, a pipe or a device)`,
    'Remove it from the folder, or add it to cdn.exclude.',
  );
}
