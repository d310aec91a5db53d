import type { TomlTable } from 'smol-toml';
import { UserError } from '../../kernel/errors.ts';
import { inFolder, type Repo } from '../repo.ts';
import { forDevelopment, packageName, type Requirement, readRequirement } from './requirements.ts';
import { part, parts, readToml, texts } from './toml.ts';

/** The content of a pyproject.toml in any of its dialects (PEP 621, PEP 735, uv, Poetry). */
export interface PythonManifest {
  readonly pyproject: TomlTable;
  /** Why the file cannot be read. */
  readonly fault?: UserError;
  readonly requiresPython?: string;
  /** Whether it defines how to build a package; an app often does not. */
  readonly isPackage: boolean;
  /** Dependencies of the project itself and of its development, as PEP 508 writes them. */
  readonly runtime: readonly string[];
  readonly development: readonly string[];
  /** Extras and groups for development: `dev`, `test`, `lint`. */
  readonly extras: readonly string[];
  readonly groups: readonly string[];
  readonly isPoetry: boolean;
}

export function readManifest(repo: Repo, folder: string): PythonManifest {
  const file = inFolder(folder, 'pyproject.toml');
  const read = readToml(repo, file);
  if (read instanceof UserError) return { ...brokenManifest(repo.read(file) ?? ''), fault: read };
  const pyproject = read ?? {};
  const project = part(pyproject, 'project');
  const extras = part(project, 'optional-dependencies');
  const extraNames = Object.keys(extras).filter((name) => forDevelopment.test(name));
  const groups = part(pyproject, 'dependency-groups');
  const groupNames = Object.keys(groups).filter((name) => forDevelopment.test(name));
  const poetry = poetryOf(pyproject);
  const setup = readSetup(repo.read(inFolder(folder, 'setup.cfg')) ?? '');
  const requiresPython = texts(project, 'requires-python')[0] ?? poetry.requiresPython;
  return {
    pyproject,
    ...(requiresPython === undefined ? {} : { requiresPython }),
    isPackage: 'build-system' in pyproject || setup.isPackage,
    runtime: [...texts(project, 'dependencies'), ...poetry.runtime, ...setup.runtime],
    development: [
      ...extraNames.flatMap((name) => texts(extras, name)),
      ...groupNames.flatMap((name) => groupOf(groups, name)),
      ...texts(pyproject, 'tool', 'uv', 'dev-dependencies'),
      ...poetry.development,
      ...setup.development,
    ],
    extras: [...extraNames, ...setup.extras],
    groups: groupNames,
    isPoetry: poetry.isPoetry,
  };
}

/** The checks that a broken file mentions are planned, and then did not run because of it. */
function brokenManifest(text: string): PythonManifest {
  const named = new Set(text.match(/\b(?:ruff|black|mypy|pytest)\b/g));
  return {
    pyproject: {},
    isPackage: false,
    runtime: [],
    development: [...named],
    extras: [],
    groups: [],
    isPoetry: false,
  };
}

/** The requirements of a group of PEP 735 and of the groups that it includes. */
function groupOf(groups: unknown, name: string, seen: readonly string[] = []): string[] {
  if (seen.includes(name)) return [];
  const included = parts(groups, name).flatMap((entry) => texts(entry, 'include-group'));
  return [...texts(groups, name), ...included.flatMap((other) => groupOf(groups, other, [...seen, name]))];
}

function poetryOf(pyproject: TomlTable) {
  const poetry = part(pyproject, 'tool', 'poetry');
  const dependencies = part(poetry, 'dependencies');
  const groups = Object.values(part(poetry, 'group')).filter(
    (group) => part({ group }, 'group')['optional'] !== true,
  );
  const development = [
    part(poetry, 'dev-dependencies'),
    ...groups.map((group) => part({ group }, 'group', 'dependencies')),
  ];
  const requiresPython = texts(dependencies, 'python')[0];
  return {
    isPoetry:
      Object.keys(dependencies).length > 0 || development.some((table) => Object.keys(table).length > 0),
    ...(requiresPython === undefined ? {} : { requiresPython }),
    runtime: namesIn(dependencies),
    development: development.flatMap(namesIn),
  };
}

/** Poetry's own constraints (`^1.2`) are left to Poetry; an optional dependency is installed with its extra only. */
function namesIn(dependencies: unknown): string[] {
  return Object.entries(part({ dependencies }, 'dependencies')).flatMap(([name, wanted]) =>
    name === 'python' || part({ wanted }, 'wanted')['optional'] === true ? [] : [name],
  );
}

/**
 * Versions by name in uv.lock or poetry.lock, which have the same shape; or the syntax error of the file. A package that is locked
 * at several versions, for several versions of Python, is left out.
 */
export function readLock(repo: Repo, file: string): ReadonlyMap<string, string> | UserError {
  const lock = readToml(repo, file) ?? {};
  if (lock instanceof UserError) return lock;
  const locked = new Map<string, Set<string>>();
  for (const entry of parts(lock, 'package')) {
    const [name] = texts(entry, 'name');
    const [version] = texts(entry, 'version');
    if (name === undefined || version === undefined) continue;
    const versions = locked.get(packageName(name)) ?? new Set();
    locked.set(packageName(name), versions.add(version));
  }
  return new Map(
    [...locked].flatMap(([name, [only, ...more]]) => (only && more.length === 0 ? [[name, only]] : [])),
  );
}

/** Requirements of Pipfile.lock, or without one of the Pipfile, as PEP 508 writes them. */
export function readPipfile(repo: Repo, folder: string): readonly string[] {
  const lock = repo.read(inFolder(folder, 'Pipfile.lock'));
  const data = lock === undefined ? readToml(repo, inFolder(folder, 'Pipfile')) : readJson(lock);
  const sections = lock === undefined ? ['packages', 'dev-packages'] : ['default', 'develop'];
  return sections
    .flatMap((section) => Object.entries(part(data, section)))
    .map(([name, wanted]) => {
      const entry = part({ wanted }, 'wanted');
      const version = texts({ wanted }, 'wanted')[0] ?? texts(entry, 'version')[0] ?? '';
      const extras = texts(entry, 'extras').join(',');
      const [markers] = texts(entry, 'markers');
      const range = version === '*' ? '' : version;
      return `${name}${extras && `[${extras}]`}${range}${markers === undefined ? '' : ` ; ${markers}`}`;
    });
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The requirements, each package once, with its locked version where there is one. */
export function lockedRequirements(
  asked: readonly string[],
  lock: ReadonlyMap<string, string>,
): readonly Requirement[] {
  const found = new Map<string, Requirement>();
  for (const text of asked) {
    const requirement = readRequirement(text);
    if (requirement === undefined || found.has(requirement.name)) continue;
    const version = lock.get(requirement.name) ?? requirement.version;
    found.set(requirement.name, { ...requirement, ...(version === undefined ? {} : { version }) });
  }
  return [...found.values()];
}

/** The setuptools package that setup.cfg declares; the file may hold only settings of tools. */
interface SetupFile {
  readonly isPackage: boolean;
  readonly runtime: readonly string[];
  readonly development: readonly string[];
  readonly extras: readonly string[];
}

/** https://setuptools.pypa.io/en/latest/userguide/declarative_config.html */
function readSetup(text: string): SetupFile {
  const extras = [...optionsIn(text, 'options.extras_require')].filter(([name]) => forDevelopment.test(name));
  return {
    isPackage: /^\[(?:metadata|options)\]/m.test(text),
    runtime: optionsIn(text, 'options').get('install_requires') ?? [],
    development: extras.flatMap(([, requirements]) => requirements),
    extras: extras.map(([name]) => name),
  };
}

/** The lists of a section, with their entries on separate, indented lines. */
function optionsIn(text: string, section: string): Map<string, string[]> {
  const options = new Map<string, string[]>();
  let here = '';
  let entries: string[] | undefined;
  for (const line of text.split(/\r?\n/)) {
    const header = /^\[([^\]]+)\]/.exec(line)?.[1];
    const [, name, first] = /^([\w.-]+)\s*[=:]\s*(.*)$/.exec(line) ?? [];
    if (header !== undefined) here = header;
    if (header !== undefined || /^\s*(?:[#;]|$)/.test(line)) continue;
    if (name !== undefined && first !== undefined) {
      entries = first === '' ? [] : [first];
      if (here === section) options.set(name, entries);
    } else if (/^\s/.test(line)) entries?.push(line.trim());
  }
  return options;
}
