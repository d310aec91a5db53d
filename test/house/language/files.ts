import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { File } from './model.ts';

/** Files whose words are judged. The schema and generated pages are judged where their texts are written. */
const spoken = [
  'src/**/*.ts',
  'scripts/**/*.ts',
  'docs/**/*.md',
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'action.yml',
  'actions/*/*.{yml,md}',
  'workflows/**/*.yml',
  '.github/**/*.{yml,md}',
  'edge/*',
  'examples/**/README.md',
];

export const pages = ['docs/**/*.md', '*.md', 'actions/*/README.md'];

/** The files of a checkout that people read; `paths` are files or folders of it, none for all. */
export function spokenFiles(root: string, paths: readonly string[] = []): File[] {
  return filesOf(root, spoken, paths);
}

export function filesOf(root: string, globs: readonly string[], paths: readonly string[] = []): File[] {
  const wanted = paths.map((path) => path.replace(/^\.\/|\/+$/g, ''));
  const isWanted = (path: string) =>
    wanted.length === 0 || wanted.some((one) => one === '.' || path === one || path.startsWith(`${one}/`));
  return globSync([...globs], { cwd: root })
    .filter(isWanted)
    .filter((path) => !path.includes('node_modules'))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}
