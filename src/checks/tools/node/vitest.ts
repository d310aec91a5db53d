import { join } from 'node:path';
import type { NodeProject } from '../../detect/node.ts';
import { scriptCommand, scriptsUse } from '../../detect/node-scripts.ts';
import type { CheckOutput } from '../../model.ts';
import type { Repo } from '../../repo.ts';
import type { CheckContext, Tool } from '../../tool.ts';
import { isMember, nodeTool, runProgram } from './project-check.ts';
import { judgeTests } from './test-run.ts';

/** vitest, with coverage if a coverage provider is installed. */
export const vitest: Tool = nodeTool({
  name: 'vitest',
  category: 'test',
  cost: { cores: 'any', memory: 1500 * 2 ** 20, seconds: 20 },
  why: whyVitest,
  command: (project) =>
    ['vitest run', ...chosen(project).args, ...(provider(project) ? ['--coverage'] : [])].join(' '),
  run: runVitest,
});

function whyVitest(project: NodeProject, repo: Repo, all: readonly NodeProject[]): string | undefined {
  const { configs, file, own, packages } = project;
  if (!('vitest' in packages)) return undefined;
  const runsNested = (other: NodeProject) =>
    isMember(project, other) && other.configs.vitest !== undefined && hasProjects(repo, other.configs.vitest);
  if (all.some(runsNested)) return undefined;
  if (configs.vitest !== undefined) return `found ${configs.vitest}`;
  const isShared = all.some((other) => isMember(other, project));
  if (!scriptsUse(project, /\bvitest\b/) && (isShared || !('vitest' in own))) return undefined;
  return `${file} has vitest`;
}

function hasProjects(repo: Repo, config: string): boolean {
  return /vitest\.workspace\./.test(config) || /\b(?:projects|workspace)\s*:/.test(repo.read(config) ?? '');
}

/** Arguments of the project's own test script, without those that Sluice sets. */
function chosen(project: NodeProject) {
  const script = scriptCommand(project, 'vitest', ['test', 'test:unit', 'test:ci', 'test:run', 'vitest']);
  const ours =
    /^(?:run|watch|dev|-w|--(?:run|watch|ui|open|reporter|outputFile|coverage|maxWorkers|minWorkers|silent|color|no-color)(?:[.=].*)?)$/;
  return { args: (script?.args ?? []).filter((word) => !ours.test(word)), env: script?.env ?? {} };
}

function provider({ packages }: NodeProject): 'v8' | 'istanbul' | undefined {
  if ('@vitest/coverage-v8' in packages) return 'v8';
  return '@vitest/coverage-istanbul' in packages ? 'istanbul' : undefined;
}

async function runVitest(context: CheckContext, project: NodeProject): Promise<CheckOutput> {
  const report = join(context.scratch, 'vitest.json');
  const coverageFolder = join(context.scratch, 'coverage');
  const { args, env } = chosen(project);
  const covered = provider(project);
  const coverage = [
    '--coverage.enabled',
    // v8 is vitest's default.
    ...(covered === 'istanbul' ? ['--coverage.provider=istanbul'] : []),
    '--coverage.reporter=json',
    `--coverage.reportsDirectory=${coverageFolder}`,
    '--coverage.reportOnFailure',
  ];
  const options = (version: string | undefined) => [
    ...['run', ...args, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    `--maxWorkers=${context.cores}`,
    // Before 4 the default minimum may exceed this maximum, which vitest rejects.
    ...(/^[123]\./.test(version ?? '') ? ['--minWorkers=1'] : []),
    ...(covered === undefined ? ['--coverage.enabled=false'] : coverage),
  ];
  const result = await runProgram(context, project, { package: 'vitest', name: 'vitest', env }, options);
  if ('missing' in result) return result.missing;
  return judgeTests(context, project, { tool: 'vitest', result, report, coverageFolder });
}
