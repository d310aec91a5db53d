import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/**
 * A program on PATH, without a shell. Relative folders of PATH do not count: they are folders of the repository, and
 * untrusted code must not choose its checker.
 */
export function onPath(name: string, path: string | undefined): string | undefined {
  return (path ?? '')
    .split(':')
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, name))
    .find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
