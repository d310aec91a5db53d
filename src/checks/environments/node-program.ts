import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../kernel/errors.ts';
import { tail } from '../../kernel/process/process.ts';
import { readJson, recordOf } from '../detect/json-text.ts';
import type { NodeProject } from '../detect/node.ts';
import { folderOf } from '../repo.ts';
import type { RunContext, ToolRun } from '../tool.ts';

/** A program of the project's own packages. */
export interface NodeProgram {
  /** Its arguments are appended to this. */
  readonly argv: readonly [string, ...string[]];
  /** undefined where Yarn keeps the package zipped. */
  readonly version: string | undefined;
}

/** For every program of a project: no colors, no prompts, and no variable of the job that changes what is installed. */
export const plainEnv = { CI: 'true', NO_COLOR: '1', FORCE_COLOR: undefined, NODE_ENV: undefined } as const;

/**
 * Finds a program where node would: in node_modules of the project's folder, then of those above. It is started with the
 * `node` on PATH and not through node_modules/.bin, whose entries are shell scripts with some managers.
 *
 * @returns undefined when the package is not installed.
 */
export async function nodeProgram(
  context: RunContext,
  project: NodeProject,
  packageName: string,
  program = packageName,
): Promise<NodeProgram | undefined> {
  if (project.manager.plugAndPlay) {
    const yarn = await managerCommand(context, project);
    return { argv: [...yarn, 'run', '--binaries-only', program], version: undefined };
  }
  for (let folder = project.folder; ; folder = folderOf(folder)) {
    const home = join(context.repo.root, folder, 'node_modules', packageName);
    const file = join(home, 'package.json');
    if (existsSync(file)) {
      const reading = readJson(readFileSync(file, 'utf8'));
      const { bin, version } = recordOf('value' in reading ? reading.value : undefined);
      const path = typeof bin === 'string' ? bin : recordOf(bin)[program];
      if (typeof path !== 'string') return undefined;
      return { argv: ['node', join(home, path)], version: typeof version === 'string' ? version : undefined };
    }
    if (folder === '') return undefined;
  }
}

const managerEnv = {
  ...plainEnv,
  COREPACK_ENABLE_DOWNLOAD_PROMPT: '0',
  // Otherwise corepack writes a `packageManager` into package.json.
  COREPACK_ENABLE_AUTO_PIN: '0',
  npm_config_update_notifier: 'false',
  // Otherwise the project's `prepare` changes .git/config.
  HUSKY: '0',
  SKIP_INSTALL_SIMPLE_GIT_HOOKS: '1',
  LEFTHOOK: '0',
} as const;

/** Runs the package manager in the folder where it installs. */
export function runManager(
  context: RunContext,
  argv: readonly [string, ...string[]],
  folder: string,
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<ToolRun> {
  return context.spawn(argv, { folder, env: { ...managerEnv, ...env } });
}

/**
 * How the project's package manager is called here: by a script of the repository, by its name, or through corepack,
 * which comes with Node up to 24 and fetches the version that package.json names.
 *
 * @throws UserError `checks.environment` if it is missing.
 */
export async function managerCommand(
  context: RunContext,
  { manager, root }: NodeProject,
): Promise<readonly [string, ...string[]]> {
  const { name, berry, version, yarnPath } = manager;
  if (name === 'npm') return ['npm'];
  if (yarnPath !== undefined) return ['node', join(context.repo.root, yarnPath)];
  const tried: string[] = [];
  const answers = async (argv: readonly [string, ...string[]]) => {
    const options = { folder: root, env: managerEnv, quiet: true };
    const run = await context.spawn([...argv, '--version'], options).catch((error: unknown) => {
      if (error instanceof UserError && error.code === 'process.missing') return undefined;
      throw error;
    });
    const found = run?.code === 0 ? run.stdout.trim() : undefined;
    if (found === undefined)
      tried.push(run === undefined ? `${argv[0]} is not on PATH` : tail(run.stderr, 3));
    else if (name !== 'yarn' || found.startsWith('1.') !== berry) return true;
    else tried.push(`${argv.join(' ')} is Yarn ${found}`);
    return false;
  };
  if (await answers([name])) return [name];
  const unnamed = berry ? 'yarn@stable' : 'yarn@1';
  const viaCorepack = ['corepack', name === 'yarn' && version === undefined ? unnamed : name] as const;
  if (name !== 'bun' && (await answers(viaCorepack))) return viaCorepack;
  const wanted = `${berry ? 'yarn (2 or later)' : name}${version === undefined ? '' : ` ${version}`}`;
  throw new UserError({
    code: 'checks.environment',
    message: `${manager.lock ?? `package.json of ${root || 'the top folder'}`} requires ${wanted}, which is not installed`,
    hint:
      name === 'bun'
        ? 'Install bun before the checks, for example with oven-sh/setup-bun.'
        : `Install ${name} or corepack before the checks.`,
    output: tried.join('\n'),
  });
}
