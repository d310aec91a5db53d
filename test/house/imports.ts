import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Problem, problemsOf, type Source } from './rules.ts';

/** Holds a checkout against the rules of the house (rules.ts). */
export function houseProblems(root: string): readonly Problem[] {
  const paths = globSync(['src/**/*.ts', 'scripts/**/*.ts', 'test/**/*.ts'], { cwd: root }).sort();
  return problemsOf(paths.map((path): Source => ({ path, text: readFileSync(join(root, path), 'utf8') })));
}

export const root = resolve(import.meta.dirname, '../..');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = houseProblems(root);
  for (const { at, message } of problems) console.error(`${at}: ${message}`);
  console.log(problems.length === 0 ? 'house: in order' : `house: ${problems.length} to mend`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
