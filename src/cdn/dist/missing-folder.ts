import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { UserError } from '../../kernel/errors.ts';
import { distFault } from './names.ts';

/** Usual output folders of builds. */
const usual = ['dist', 'build', 'out', 'public', '.output/public', '_site'];

/** UserError `cdn.dist` for a missing folder; it suggests existing ones. */
export function missingFolder(dist: string): UserError {
  const isFile = existsSync(dist);
  let around = dirname(dist);
  while (!existsSync(around)) around = dirname(around);
  const found = usual.filter((name) => {
    const folder = join(around, name);
    return (
      folder !== dist &&
      statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true &&
      hasFiles(folder)
    );
  });
  const places = found.map((name) => relative(dirname(around), join(around, name)));
  const [only] = places;
  return distFault(
    isFile ? `${dist} is a file: cdn.dist must name a folder` : `The folder ${dist} does not exist`,
    only === undefined
      ? 'Build the front end first. cdn.dist is relative to the folder of sluice.yml.'
      : `Build the front end first, or set cdn.dist to ${places.join(' or ')} (in ${basename(dirname(around)) || '/'}).`,
  );
}

function hasFiles(folder: string): boolean {
  try {
    return readdirSync(folder).length > 0;
  } catch {
    return false;
  }
}
