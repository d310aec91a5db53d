import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { nearest, type PythonProject, pythonProjects } from '../../detect/python.ts';
import { parts, texts } from '../../detect/toml.ts';
import type { PythonEnvironment } from '../../environments/interpreter.ts';
import { pythonEnvironment } from '../../environments/python.ts';
import { pypiTool } from '../../environments/python-tool.ts';
import { type Repo, repoPath } from '../../repo.ts';
import type { Preparation, RunContext, Tool, ToolRun } from '../../tool.ts';
import { badExit, type NotRun, notRun } from '../answer.ts';
import { type ProjectCheck, projectTool, type ToolName } from '../planned.ts';

export type PythonCheck = Omit<ProjectCheck, 'folder'>;

/** A tool with a check for each Python project that `plan` returns one for. */
export function pythonTool(
  tool: ToolName,
  plan: (repo: Repo, project: PythonProject) => PythonCheck | undefined,
): Tool {
  return projectTool(tool, (repo) =>
    pythonProjects(repo).flatMap((project) => {
      const check = plan(repo, project);
      return check === undefined ? [] : [{ ...check, folder: project.folder }];
    }),
  );
}

/** Where a tool comes from: the project's environment, or a separate one. */
interface ToolSource {
  readonly from: Preparation<PythonEnvironment>;
  readonly isOwn: boolean;
  /** For `why`. */
  readonly words: string;
}

/** @param version to install if neither the project nor pre-commit has one. */
export function toolSource(repo: Repo, project: PythonProject, name: string, version: string): ToolSource {
  const own = project.dependencies.get(name);
  if (own !== undefined) {
    const words = `${name}${own.version === undefined ? '' : ` ${own.version}`} is a dependency`;
    return { from: pythonEnvironment(project), isOwn: true, words };
  }
  const hook = preCommitVersion(repo, name);
  if (hook !== undefined) {
    return {
      from: pypiTool(name, hook),
      isOwn: false,
      words: `.pre-commit-config.yaml has ${name} ${hook}`,
    };
  }
  return { from: pypiTool(name, version), isOwn: false, words: `Sluice installs ${name} ${version}` };
}

/** The repositories of pre-commit hooks whose tags are the tools' own versions. */
const hooks: Readonly<Record<string, RegExp>> = {
  ruff: /\/(?:astral-sh|charliermarsh)\/ruff-pre-commit$/,
  black: /\/psf\/black(?:-pre-commit-mirror)?$/,
};

function preCommitVersion(repo: Repo, name: string): string | undefined {
  return preCommitHook(repo, name)?.version;
}

/** The version of a tool in pre-commit, and the ids of its hooks. */
export function preCommitHook(
  repo: Repo,
  name: string,
): { readonly version: string; readonly ids: readonly string[] } | undefined {
  let config: unknown;
  try {
    config = parseYaml(repo.read('.pre-commit-config.yaml') ?? '', { logLevel: 'error' });
  } catch {
    return undefined;
  }
  const entry = parts(config, 'repos').find((part) =>
    hooks[name]?.test((texts(part, 'repo')[0] ?? '').replace(/(?:\.git)?\/?$/, '')),
  );
  const version = /^v?(\d+(?:\.\d+)+)$/.exec(texts(entry, 'rev')[0] ?? '')?.[1];
  if (version === undefined) return undefined;
  return { version, ids: parts(entry, 'hooks').flatMap((hook) => texts(hook, 'id')) };
}

/**
 * Where a tool is configured: `backend/pyproject.toml has [tool.mypy]`.
 *
 * @param files of the tool itself; `sections` of shared files, by file, without their brackets.
 */
export function settingsOf(
  repo: Repo,
  project: PythonProject,
  files: readonly string[],
  sections: Readonly<Record<string, readonly string[]>>,
): string | undefined {
  const file = nearest(repo, project.folder, files);
  if (file !== undefined) return `found ${file}`;
  for (const [name, wanted] of Object.entries(sections)) {
    const at = nearest(repo, project.folder, [name]);
    const text = at === undefined ? '' : (repo.read(at) ?? '');
    const found = wanted.find((section) => hasSection(text, section));
    if (found !== undefined) return `${at} has [${found}]`;
  }
  return undefined;
}

/** `[tool.ruff.lint]` counts as `tool.ruff`, too. */
function hasSection(text: string, section: string): boolean {
  return text.split('\n').some((line) => {
    const name = /^\s*\[+\s*([^\][\s]+(?:\s+[^\][\s]+)*)\s*\]+/.exec(line)?.[1];
    return (
      name === section || name?.startsWith(`${section}.`) === true || name?.startsWith(`${section}-`) === true
    );
  });
}

/** Runs a tool of an environment in the project's folder, without leaving files in the repository. */
export function runTool(
  context: RunContext,
  environment: PythonEnvironment,
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<ToolRun> {
  const script = join(environment.scripts, name);
  const program: [string, ...string[]] = existsSync(script) ? [script] : [environment.python, '-m', name];
  return context.spawn([...program, ...args], {
    quiet: true,
    env: { ...toolVariables(context, environment), ...env },
  });
}

/** Activates the environment; disables colors and compiled files beside sources. */
export function toolVariables(context: RunContext, { scripts, prefix }: PythonEnvironment) {
  return {
    PATH: `${scripts}:${context.env['PATH'] ?? ''}`,
    VIRTUAL_ENV: prefix,
    PYTHONHOME: undefined,
    PYTHONDONTWRITEBYTECODE: '1',
    NO_COLOR: '1',
    FORCE_COLOR: undefined,
  };
}

/** A tool's cache for these sources between runs. */
export function toolCache(context: RunContext, name: string, folder: string): string {
  const place = createHash('sha256').update(join(context.repo.root, folder)).digest('hex').slice(0, 16);
  return join(context.cache, name, place);
}

/** From the top of the repository, for a path that a tool in `folder` printed; unchanged for one outside. */
export function shownPath(repo: Repo, folder: string, path: string): string {
  return repoPath(repo.root, folder, path) ?? path;
}

/** Why a tool has no trustworthy result. */
export interface NoAnswer {
  /** In words, after the tool's name: `collected no tests`. */
  readonly why: string;
  readonly fix?: string;
}

/** The tool ended with an undocumented exit code, or its output cannot be parsed. */
export function didNotRun(tool: string, run: ToolRun, meaning?: NoAnswer): NotRun {
  if (meaning !== undefined) return notRun(run, `${tool} ${meaning.why}`, meaning.fix);
  if (run.truncated) return notRun(run, `${tool} printed more output than Sluice can read`);
  const ended = badExit(tool, run.code);
  return notRun(run, run.code > 128 ? ended : `${ended} and without readable output`);
}
