import type { TomlTable } from 'smol-toml';
import { UserError } from '../../kernel/errors.ts';
import { folderOf, inFolder, type Repo } from '../repo.ts';
import { type PythonInstall, planInstall } from './python-install.ts';
import { readManifest } from './python-manifest.ts';
import type { Requirement } from './requirements.ts';
import { readToml, texts } from './toml.ts';

/** A folder of Python code with its own packages and tool settings. */
export interface PythonProject {
  /** From the top of the repository; `''` is the top. */
  readonly folder: string;
  readonly manager: 'uv' | 'poetry' | 'pip';
  readonly install: PythonInstall;
  /** Packages that the install names, with the locked version where there is one. */
  readonly dependencies: ReadonlyMap<string, Requirement>;
  /** `>=3.11`. */
  readonly requiresPython?: string;
  /** From .python-version: `3.12`. */
  readonly pinnedPython?: string;
  /** Empty when there is none. */
  readonly pyproject: TomlTable;
  /** Why none of the project's tools can run: a file that cannot be read. */
  readonly fault?: UserError;
  /** Python files that belong to it and not to a project within it; and those of them that are tests for pytest. */
  readonly sources: readonly string[];
  readonly tests: readonly string[];
  /** Folders of the projects within it. */
  readonly nested: readonly string[];
  /** Folders that its modules are imported from: `backend`, `backend/src`. */
  readonly roots: readonly string[];
}

const manifest =
  /^(?:pyproject\.toml|setup\.py|setup\.cfg|Pipfile|uv\.lock|poetry\.lock|(?:(?!requirements).)*requirements.*\.txt)$/;
const python = /\.pyi?$/;
const test = /(?:^|\/)(?:test_[^/]*|[^/]*_test)\.py$/;

const known = new WeakMap<Repo, readonly PythonProject[]>();

/** The Python projects of a repository, by folder. One without any manifest is one project, at its top. */
export function pythonProjects(repo: Repo): readonly PythonProject[] {
  const found = known.get(repo) ?? findProjects(repo);
  known.set(repo, found);
  return found;
}

function findProjects(repo: Repo): PythonProject[] {
  const sources = repo.files.filter((file) => python.test(file));
  if (sources.length === 0) return [];
  const marked = [...new Set(repo.files.flatMap(manifestFolder))];
  const members = new Map(marked.map((folder) => [folder, workspaceMembers(repo, folder, marked)]));
  const inWorkspaces = new Set([...members.values()].flat());
  const folders = marked.filter((folder) => !inWorkspaces.has(folder) && !isDocs(folder, marked)).sort();
  const owned = new Map(folders.map((folder) => [folder, [] as string[]]));
  for (const source of sources) owned.get(ownerOf(source, folders) ?? '')?.push(source);
  const projects = folders.flatMap((folder) => {
    const own = owned.get(folder) ?? [];
    const nested = folders.filter((other) => other !== folder && isWithin(other, folder));
    return own.length === 0 ? [] : [project(repo, folder, own, members.get(folder) ?? [], nested)];
  });
  return projects.length === 0 ? [project(repo, '', sources, [], [])] : projects;
}

/** The project folder of a manifest; for `requirements/dev.txt` it is the folder above. */
function manifestFolder(file: string): string[] {
  const folder = folderOf(file);
  const name = file.slice(folder === '' ? 0 : folder.length + 1);
  if (/(?:^|\/)requirements$/.test(folder) && name.endsWith('.txt')) return [folderOf(folder)];
  return manifest.test(name) ? [folder] : [];
}

/** Requirements of documentation do not make a project beside the one they document. */
function isDocs(folder: string, marked: readonly string[]): boolean {
  return /(?:^|\/)docs?$/.test(folder) && marked.includes(folderOf(folder));
}

function ownerOf(source: string, folders: readonly string[]): string | undefined {
  return folders.findLast((folder) => isWithin(source, folder));
}

function isWithin(path: string, folder: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`);
}

/** The projects that a uv workspace installs together with its top. */
function workspaceMembers(repo: Repo, folder: string, marked: readonly string[]): string[] {
  const pyproject = readToml(repo, inFolder(folder, 'pyproject.toml'));
  if (pyproject === undefined || pyproject instanceof UserError) return [];
  const globs = (key: string) =>
    texts(pyproject, 'tool', 'uv', 'workspace', key).map((glob) => folderPattern(inFolder(folder, glob)));
  const [members, exclude] = [globs('members'), globs('exclude')];
  return marked.filter(
    (other) =>
      other !== folder &&
      members.some((glob) => glob.test(other)) &&
      !exclude.some((glob) => glob.test(other)),
  );
}

function folderPattern(glob: string): RegExp {
  const source = glob
    .replace(/(?<!\/)\/+$/, '')
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replace(/\*\*\/?|\*|\?/g, (wild) => (wild === '?' ? '[^/]' : wild === '*' ? '[^/]*' : '.*'));
  return new RegExp(`^${source}$`);
}

function project(
  repo: Repo,
  folder: string,
  sources: readonly string[],
  members: readonly string[],
  nested: readonly string[],
): PythonProject {
  const { pyproject, ...facts } = readManifest(repo, folder);
  const { manager, install, dependencies, fault: lockFault } = planInstall(repo, folder, members);
  const fault = facts.fault ?? lockFault;
  const pinnedPython = /^\d[\d.]*$/m.exec(repo.read(inFolder(folder, '.python-version')) ?? '')?.[0];
  return {
    folder,
    manager,
    install,
    dependencies: new Map(dependencies.map((dependency) => [dependency.name, dependency])),
    ...(facts.requiresPython === undefined ? {} : { requiresPython: facts.requiresPython }),
    ...(pinnedPython === undefined ? {} : { pinnedPython }),
    pyproject,
    ...(fault === undefined ? {} : { fault }),
    sources,
    tests: sources.filter((file) => test.test(file)),
    nested,
    roots: [folder, ...members].map((member) => rootOf(member, sources)),
  };
}

function rootOf(folder: string, sources: readonly string[]): string {
  const src = inFolder(folder, 'src');
  const hasPackages = sources.some((file) => file.startsWith(`${src}/`));
  return hasPackages && !sources.includes(`${src}/__init__.py`) ? src : folder;
}

/**
 * The paths of the project, for a tool that walks folders itself: `.`, or if it contains other projects, the largest
 * folders and the files without any of them. Relative to its folder.
 *
 * @param files its sources, or some of them.
 */
export function targets({ folder, nested }: PythonProject, files: readonly string[]): string[] {
  if (nested.length === 0) return ['.'];
  const found = files.map((file) => {
    const steps = file.slice(folder === '' ? 0 : folder.length + 1).split('/');
    const prefixes = steps.map((_, index) => steps.slice(0, index + 1).join('/'));
    return prefixes.find((path) => !nested.some((other) => isWithin(other, inFolder(folder, path)))) ?? file;
  });
  // A name that begins with a dash would be read as an option.
  return [...new Set(found)].map((path) => (path.startsWith('-') ? `./${path}` : path));
}

/** Kept, as every tool searches it for every project: there may be hundreds of them among 50,000 files. */
const sets = new WeakMap<Repo, ReadonlySet<string>>();

function fileSet(repo: Repo): ReadonlySet<string> {
  const known = sets.get(repo) ?? new Set(repo.files);
  sets.set(repo, known);
  return known;
}

/** The first of some files that is in the folder of a project or in one above it, as tools look for their settings. */
export function nearest(repo: Repo, folder: string, names: readonly string[]): string | undefined {
  const files = fileSet(repo);
  for (let at = folder; ; at = folderOf(at)) {
    const found = names.map((name) => inFolder(at, name)).find((file) => files.has(file));
    if (found !== undefined || at === '') return found;
  }
}
