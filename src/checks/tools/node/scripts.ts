import type { Place } from '../../../kernel/errors.ts';
import type { NodeProject } from '../../detect/node.ts';
import { isDelegating, isPlaceholder } from '../../detect/node-scripts.ts';
import { managerCommand, plainEnv } from '../../environments/node-program.ts';
import type { CheckOutput, Finding } from '../../model.ts';
import type { Repo } from '../../repo.ts';
import type { CheckContext, Tool, ToolRun } from '../../tool.ts';
import { brokenRun, foreignText, isBelow, isMember, lastLines, nodeTool } from './project-check.ts';

/** The package's own `build`, which can fail although types and tests pass. */
export const build: Tool = nodeTool({
  name: 'build',
  category: 'test',
  cost: { cores: 1, memory: 1500 * 2 ** 20, seconds: 20 },
  why(project, _repo, all) {
    const { scripts, file } = project;
    const isBuiltAbove = all.some(
      (other) => isMember(project, other) && isDelegating(other.scripts['build'] ?? ''),
    );
    return isRunnable(scripts['build']) && !isBuiltAbove ? `${file} has a build script` : undefined;
  },
  command: (project) => `${project.manager.name} run build`,
  run: (context, project) => runScript(context, project, 'build'),
});

/** The `lint` script of a package without a known linter. */
export const lintScript: Tool = nodeTool({
  name: 'lint script',
  category: 'lint',
  cost: { cores: 1, memory: 800 * 2 ** 20, seconds: 10 },
  why(project, _repo, all) {
    const { scripts, configs, file } = project;
    const hasLinter = configs.eslint !== undefined || configs.biome !== undefined;
    const isKnown = hasLinter || isChecked(scripts['lint'] ?? '', project, all);
    const isLeft = isRunnable(scripts['lint']) && !isKnown && !isOnlyDelegating(project, 'lint', all);
    return isLeft ? `${file} has a lint script` : undefined;
  },
  command: (project) => `${project.manager.name} run lint`,
  run: (context, project) => runScript(context, project, 'lint'),
});

export function isRunnable(script: string | undefined): boolean {
  return script !== undefined && !isPlaceholder(script);
}

/** Whether every command of a script starts a tool with its own check for this folder. */
function isChecked(script: string, project: NodeProject, all: readonly NodeProject[]): boolean {
  const above = all.filter((other) => other === project || isBelow(other.folder, project.folder));
  const known: Readonly<Record<string, boolean>> = {
    eslint: above.some(({ configs }) => configs.eslint !== undefined),
    biome: above.some(({ configs }) => configs.biome !== undefined),
    prettier: 'prettier' in project.packages,
    tsc: project.configs.tsc !== undefined,
    'vue-tsc': project.configs.tsc !== undefined,
  };
  const programs = script
    .split(/&&|\|\||[;&|]/)
    .map((part) => /^\s*(?:npx\s+)?([\w-]+)/.exec(part)?.[1] ?? '');
  return programs.every((program) => known[program] === true);
}

/** Whether its workspace packages have that script and are checked themselves. */
export function isOnlyDelegating(project: NodeProject, name: string, all: readonly NodeProject[]): boolean {
  return (
    isDelegating(project.scripts[name] ?? '') &&
    all.some((other) => isMember(other, project) && name in other.scripts)
  );
}

export async function runScript(
  context: CheckContext,
  project: NodeProject,
  name: string,
): Promise<CheckOutput> {
  const manager = await managerCommand(context, project);
  const run = await context.spawn([...manager, 'run', name], { env: plainEnv });
  const command = `${project.manager.name} run ${name}`;
  // A shell's exit codes for a missing program, and for a signal.
  if (run.code === 126 || run.code === 127) {
    return brokenRun(command, run, `\`${command}\` could not start the program of the script`);
  }
  if (run.code > 128) return brokenRun(command, run);
  if (run.code === 0) return { ran: true, findings: [] };
  const message = `\`${command}\` exited with code ${run.code}:\n${lastOfBoth(run)}`;
  const finding: Finding = {
    tool: name === 'build' ? 'build' : `${name} script`,
    rule: name,
    severity: 'high',
    level: 'fail',
    message,
    at: scriptPlace(context.repo, project, name),
    subject: `script:${name}`,
  };
  return { ran: true, findings: [finding] };
}

/** Bundlers and linters disagree on which stream their errors go to. */
function lastOfBoth(run: ToolRun): string {
  const out = lastLines({ stdout: run.stdout, stderr: '' }, 12);
  const err = lastLines({ stdout: '', stderr: run.stderr }, 12);
  return foreignText([out, err].filter((text) => text.trim() !== '').join('\n'), 2_000);
}

export function scriptPlace(repo: Repo, { file }: NodeProject, name: string): Place {
  const lines = (repo.read(file) ?? '').split('\n');
  const from = lines.findIndex((line) => line.includes('"scripts"'));
  const index = lines.findIndex((line, at) => at >= from && line.includes(`"${name}":`));
  return index < 0 ? { file } : { file, line: index + 1 };
}
