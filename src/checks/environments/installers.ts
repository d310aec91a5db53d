import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { PythonProject } from '../detect/python.ts';
import type { RunContext } from '../tool.ts';
import { install, installFailure, makeVenv, pipInstall as pip, type Variables } from './install.ts';
import type { PythonEnvironment } from './interpreter.ts';
import { pythonProgram } from './python-tool.ts';

/** The folders and the interpreter that an environment of a project is made with. */
interface NewEnvironment {
  /** Folder of the environment itself. */
  readonly env: string;
  /** The folder the installer runs in: the project's, or that of its copy. */
  readonly project: string;
  /** Folder for files that the installer reads. */
  readonly scratch: string;
  readonly base: PythonEnvironment;
}

/** Installed where the machine has none; both read the locks of earlier versions. */
const uvVersion = '0.13.9';
const poetryVersion = '2.5.1';

/** How the packages of a project are installed, for people. */
export function installCommand({ manager, install, folder }: PythonProject): string {
  const where = folder === '' ? '' : ` in ${folder}`;
  if (manager === 'uv') return `uv sync --frozen${where}`;
  if (manager === 'poetry') return `poetry install${where}`;
  const own = `.${install.extras.length > 0 ? `[${install.extras.join(',')}]` : ''}`;
  const files = install.files.map((file) => `-r ${file}`);
  const words = [...files, ...install.requirements, ...(installsItself(install) ? [own] : [])];
  return words.length === 0 ? `python3 -m venv${where}` : `pip install ${words.join(' ')}${where}`;
}

/** @throws UserError `checks.environment` */
export function installPackages(
  context: RunContext,
  project: PythonProject,
  into: NewEnvironment,
): Promise<void> {
  if (project.manager === 'uv') return uvSync(context, project, into);
  return project.manager === 'poetry'
    ? poetryInstall(context, project, into)
    : pipInstall(context, project, into);
}

async function pipInstall(context: RunContext, project: PythonProject, into: NewEnvironment): Promise<void> {
  await makeVenv(context, into.base.python, into.env);
  const { files, requirements, extras } = project.install;
  const read = files.map((file) => ({ file, isHashed: /--hash[= ]/.test(context.repo.read(file) ?? '') }));
  const path = ({ file }: { readonly file: string }) => relative(project.folder, file);
  // One file with hashes makes pip require hashes for everything in the same command.
  const rounds = read.some(({ isHashed }) => isHashed)
    ? read.map((file) => ['-r', path(file)])
    : [read.flatMap((file) => ['-r', path(file)])];
  if (requirements.length > 0) {
    const more = join(into.scratch, 'more-requirements.txt');
    await writeFile(more, requirements.join('\n'));
    rounds.push(['-r', more]);
  }
  if (installsItself(project.install)) rounds.push([`.${extras.length > 0 ? `[${extras.join(',')}]` : ''}`]);
  for (const round of rounds.filter((words) => words.length > 0)) {
    const where = { folder: relative(context.repo.root, into.project), env: buildVariables };
    await install(context, installCommand(project), [...pip(into.env), ...round], where);
  }
}

/** The copy has no git history, from which some builds derive the version. */
const buildVariables: Variables = {
  SETUPTOOLS_SCM_PRETEND_VERSION: '0.0.0',
  PIP_REQUIRE_VIRTUALENV: undefined,
};

function installsItself({ buildsProject, files }: PythonProject['install']): boolean {
  return buildsProject && files.length === 0;
}

async function uvSync(context: RunContext, project: PythonProject, into: NewEnvironment): Promise<void> {
  const uv = await pythonProgram(context, 'uv', uvVersion);
  const { extras, groups, isWorkspace } = project.install;
  const options = [
    ...extras.flatMap((name) => ['--extra', name]),
    ...groups.flatMap((name) => ['--group', name]),
    ...(isWorkspace ? ['--all-packages'] : []),
  ];
  const env = {
    ...buildVariables,
    UV_PROJECT_ENVIRONMENT: into.env,
    UV_PYTHON: into.base.python,
    UV_NO_PROGRESS: '1',
    VIRTUAL_ENV: undefined,
  };
  const where = { folder: relative(context.repo.root, into.project), env };
  const argv = [uv, 'sync', '--frozen', '--no-editable', '--compile-bytecode', ...options] as const;
  await install(context, installCommand(project), argv, where);
}

async function poetryInstall(
  context: RunContext,
  project: PythonProject,
  into: NewEnvironment,
): Promise<void> {
  const poetry = await pythonProgram(context, 'poetry', poetryVersion);
  await makeVenv(context, into.base.python, into.env);
  const env = {
    ...buildVariables,
    VIRTUAL_ENV: into.env,
    PATH: `${join(into.env, 'bin')}:${context.env['PATH'] ?? ''}`,
    POETRY_VIRTUALENVS_PATH: join(into.scratch, 'virtualenvs'),
  };
  const where = { folder: relative(context.repo.root, into.project), env };
  const extras = project.install.extras.flatMap((name) => ['--extras', name]);
  const argv = [poetry, 'install', '--no-interaction', '--no-ansi', ...extras] as const;
  const run = await context.spawn(argv, where);
  if (run.code === 0) return;
  // An app without a package needs `package-mode = false`, or this.
  if (
    !/No file\/folder found for package|Readme path .{0,300} does not exist/.test(run.stdout + run.stderr)
  ) {
    throw installFailure(installCommand(project), run);
  }
  await install(context, installCommand(project), [...argv, '--no-root'], where);
}
