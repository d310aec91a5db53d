import { existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../kernel/errors.ts';
import { harmless } from '../../kernel/foreign.ts';
import { tail } from '../../kernel/process/process.ts';
import type { NodeProject } from '../detect/node.ts';
import { inFolder } from '../repo.ts';
import type { Preparation, RunContext, ToolRun } from '../tool.ts';
import { npmModulesFit, packagesWithScripts } from './node-fits.ts';
import { managerCommand, runManager } from './node-program.ts';

interface NodePackages {
  /** Packages whose install scripts were not run, as far as the lock file shows. */
  readonly withheld: readonly string[];
}

/**
 * The packages of a project, or of its whole workspace, from its lock file. Install scripts of packages do not run, as
 * with npm 12, pnpm 10 and bun: most of npm's worms spread through them. Those that package.json allows (`allowScripts`)
 * run, and so do the repository's own `postinstall` and `prepare`: its tests run next anyway.
 */
export function nodePackages(project: NodeProject): Preparation<NodePackages> {
  const { root } = project;
  return {
    id: root === '' ? 'node' : `node ${root}`,
    what: `${installArguments(project).join(' ')}${root === '' ? '' : ` in ${root}`}`,
    needs: [],
    cost: { cores: 1, memory: 600 * 2 ** 20, seconds: 20 },
    timeoutMs: 900_000,
    make: (context) => install(context, project),
  };
}

async function install(context: RunContext, project: NodeProject): Promise<NodePackages> {
  const { root, manager } = project;
  const folder = join(context.repo.root, root);
  const lock = manager.lock === undefined ? undefined : join(context.repo.root, manager.lock);
  if (manager.name === 'npm' && lock !== undefined && npmModulesFit(folder, lock)) {
    context.note('node_modules matches the lock file');
    return { withheld: [] };
  }
  // npm empties the folder that a link points to, which belongs to another checkout: it is used as it is.
  if (lstatSync(join(folder, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink() === true) {
    context.note('node_modules is a symbolic link and is used as it is');
    return { withheld: [] };
  }
  const command = await managerCommand(context, project);
  await keeping(filesToKeep(context, project), async () => {
    const [, ...args] = installArguments(project);
    // Yarn from 2 on refuses to make a lock file in CI.
    const env = manager.berry && lock === undefined ? { YARN_ENABLE_IMMUTABLE_INSTALLS: 'false' } : {};
    await step(context, [...command, ...args], root, env);
    await runAllowedScripts(context, project, command);
    await runOwnScripts(context, project, command);
  });
  const withScripts = manager.name === 'npm' && lock !== undefined ? packagesWithScripts(lock) : [];
  return { withheld: withScripts.filter((name) => !project.allowedScripts.includes(name)) };
}

/** The command that installs without changing the lock file. */
export function installArguments({ manager }: NodeProject): readonly [string, ...string[]] {
  const { name, berry, lock } = manager;
  const isLocked = lock !== undefined;
  if (name === 'npm') {
    const how = isLocked ? ['ci'] : ['install', '--no-package-lock'];
    return ['npm', ...how, '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund'];
  }
  if (name === 'pnpm') {
    return ['pnpm', 'install', isLocked ? '--frozen-lockfile' : '--no-lockfile', '--ignore-scripts'];
  }
  // bun runs scripts of `trustedDependencies` only.
  if (name === 'bun') return ['bun', 'install', '--frozen-lockfile'];
  if (berry) return ['yarn', 'install', ...(isLocked ? ['--immutable'] : []), '--mode=skip-build'];
  const keeps = isLocked ? '--frozen-lockfile' : '--no-lockfile';
  return ['yarn', 'install', keeps, '--ignore-scripts', '--non-interactive'];
}

type Command = readonly [string, ...string[]];

async function runAllowedScripts(context: RunContext, project: NodeProject, command: Command): Promise<void> {
  const { allowedScripts, manager, root } = project;
  if (allowedScripts.length === 0 || manager.name === 'bun') return;
  // Yarn 1 has no rebuild; its folders have the layout of npm's.
  const rebuild: Command = manager.name === 'yarn' && !manager.berry ? ['npm'] : command;
  await step(context, [...rebuild, 'rebuild', ...allowedScripts], root);
}

/** Every manager runs these after an install: they often generate code that types and tests need. */
async function runOwnScripts(context: RunContext, project: NodeProject, command: Command): Promise<void> {
  const { root } = project;
  const scripts = project.rootScripts;
  for (const name of ['postinstall', 'prepare']) {
    if (name in scripts) await step(context, [...command, 'run', name], root);
  }
}

async function step(
  context: RunContext,
  argv: Command,
  root: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  context.note(argv.join(' '));
  const run = await runManager(context, argv, root, env);
  if (run.code !== 0) throw failed(argv, root, run);
}

/** Messages of package managers and their meaning: the first match counts. */
const meanings: readonly (readonly [said: RegExp, why: string, hint: string])[] = [
  [
    /can only install packages when|ERR_PNPM_OUTDATED_LOCKFILE|lockfile needs to be updated|lockfile would have been modified/i,
    'the lock file no longer matches package.json',
    'Run the install locally and commit the lock file.',
  ],
  [
    /EINTEGRITY|integrity check(?:sum)? failed|ERR_PNPM_TARBALL_INTEGRITY|YN0018/i,
    'the hash of a package differs from the locked one',
    'Find out why before you continue. Update the lock file only if you trust the registry.',
  ],
  [
    /\bE40[13]\b|ERR_PNPM_FETCH_40[13]|authentication token|YN0041/i,
    'the registry requires a token, or rejects this one',
    'Set the token that .npmrc or .yarnrc.yml names in the job, and name its variable in checks.env of sluice.yml.',
  ],
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|YN0001: .{0,300}RequestError/,
    'cannot reach the registry',
    'Check the network, and the registry in .npmrc.',
  ],
  [/ENOSPC|no space left/i, 'the disk is full', 'Free disk space where the repository is.'],
];

function failed(argv: Command, root: string, run: ToolRun): UserError {
  const meaning = meanings.find(([said]) => said.test(`${run.stdout}\n${run.stderr}`));
  const where = root === '' ? '' : ` in ${root}`;
  return new UserError({
    code: 'checks.environment',
    message: `${argv.slice(0, 3).join(' ')}${where} failed: ${meaning?.[1] ?? `exit code ${run.code}`}`,
    hint: meaning?.[2] ?? 'Run it locally; its last lines are below.',
    output: tail(harmless(withoutUsage(run.stderr.trim() === '' ? run.stdout : run.stderr)), 20),
  });
}

/** After the reason, npm prints all options of a rejected command: about 80 lines. */
function withoutUsage(text: string): string {
  return text.replace(/^npm (?:error|ERR!) Usage:[\s\S]*/m, '');
}

function filesToKeep({ repo }: RunContext, { root, manager }: NodeProject): readonly string[] {
  const names = [
    'package.json',
    'package-lock.json',
    'npm-shrinkwrap.json',
    'pnpm-lock.yaml',
    'yarn.lock',
    'bun.lock',
  ];
  const files = names.map((name) => inFolder(root, name));
  return [...new Set([...files, ...(manager.lock === undefined ? [] : [manager.lock])])].map((file) =>
    join(repo.root, file),
  );
}

/** Restores these files afterwards, also on failure: a check changes no tracked file. */
async function keeping(files: readonly string[], work: () => Promise<void>): Promise<void> {
  const before = files.map((file) => (existsSync(file) ? readFileSync(file) : undefined));
  try {
    await work();
  } finally {
    files.forEach((file, index) => {
      const content = before[index];
      if (content === undefined) rmSync(file, { force: true });
      else if (!existsSync(file) || !readFileSync(file).equals(content)) writeFileSync(file, content);
    });
  }
}
