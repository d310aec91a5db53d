import { messageOf } from '../../../kernel/errors.ts';
import { harmless } from '../../../kernel/foreign.ts';
import { tail } from '../../../kernel/process/process.ts';
import { type NodeProject, nodeProjects } from '../../detect/node.ts';
import { nodePackages } from '../../environments/node.ts';
import { type NodeProgram, nodeProgram, plainEnv } from '../../environments/node-program.ts';
import type { Category, CheckOutput } from '../../model.ts';
import type { Repo } from '../../repo.ts';
import type { CheckContext, Cost, PlannedCheck, Tool, ToolRun } from '../../tool.ts';
import { badExit, type NotRun, notRun } from '../answer.ts';
import { projectTool } from '../planned.ts';

/** A tool that checks projects with a package.json, one check for each project that uses it. */
interface NodeCheck {
  readonly name: string;
  readonly category: Category;
  readonly cost: Cost;
  /** The reason to run in this project; undefined if it does not apply. */
  why(project: NodeProject, repo: Repo, all: readonly NodeProject[]): string | undefined;
  command(project: NodeProject, repo: Repo): string;
  run(context: CheckContext, project: NodeProject, all: readonly NodeProject[]): Promise<CheckOutput>;
}

export function nodeTool(check: NodeCheck): Tool {
  return projectTool(check, (repo) => {
    const all = nodeProjects(repo);
    return all.flatMap((project) => {
      const why = check.why(project, repo, all);
      if (why === undefined) return [];
      const { folder } = project;
      const common = { folder, why, command: check.command(project, repo), cost: check.cost };
      return [{ ...common, ...withPackages(check, project, all) }];
    });
  });
}

/** Runs a check with the packages of its project; a failure names install scripts that were not run. */
function withPackages(
  check: NodeCheck,
  project: NodeProject,
  all: readonly NodeProject[],
): Pick<PlannedCheck, 'needs' | 'run'> {
  const packages = nodePackages(project);
  const needs = project.hasPackages && project.fault === undefined ? [packages] : [];
  return {
    needs,
    async run(context) {
      const output = await check.run(context, project, all);
      if (output.ran || needs.length === 0) return output;
      const { withheld } = context.prepared(packages);
      return withheld.length === 0 || output.fix !== undefined
        ? output
        : { ...output, fix: scriptsHint(withheld) };
    },
  };
}

function scriptsHint(withheld: readonly string[]): string {
  const names = withheld.slice(0, 5).join(', ');
  return `Sluice does not run install scripts of packages (${names}). If the check needs one, add it to "allowScripts" of package.json.`;
}

/** A run of the project's own tool, or why it is missing. */
export type ProgramRun =
  | { readonly run: ToolRun; readonly program: NodeProgram }
  | { readonly missing: NotRun };

/** @param args may depend on the version of the tool. */
export async function runProgram(
  context: CheckContext,
  project: NodeProject,
  program: {
    readonly package: string;
    readonly name: string;
    readonly quiet?: boolean;
    readonly env?: Readonly<Record<string, string>>;
  },
  args: readonly string[] | ((version: string | undefined) => readonly string[]),
): Promise<ProgramRun> {
  const found = await nodeProgram(context, project, program.package, program.name);
  if (found === undefined) {
    const where = project.folder === '' ? 'this repository' : project.folder;
    const why = `${program.package} is not installed in ${where}`;
    return { missing: { ran: false, why, fix: `Add ${program.package} to its devDependencies.` } };
  }
  const given = typeof args === 'function' ? args(found.version) : args;
  const options = {
    env: { ...plainEnv, ...program.env },
    ...(program.quiet === true ? { quiet: true } : {}),
  };
  return { run: await context.spawn([...found.argv, ...given], options), program: found };
}

/**
 * The result of a tool without trustworthy output.
 *
 * @param why for an exit code that explains nothing by itself.
 */
export function brokenRun(name: string, run: ToolRun, why?: string): NotRun {
  if (run.code > 128) return notRun(run, badExit(name, run.code));
  if (run.truncated) return notRun(run, `${name} printed more output than Sluice can read`);
  return notRun(run, why ?? `${badExit(name, run.code)}, which is not documented`);
}

/** The last lines of a program's output, preferably its errors. */
export function lastLines(run: Pick<ToolRun, 'stdout' | 'stderr'>, count: number): string {
  const spoken = run.stderr.trim() === '' ? run.stdout : run.stderr;
  // Only the end is cleaned, since there may be 16 MiB.
  return tail(harmless(tail(spoken.slice(-100_000), count)), count).slice(-4_000);
}

/** Text of a tool within a message: without colors, and of readable length. */
export function foreignText(text: string, limit = 2_000): string {
  const clean = harmless(text.slice(0, limit * 4)).trim();
  return clean.length > limit ? `${clean.slice(0, limit)}…` : clean;
}

/** Whether a folder is below another one, `''` being the top. */
export function isBelow(outer: string, folder: string): boolean {
  return folder !== outer && (outer === '' || folder.startsWith(`${outer}/`));
}

/** Whether a project is a member of the workspace of another one. */
export function isMember(project: NodeProject, of: NodeProject): boolean {
  return project !== of && project.root === of.folder;
}

/** Path of a folder from one above it. */
export function innerPath(outer: string, folder: string): string {
  return outer === '' ? folder : folder.slice(outer.length + 1);
}

/** Parsed output, or the error in a few words. */
export function parseReport<T>(read: () => T): { readonly report: T } | { readonly fault: string } {
  try {
    return { report: read() };
  } catch (error) {
    return { fault: foreignText(messageOf(error), 200) };
  }
}
