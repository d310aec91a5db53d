import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

/** The example application, as it stands in this checkout. */
export const exampleFolder = join(import.meta.dirname, '../../../examples/bookreader');

export type Part = 'backend' | 'frontend';

/** Leftovers of tools that run in the checkout; they are no part of the application. */
const leftovers = new Set(['__pycache__', 'node_modules', '.venv']);

/**
 * Copies what a part's image is built from: its Dockerfile and what its .dockerignore lets through, and nothing of
 * what else may lie in the checkout.
 *
 * @param without file names to leave out, for versions that did not have them yet.
 */
export function copyContext(part: Part, folder: string, without: readonly string[] = []): void {
  const source = join(exampleFolder, part);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const name of ['Dockerfile', '.dockerignore', ...contextNames(source)]) {
    cpSync(join(source, name), join(folder, name), {
      recursive: true,
      filter: (path) => !leftovers.has(basename(path)) && !without.includes(basename(path)),
    });
  }
}

/** The example's .dockerignore files name what goes in, not what stays out. */
function contextNames(folder: string): string[] {
  const lines = readFileSync(join(folder, '.dockerignore'), 'utf8').split('\n');
  if (lines[0] !== '*')
    throw new Error(`${folder}/.dockerignore: expected "*" first, then the names with "!"`);
  return lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
}
