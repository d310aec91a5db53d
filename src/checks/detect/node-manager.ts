import { posix } from 'node:path';
import { parseDocument } from 'yaml';
import { inFolder, type Repo } from '../repo.ts';
import { recordOf, textList } from './json-text.ts';

type ManagerName = 'npm' | 'pnpm' | 'yarn' | 'bun';

/** The package manager of a folder. */
export interface NodeManager {
  readonly name: ManagerName;
  /** Yarn from 2 on, which shares little with Yarn 1 but its name. */
  readonly berry: boolean;
  /** Version that `packageManager` of package.json asks for. */
  readonly version?: string;
  /** Lock file from the top of the repository. */
  readonly lock?: string;
  /** Yarn without node_modules: packages stay zipped, and Yarn must start every program that uses them. */
  readonly plugAndPlay: boolean;
  /** Script that .yarnrc.yml names: Yarn itself, kept in the repository. */
  readonly yarnPath?: string;
}

const locks: readonly (readonly [ManagerName, readonly string[]])[] = [
  ['pnpm', ['pnpm-lock.yaml']],
  ['yarn', ['yarn.lock']],
  ['npm', ['package-lock.json', 'npm-shrinkwrap.json']],
  ['bun', ['bun.lock', 'bun.lockb']],
];

/**
 * By `packageManager` (or `devEngines`) of package.json, else by the lock file, else npm.
 *
 * @param manifest content of the folder's package.json.
 */
export function managerOf(repo: Repo, folder: string, manifest: unknown): NodeManager {
  const [, named, version] = /^(npm|pnpm|yarn|bun)@(\d[^+]*)/.exec(namedManager(manifest)) ?? [];
  const found = locks.flatMap(([name, files]) =>
    files.map((file) => inFolder(folder, file)).flatMap((lock) => (has(repo, lock) ? [{ name, lock }] : [])),
  );
  const name = (named as ManagerName | undefined) ?? found[0]?.name ?? 'npm';
  const lock = found.find((one) => one.name === name)?.lock;
  const common = {
    name,
    ...(version === undefined ? {} : { version }),
    ...(lock === undefined ? {} : { lock }),
  };
  if (name !== 'yarn') return { ...common, berry: false, plugAndPlay: false };

  const settings = repo.read(inFolder(folder, '.yarnrc.yml')) ?? '';
  const lockText = lock === undefined ? '' : (repo.read(lock) ?? '');
  const berry =
    version === undefined ? /^__metadata:/m.test(lockText) || settings !== '' : !version.startsWith('1.');
  const yarnPath = /^yarnPath:\s*["']?([^"'\s]+)/m.exec(settings)?.[1];
  return {
    ...common,
    berry,
    plugAndPlay: berry && !/^nodeLinker:\s*["']?(?:node-modules|pnpm)\b/m.test(settings),
    ...(yarnPath === undefined ? {} : { yarnPath: inFolder(folder, yarnPath.replace(/^\.\//, '')) }),
  };
}

function namedManager(manifest: unknown): string {
  const { packageManager, devEngines } = recordOf(manifest);
  if (typeof packageManager === 'string') return packageManager;
  const { name, version } = recordOf(recordOf(devEngines)['packageManager']);
  return `${String(name)}@${String(version ?? '').replace(/^[^\d]*/, '')}`;
}

function has(repo: Repo, path: string): boolean {
  return repo.files.includes(path);
}

/**
 * Patterns of the folders whose packages are installed together with those of `folder`; none if it is not a workspace
 * root. npm and Yarn keep them in package.json, pnpm in pnpm-workspace.yaml.
 */
export function workspacePatterns(repo: Repo, folder: string, manifest: unknown): readonly string[] {
  const pnpm = repo.read(inFolder(folder, 'pnpm-workspace.yaml'));
  if (pnpm !== undefined) return textList(recordOf(yamlOf(pnpm))['packages']);
  const { workspaces } = recordOf(manifest);
  return textList(Array.isArray(workspaces) ? workspaces : recordOf(workspaces)['packages']);
}

/** @param inner folder of a package, from the top of the repository. */
export function isWorkspace(root: string, patterns: readonly string[], inner: string): boolean {
  if (root !== '' && !inner.startsWith(`${root}/`)) return false;
  const path = root === '' ? inner : inner.slice(root.length + 1);
  const matches = (pattern: string) => globOf(pattern.replace(/^!/, '')).test(path);
  const named = patterns.filter((pattern) => !pattern.startsWith('!'));
  const excluded = patterns.filter((pattern) => pattern.startsWith('!'));
  return named.some(matches) && !excluded.some(matches);
}

function globOf(pattern: string): RegExp {
  const plain = posix.normalize(pattern).replace(/\/$/, '');
  const source = plain
    .split(/(\*\*\/?|\*|\?|\{[^{}]*\})/)
    .map((part) => {
      if (part === '**/') return '(?:.*/)?';
      if (part === '**') return '.*';
      if (part === '*') return '[^/]*';
      if (part === '?') return '[^/]';
      if (/^\{.*\}$/.test(part)) return `(?:${part.slice(1, -1).split(',').map(literal).join('|')})`;
      return literal(part);
    })
    .join('');
  return new RegExp(`^${source}$`);
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function yamlOf(text: string): unknown {
  const document = parseDocument(text);
  return document.errors.length > 0 ? undefined : (document.toJS() as unknown);
}
