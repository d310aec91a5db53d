import { UserError } from '../../kernel/errors.ts';
import { folderOf, inFolder, type Repo } from '../repo.ts';
import {
  lockedRequirements,
  type PythonManifest,
  readLock,
  readManifest,
  readPipfile,
} from './python-manifest.ts';
import { forDevelopment, type Requirement, readRequirements } from './requirements.ts';

/** The packages that a project's checks need. */
export interface PythonInstall {
  /** Files that determine the environment, from the top of the repository: the same texts, the same environment. */
  readonly inputs: readonly string[];
  /** For `pip install -r`, in this order. */
  readonly files: readonly string[];
  /** Further requirements for pip, as PEP 508 writes them. */
  readonly requirements: readonly string[];
  /** Whether a package of the repository is built: that happens in a copy, as builds write beside their sources. */
  readonly buildsProject: boolean;
  readonly extras: readonly string[];
  readonly groups: readonly string[];
  readonly isWorkspace: boolean;
}

interface PlannedInstall {
  readonly manager: 'uv' | 'poetry' | 'pip';
  readonly install: PythonInstall;
  readonly dependencies: readonly Requirement[];
  readonly fault?: UserError;
}

/** @param members folders of the other projects of its uv workspace. */
export function planInstall(repo: Repo, folder: string, members: readonly string[]): PlannedInstall {
  const has = (name: string) => repo.files.includes(inFolder(folder, name));
  const manifests = [folder, ...members].map((member) => readManifest(repo, member));
  const own = manifests[0] as PythonManifest;
  if (has('uv.lock')) return byLock(repo, folder, 'uv', manifests, members);
  const files = requirementFiles(repo, folder);
  if (has('poetry.lock') || (own.isPoetry && files.length === 0)) {
    return byLock(repo, folder, 'poetry', manifests, members);
  }
  return byPip(repo, folder, own, files);
}

function byLock(
  repo: Repo,
  folder: string,
  manager: 'uv' | 'poetry',
  manifests: readonly PythonManifest[],
  members: readonly string[],
): PlannedInstall {
  const lockFile = inFolder(folder, `${manager}.lock`);
  const lock = readLock(repo, lockFile);
  const asked = manifests.flatMap(({ runtime, development }) => [...runtime, ...development]);
  const inputs = [lockFile, ...[folder, ...members].map((member) => inFolder(member, 'pyproject.toml'))];
  const [own] = manifests;
  return {
    manager,
    install: {
      inputs: inputs.filter((file) => repo.files.includes(file)),
      files: [],
      requirements: [],
      buildsProject: true,
      extras: own?.extras ?? [],
      groups: own?.groups ?? [],
      isWorkspace: members.length > 0,
    },
    dependencies: lockedRequirements(asked, lock instanceof UserError ? new Map() : lock),
    ...(lock instanceof UserError ? { fault: lock } : {}),
  };
}

function byPip(
  repo: Repo,
  folder: string,
  manifest: PythonManifest,
  files: readonly RequirementFile[],
): PlannedInstall {
  const pipfile = readPipfile(repo, folder);
  // Requirements files lock the dependencies of pyproject.toml; those for development may be in the latter only.
  const isLocked = files.length > 0 || pipfile.length > 0;
  const extra =
    files.some(({ isDevelopment }) => isDevelopment) || pipfile.length > 0 ? [] : manifest.development;
  const builds = !isLocked && (manifest.isPackage || repo.files.includes(inFolder(folder, 'setup.py')));
  const runtime = isLocked || builds ? [] : manifest.runtime;
  const requirements = [...pipfile, ...runtime, ...extra];
  const asked = [...requirements, ...(builds ? manifest.runtime : [])];
  const read = files.map(({ file }) => readRequirements(repo, file));
  const named = read.flatMap((requirementsFile) => requirementsFile.requirements);
  const names = new Set(named.map(({ name }) => name));
  const others = ['pyproject.toml', 'setup.py', 'setup.cfg'];
  return {
    manager: 'pip',
    install: {
      inputs: [
        ...new Set([
          ...read.flatMap((requirementsFile) => requirementsFile.files),
          ...(builds ? others.map((name) => inFolder(folder, name)) : []).filter((file) =>
            repo.files.includes(file),
          ),
        ]),
      ],
      files: files.map(({ file }) => file),
      requirements,
      buildsProject: builds || read.some(({ local }) => local),
      extras: builds ? manifest.extras : [],
      groups: [],
      isWorkspace: false,
    },
    dependencies: [...named, ...lockedRequirements(asked, new Map()).filter(({ name }) => !names.has(name))],
  };
}

interface RequirementFile {
  readonly file: string;
  readonly isDevelopment: boolean;
}

/**
 * The requirements files to install, in this order: that of the app, and those for development. One that names
 * everything that another does (pip-compile with an extra) replaces it.
 */
function requirementFiles(repo: Repo, folder: string): RequirementFile[] {
  const inside = inFolder(folder, 'requirements');
  const found = repo.files.flatMap((file) => {
    const parent = folderOf(file);
    if (parent !== folder && parent !== inside) return [];
    const name = file.slice(parent === '' ? 0 : parent.length + 1);
    const kind = kindOf(name, parent === inside && parent !== folder);
    return kind === undefined ? [] : [{ file, isDevelopment: kind === 'development' }];
  });
  const inOrder = found.sort((a, b) => Number(a.isDevelopment) - Number(b.isDevelopment));
  const texts = new Map(inOrder.map(({ file }) => [file, readRequirements(repo, file)]));
  const covers = (larger: string, smaller: string) => {
    const names = new Set(texts.get(larger)?.requirements.map(({ name }) => name));
    const other = texts.get(smaller);
    return other?.local === false && other.requirements.every(({ name }) => names.has(name));
  };
  return inOrder.filter(
    ({ file }, index) => !inOrder.some((other, at) => at > index && covers(other.file, file)),
  );
}

/** undefined for files with another purpose: `requirements-prod.txt`, `requirements-gpu.txt`. */
function kindOf(name: string, isInside: boolean): 'app' | 'development' | undefined {
  const part = isInside
    ? /^(.*)\.txt$/.exec(name)?.[1]
    : /^(?:requirements(?:[-_.](.+))?|(.+)[-_.]requirements)\.txt$/.exec(name)?.slice(1).join('');
  if (part === undefined) return undefined;
  if (/^(?:|base|common|main|requirements)$/.test(part)) return 'app';
  return forDevelopment.test(part) ? 'development' : undefined;
}
