import { posix } from 'node:path';
import { parseEnvFile } from '../../../config/env/env-file.ts';
import { folderOf, inFolder, type Repo } from '../../repo.ts';

/** An env file that people copy, as it is in the repository. */
export interface ExampleFile {
  readonly path: string;
  readonly entries: readonly { readonly name: string; readonly value: string; readonly line: number }[];
}

/** Words that make an env file one to copy: `.env.example`, `.env.dist`, `env.sample`, `.env.prod.example`, `sample.env`. */
const exampleWords = new Set(
  'example examples sample samples template templates tmpl tpl dist default defaults skeleton skel stub'.split(
    ' ',
  ),
);

/** Whether a file is an env file for people to copy. */
export function isExample(path: string): boolean {
  const parts = posix.basename(path).toLowerCase().split(/[._-]/);
  return parts.includes('env') && parts.some((part) => exampleWords.has(part));
}

export function exampleFiles(repo: Repo): readonly ExampleFile[] {
  return repo.files
    .filter((path) => isExample(path) && !/(?:^|\/)(?:node_modules|vendor|fixtures|testdata)\//.test(path))
    .flatMap((path) => {
      const text = repo.read(path);
      return text === undefined ? [] : { path, entries: entriesOf(text) };
    });
}

/** The example for servers: beside the compose files or at the top, with the plainest name. */
export function mainExample(all: readonly ExampleFile[], folder: string): ExampleFile | undefined {
  const near = all.filter(({ path }) => [folder, ''].includes(folderOf(path)));
  const exact = near.find(({ path }) => path === inFolder(folder, '.env.example'));
  const rank = ({ path }: ExampleFile) =>
    posix.basename(path).split(/[._-]/).length + (/dev|test|local|ci\b/i.test(path) ? 10 : 0);
  return exact ?? near.toSorted((a, b) => rank(a) - rank(b))[0];
}

/**
 * Names that a text documents: assignments, also commented ones (`#export REDIS_URL=…`, `# TZ=`) and those of a file that
 * is malformed elsewhere.
 */
export function documentedIn(text: string): string[] {
  return [...text.matchAll(/^[ \t#]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=/gm)].map(([, name = '']) => name);
}

/** Assignments of an env file; of a malformed one only those on a single line. */
export function entriesOf(text: string): ExampleFile['entries'] {
  try {
    const file = parseEnvFile(text, '.env', { interpolate: false });
    const inherited = file.inherited.map(({ name, line }) => ({ name, value: '', line }));
    return [...file.entries, ...inherited].map(({ name, value, line }) => ({ name, value, line }));
  } catch {
    return text.split(/\r?\n/).flatMap((line, index) => {
      const [, name, value = ''] = /^\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)$/.exec(line) ?? [];
      return name === undefined
        ? []
        : [{ name, value: value.trim().replace(/^(["'])(.*)\1$/, '$2'), line: index + 1 }];
    });
  }
}
