import type { Place } from '../../kernel/errors.ts';
import { folderOf, inFolder, type Repo } from '../repo.ts';
import { type JsonReading, readJson, recordOf, textsOf } from './json-text.ts';
import { isWorkspace, managerOf, type NodeManager, workspacePatterns } from './node-manager.ts';

/** A folder with a package.json. */
export interface NodeProject {
  /** From the top of the repository; `''` is the top. */
  readonly folder: string;
  /** Its package.json, from the top of the repository. */
  readonly file: string;
  readonly scripts: Readonly<Record<string, string>>;
  /** Version ranges by package, as its own package.json declares them. */
  readonly own: Readonly<Record<string, string>>;
  /** The same with those of its workspace root: node finds these, too. */
  readonly packages: Readonly<Record<string, string>>;
  /** Folder the packages are installed in: its own, or that of its workspace root. */
  readonly root: string;
  readonly manager: NodeManager;
  /** Whether anything must be installed before its tools can run. */
  readonly hasPackages: boolean;
  /** Scripts of the package.json in that folder. */
  readonly rootScripts: Readonly<Record<string, string>>;
  /** Packages whose install scripts the repository allows. */
  readonly allowedScripts: readonly string[];
  readonly configs: NodeConfigs;
  /** Why the package.json cannot be used; the other fields are empty then. */
  readonly fault?: { readonly message: string; readonly at: Place };
}

/** Configuration of tools in the project's own folder: the file, from the top of the repository. */
interface NodeConfigs {
  readonly eslint?: string;
  readonly tsc?: string;
  readonly prettier?: string;
  readonly biome?: string;
  readonly vitest?: string;
  readonly jest?: string;
}

interface Manifest {
  readonly folder: string;
  readonly file: string;
  readonly text: string;
  readonly reading: JsonReading;
}

/** Third-party packages, and files that are invalid on purpose. */
const foreign = /(?:^|\/)(?:node_modules|bower_components|vendor|fixtures|__fixtures__|testdata)\//;

/** Every tool needs them, and the repository does not change during a run. */
const known = new WeakMap<Repo, readonly NodeProject[]>();

/** All projects with a package.json, by folder. */
export function nodeProjects(repo: Repo): readonly NodeProject[] {
  const found = known.get(repo) ?? findProjects(repo);
  known.set(repo, found);
  return found;
}

function findProjects(repo: Repo): readonly NodeProject[] {
  const manifests = repo.files
    .filter((path) => /(?:^|\/)package\.json$/.test(path) && !foreign.test(path))
    .flatMap((file): Manifest[] => {
      const text = repo.read(file);
      return text === undefined ? [] : [{ folder: folderOf(file), file, text, reading: readJson(text) }];
    });
  const roots = manifests
    .map((manifest) => ({
      ...manifest,
      patterns: workspacePatterns(repo, manifest.folder, contentOf(manifest)),
    }))
    .filter(({ patterns }) => patterns.length > 0);
  return manifests.map((manifest) => {
    const root = roots.find(({ folder, patterns }) => isWorkspace(folder, patterns, manifest.folder));
    return project(repo, manifest, root ?? manifest);
  });
}

function project(repo: Repo, manifest: Manifest, root: Manifest): NodeProject {
  const { folder, file } = manifest;
  const value = recordOf(contentOf(manifest));
  const own = dependenciesOf(value);
  const packages = { ...dependenciesOf(recordOf(contentOf(root))), ...own };
  const fault = faultOf(manifest);
  return {
    folder,
    file,
    scripts: textsOf(value['scripts']),
    own,
    packages,
    root: root.folder,
    rootScripts: textsOf(recordOf(contentOf(root))['scripts']),
    manager: managerOf(repo, root.folder, contentOf(root)),
    hasPackages: Object.keys(packages).length > 0,
    allowedScripts: allowedScripts(recordOf(contentOf(root))),
    configs: fault === undefined ? configsOf(repo, folder, value) : {},
    ...(fault === undefined ? {} : { fault }),
  };
}

function contentOf({ reading }: Manifest): unknown {
  return 'value' in reading ? reading.value : undefined;
}

function faultOf({ file, reading }: Manifest): NodeProject['fault'] {
  if ('fault' in reading) return { message: `${reading.fault}.`, at: { file, line: reading.line } };
  const { value } = reading;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return undefined;
  return { message: 'The file must contain a JSON object.', at: { file, line: 1 } };
}

function dependenciesOf(manifest: Readonly<Record<string, unknown>>): Record<string, string> {
  return {
    ...textsOf(manifest['optionalDependencies']),
    ...textsOf(manifest['dependencies']),
    ...textsOf(manifest['devDependencies']),
  };
}

/**
 * npm's `allowScripts` (name or name@version → true), pnpm's `onlyBuiltDependencies` and bun's `trustedDependencies` all
 * name packages whose scripts the authors of package.json have approved.
 */
function allowedScripts(manifest: Readonly<Record<string, unknown>>): readonly string[] {
  const byName = (value: unknown) =>
    Object.entries(recordOf(value)).flatMap(([name, allowed]) =>
      allowed === true ? [name.replace(/(?<=.)@[\s\S]*$/, '')] : [],
    );
  const listed = [manifest['trustedDependencies'], recordOf(manifest['pnpm'])['onlyBuiltDependencies']];
  const names = [
    ...byName(manifest['allowScripts']),
    ...byName(recordOf(manifest['lavamoat'])['allowScripts']),
    ...listed.flatMap((list) => (Array.isArray(list) ? list.filter((item) => typeof item === 'string') : [])),
  ];
  // A name goes to npm as an argument: it must not be an option.
  return [...new Set(names)].filter((name) => /^(?:@[\w.-]+\/)?\w[\w.-]*$/.test(name)).sort();
}

const script = '(?:js|cjs|mjs|ts|cts|mts)';
const configFiles: Readonly<Record<keyof NodeConfigs, RegExp>> = {
  eslint: new RegExp(`^(?:eslint\\.config\\.${script}|\\.eslintrc(?:\\.(?:js|cjs|json|ya?ml))?)$`),
  tsc: /^tsconfig\.json$/,
  prettier: new RegExp(
    `^(?:prettier\\.config\\.${script}|\\.prettierrc(?:\\.(?:json5?|ya?ml|toml|${script}))?)$`,
  ),
  biome: /^\.?biome\.jsonc?$/,
  vitest: new RegExp(`^(?:vitest\\.config\\.${script}|vitest\\.workspace\\.(?:json|${script}))$`),
  jest: new RegExp(`^jest\\.config\\.(?:json|${script})$`),
};
const manifestKeys: Partial<Readonly<Record<keyof NodeConfigs, string>>> = {
  eslint: 'eslintConfig',
  prettier: 'prettier',
  jest: 'jest',
};

function configsOf(repo: Repo, folder: string, manifest: Readonly<Record<string, unknown>>): NodeConfigs {
  const names = repo.files
    .filter((path) => folderOf(path) === folder)
    .map((path) => path.slice(folder.length).replace(/^\//, ''));
  const found = Object.entries(configFiles).flatMap(([tool, pattern]) => {
    const key = manifestKeys[tool as keyof NodeConfigs];
    const name =
      names.find((file) => pattern.test(file)) ??
      (key !== undefined && key in manifest ? 'package.json' : undefined);
    return name === undefined ? [] : [[tool, inFolder(folder, name)]];
  });
  return Object.fromEntries(found) as NodeConfigs;
}
