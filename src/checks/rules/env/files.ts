import { isAbsolute, join, posix, relative } from 'node:path';
import { hasComposeName } from '../../../config/compose/choice/names.ts';
import { folderOf, inFolder, type Repo } from '../../repo.ts';
import type { App } from '../app.ts';
import { isAsideFolder } from '../aside.ts';
import { isLoose } from '../compose/document.ts';
import { pathFrom } from '../compose/shape.ts';
import { type ExampleFile, entriesOf, isExample } from './example-files.ts';

/** An env file with real values. */
export interface ValueFile extends ExampleFile {
  /** `elsewhere`: another way to run the app; `unknown`: its reader is unknown. */
  readonly purpose: 'production' | 'development' | 'elsewhere' | 'unknown';
  /** In the repository, or a new file that git does not ignore. */
  readonly committed: boolean;
}

const envFolder = /(?:^|\/)\.envs\//;
const envName = /^\.env(?:\.[\w.-]+)?$|^[\w.-]+\.env$/;
const development =
  /(?:^|[._-])(?:dev|devel|development|devcontainer|local|test|tests|testing|ci|e2e|sample|docker)(?:[._-]|$)/i;
const production = /(?:^|[._-])(?:prod|production|live)(?:[._-]|$)/i;

/** Env files of the repository, and those that the targets of sluice.yml take their variables from. */
export function valueFiles(app: App): ValueFile[] {
  const { repo, config } = app;
  const committed = repo.files.filter(
    (file) =>
      (envName.test(posix.basename(file)) || envFolder.test(file)) &&
      !isExample(file) &&
      !/(?:^|\/)(?:fixtures|testdata|node_modules|vendor)\//.test(file),
  );
  const sources = Object.values(config?.targets ?? {}).flatMap(({ env }) => env);
  const targets = sources
    .flatMap((source) => (source.kind === 'file' ? [source.path] : []))
    .map((path) => below(repo, config?.folder ?? '', path));
  const read = new Set([...targets, ...readByCompose(app)]);
  return [...new Set([...committed, ...targets.filter((path) => path !== undefined)])].flatMap((path) => {
    const text = repo.read(path);
    if (text === undefined) return [];
    const purpose = targets.includes(path) ? 'production' : purposeOf(path, read, app);
    return [{ path, entries: entriesOf(text), purpose, committed: repo.files.includes(path) }];
  });
}

function purposeOf(path: string, read: ReadonlySet<string | undefined>, app: App): ValueFile['purpose'] {
  const name = envFolder.test(path) ? path.replaceAll('/', '.') : posix.basename(path);
  if (read.has(path)) return 'production';
  if (development.test(name) || isAsideFolder(path)) return 'development';
  if (production.test(name)) return 'production';
  return isOtherWay(folderOf(path), app) ? 'elsewhere' : 'unknown';
}

/** A folder with its own compose files or Dockerfiles, none of which production uses. */
function isOtherWay(folder: string, { repo, project, images, idle }: App): boolean {
  const used = [...(project?.all ?? []), ...images].map(({ path }) => folderOf(path));
  const isBelow = (file: string) => file === folder || file.startsWith(`${folder}/`);
  if (folder === '' || project === undefined || used.some(isBelow)) return false;
  return [...idle, ...repo.files.filter(hasComposeName)].some((path) => folderOf(path) === folder);
}

/** The `.env` beside the compose files, which Compose reads by default, and the `env_file`s of services. */
function readByCompose({ project }: App): string[] {
  if (project === undefined) return ['.env'];
  return project.all.flatMap(({ path, services }) => [
    inFolder(folderOf(path), '.env'),
    ...Object.values(services).flatMap(({ env_file: files }) =>
      (Array.isArray(files) ? files : [files]).flatMap((file: unknown) => {
        const name = isLoose(file) ? file['path'] : file;
        return typeof name === 'string' ? [pathFrom(folderOf(path), name)] : [];
      }),
    ),
  ]);
}

/** @returns undefined for a file outside the repository. */
function below(repo: Repo, folder: string, path: string): string | undefined {
  const found = relative(repo.root, isAbsolute(path) ? path : join(folder, path)).replaceAll('\\', '/');
  return found.startsWith('..') ? undefined : found;
}
