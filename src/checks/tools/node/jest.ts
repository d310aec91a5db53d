import { join } from 'node:path';
import type { NodeProject } from '../../detect/node.ts';
import { scriptCommand, scriptsUse, withoutOptions } from '../../detect/node-scripts.ts';
import type { CheckOutput } from '../../model.ts';
import type { Repo } from '../../repo.ts';
import type { CheckContext, Tool } from '../../tool.ts';
import { isMember, nodeTool, runProgram } from './project-check.ts';
import { judgeTests } from './test-run.ts';

/** jest, with coverage only if the project or sluice.yml requires it: coverage makes jest much slower. */
export const jest: Tool = nodeTool({
  name: 'jest',
  category: 'test',
  cost: { cores: 'any', memory: 1500 * 2 ** 20, seconds: 30 },
  why: whyJest,
  command: (project) => ['jest --ci', ...chosen(project).args].join(' '),
  run: runJest,
});

function whyJest(project: NodeProject, repo: Repo, all: readonly NodeProject[]): string | undefined {
  const { configs, file, packages } = project;
  if (!('jest' in packages)) return undefined;
  const runsNested = (other: NodeProject) =>
    isMember(project, other) &&
    other.configs.jest !== undefined &&
    /\bprojects\b/.test(repo.read(other.configs.jest) ?? '');
  if (all.some(runsNested)) return undefined;
  if (configs.jest !== undefined) return `${configs.jest} configures it`;
  return scriptsUse(project, /\bjest\b/) ? `a script of ${file} runs it` : undefined;
}

const ours = {
  '--watch': 0,
  '--watchAll': 0,
  '--ci': 0,
  '--json': 0,
  '--outputFile': 1,
  '--coverageDirectory': 1,
  '--maxWorkers': 1,
  '-w': 1,
  '--silent': 0,
  '--color': 0,
  '--colors': 0,
} as const;

/** Arguments of the project's own test script, without those that Sluice sets. */
function chosen(project: NodeProject) {
  const script = scriptCommand(project, 'jest', ['test', 'test:unit', 'test:ci', 'jest']);
  return { args: withoutOptions(script?.args ?? [], ours), env: script?.env ?? {} };
}

async function runJest(context: CheckContext, project: NodeProject): Promise<CheckOutput> {
  const report = join(context.scratch, 'jest.json');
  const coverageFolder = join(context.scratch, 'coverage');
  const { args, env } = chosen(project);
  const { total, changed, codecov } = context.settings.coverage;
  const isAsked = total !== undefined || changed !== undefined || codecov;
  const inBand = args.some((word) => word === '-i' || word === '--runInBand');
  const options = [
    ...[...args, '--ci', '--json', `--outputFile=${report}`, '--testLocationInResults'],
    ...(inBand ? [] : [`--maxWorkers=${context.cores}`]),
    ...(isAsked && !args.includes('--coverage') ? ['--coverage'] : []),
    ...['--coverageReporters=json', `--coverageDirectory=${coverageFolder}`],
  ];
  const result = await runProgram(
    context,
    project,
    { package: 'jest', name: 'jest', quiet: true, env },
    options,
  );
  if ('missing' in result) return result.missing;
  return judgeTests(context, project, { tool: 'jest', result, report, coverageFolder });
}
