import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../kernel/errors.ts';
import type { PythonProject } from '../detect/python.ts';
import { allowsPython } from '../detect/python-version.ts';
import { packageName } from '../detect/requirements.ts';
import { inFolder } from '../repo.ts';
import type { RunContext } from '../tool.ts';

/** An interpreter and the packages it finds. */
export interface PythonEnvironment {
  /** Absolute. */
  readonly python: string;
  /** Folder with the programs of its packages. */
  readonly scripts: string;
  /** `3.11.7`. */
  readonly version: string;
  /** Folder of the environment, or of the installation itself. */
  readonly prefix: string;
  /** Versions by name, as PEP 503 writes it. */
  readonly packages: ReadonlyMap<string, string>;
}

const probe = `
import json, sys, sysconfig
from importlib import metadata
packages = {}
for found in metadata.distributions():
    try:
        packages.setdefault(found.metadata["Name"], found.version)
    except Exception:
        pass
print(json.dumps({
    "python": sys.executable, "scripts": sysconfig.get_path("scripts"), "prefix": sys.prefix,
    "version": "%d.%d.%d" % sys.version_info[:3],
    "packages": {name: version for name, version in packages.items() if name and version},
}))`;

/** @returns undefined if the program does not exist or is not a working Python 3. */
export async function probePython(
  context: RunContext,
  program: string,
): Promise<PythonEnvironment | undefined> {
  const run = await context.spawn([program, '-I', '-c', probe], { quiet: true }).catch((error: unknown) => {
    context.signal.throwIfAborted();
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (run?.code !== 0) return undefined;
  try {
    const { packages, ...facts } = JSON.parse(run.stdout) as Omit<PythonEnvironment, 'packages'> & {
      readonly packages: Readonly<Record<string, string>>;
    };
    const named = Object.entries(packages).map(([name, version]) => [packageName(name), version] as const);
    return { ...facts, packages: new Map(named) };
  } catch {
    return undefined;
  }
}

/** A file that exists but cannot be run (no permission, an environment that moved) does not count either. */
function isMissing(error: unknown): boolean {
  if (error instanceof UserError) return error.code === 'process.missing';
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'EACCES' || code === 'ENOEXEC' || code === 'ENOTDIR';
}

/** An environment that exists already and has all packages of the project. */
export async function existingEnvironment(
  context: RunContext,
  project: PythonProject,
): Promise<PythonEnvironment | undefined> {
  const active = context.env['VIRTUAL_ENV'];
  const folders = [
    ...(active ? [active] : []),
    ...[project.folder, ''].map((folder) => join(context.repo.root, inFolder(folder, '.venv'))),
  ];
  const programs = [...folders.map((folder) => join(folder, 'bin/python')), 'python3'];
  for (const program of new Set(programs)) {
    const found = await probePython(context, program);
    if (found !== undefined && serves(project, found)) return found;
  }
  return undefined;
}

function serves(project: PythonProject, { version, packages }: PythonEnvironment): boolean {
  const { requiresPython, dependencies } = project;
  if (requiresPython !== undefined && !allowsPython(requiresPython, version)) return false;
  return [...dependencies.values()].every(({ name, version: wanted, conditional }) => {
    const installed = packages.get(name);
    if (installed === undefined) return conditional;
    return wanted === undefined || plainVersion(installed) === plainVersion(wanted);
  });
}

/** `2.1.0+cpu` and `2.1` are one version here. */
function plainVersion(version: string): string {
  return version
    .toLowerCase()
    .replace(/\+[\s\S]*$/, '')
    .replace(/(?<!\.0)(?:\.0)+$/, '');
}

/** Pythons in the tool cache of GitHub's runners (for actions/setup-python), the newest first; none elsewhere. */
function runnerPythons(env: RunContext['env']): string[] {
  const shelf = env['RUNNER_TOOL_CACHE'];
  if (!shelf) return [];
  const folder = join(shelf, 'Python');
  const versions = existsSync(folder) ? readdirSync(folder).filter((name) => /^3\.\d+\.\d+$/.test(name)) : [];
  return versions
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    .map((version) => join(folder, version, process.arch, 'bin/python3'));
}

/**
 * The interpreter that an environment of the project is made with: the one of .python-version, else python3 if the
 * project allows it, else the newest that it allows; on GitHub's runners also those of the tool cache.
 *
 * @throws UserError `checks.python`
 */
export async function basePython(
  context: RunContext,
  project: Pick<PythonProject, 'folder' | 'requiresPython' | 'pinnedPython'>,
): Promise<PythonEnvironment> {
  const { requiresPython, pinnedPython } = project;
  const short = pinnedPython?.split('.').slice(0, 2).join('.');
  const newest = Array.from({ length: 8 }, (_, index) => `python3.${15 - index}`);
  const shelved = runnerPythons(context.env);
  const pinned =
    short === undefined
      ? []
      : [`python${short}`, ...shelved.filter((path) => path.includes(`/Python/${short}.`))];
  const programs = [...pinned, 'python3', 'python', ...newest, ...shelved];
  const seen = new Set<string>();
  for (const program of programs) {
    const found = await probePython(context, program);
    if (found === undefined) continue;
    if (requiresPython === undefined || allowsPython(requiresPython, found.version)) return found;
    seen.add(found.version);
  }
  const where = project.folder === '' ? 'The project' : project.folder;
  throw new UserError({
    code: 'checks.python',
    message:
      seen.size === 0
        ? 'Python 3 is not on PATH'
        : `${where} requires Python ${requiresPython}. Available: ${[...seen].join(', ')}`,
    hint: 'Install it. In a GitHub workflow, add actions/setup-python before this step.',
  });
}
