import { isAbsolute, join, posix, relative } from 'node:path';
import type { Repo } from '../repo.ts';
import type { App } from './app.ts';
import { type ExampleFile, entriesOf, isExample } from './example-files.ts';

/** An env file with values that something runs with. */
export interface ValueFile extends ExampleFile {
  /** `production` unless its name says otherwise. */
  readonly purpose: 'production' | 'development';
  /** In the repository, or about to be: git does not ignore it. */
  readonly committed: boolean;
}

const envFolder = /(?:^|\/)\.envs\//;
const envName = /^\.env(?:\.[\w.-]+)?$|^[\w.-]+\.env$/;
const development =
  /(?:^|[._-])(?:dev|devel|development|local|test|tests|testing|ci|e2e|sample|docker)(?:[._-]|$)/i;

/** Env files of the repository, and those that the targets of sluice.yml take their variables from. */
export function valueFiles({ repo, config }: App): ValueFile[] {
  const committed = repo.files.filter(
    (file) =>
      (envName.test(posix.basename(file)) || envFolder.test(file)) &&
      !isExample(file) &&
      !/(?:^|\/)(?:fixtures|testdata|node_modules)\//.test(file),
  );
  const sources = Object.values(config?.targets ?? {}).flatMap(({ env }) => env);
  const targets = sources
    .flatMap((source) => (source.kind === 'file' ? [source.path] : []))
    .map((path) => below(repo, config?.folder ?? '', path));
  return [...new Set([...committed, ...targets.filter((path) => path !== undefined)])].flatMap((path) => {
    const text = repo.read(path);
    if (text === undefined) return [];
    const isTarget = targets.includes(path);
    const purpose =
      !isTarget && development.test(envFolder.test(path) ? path.replaceAll('/', '.') : posix.basename(path))
        ? 'development'
        : 'production';
    return [{ path, entries: entriesOf(text), purpose, committed: repo.files.includes(path) }];
  });
}

/** @returns undefined for a file outside the repository. */
function below(repo: Repo, folder: string, path: string): string | undefined {
  const found = relative(repo.root, isAbsolute(path) ? path : join(folder, path)).replaceAll('\\', '/');
  return found.startsWith('..') ? undefined : found;
}
