import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { counted } from '../../../kernel/figures.ts';
import type { NodeProject } from '../../detect/node.ts';
import { scriptCommand, scriptsUse } from '../../detect/node-scripts.ts';
import { plainEnv } from '../../environments/node-program.ts';
import type { CheckOutput, Finding } from '../../model.ts';
import { type FailedTest, readJUnit } from '../../parse/junit.ts';
import { type Repo, repoPath } from '../../repo.ts';
import type { CheckContext, Tool } from '../../tool.ts';
import { brokenRun, foreignText, nodeTool } from './project-check.ts';
import { isOnlyDelegating, isRunnable, runScript, scriptPlace } from './scripts.ts';
import { stackPlace } from './test-run.ts';

/** The `test` script of a package: Node's own test runner with its report, unknown runners by their exit code. */
export const testScript: Tool = nodeTool({
  name: 'test script',
  category: 'test',
  cost: { cores: 'all', memory: 1000 * 2 ** 20, seconds: 20 },
  why(project, _repo, all) {
    const { scripts, packages, file } = project;
    const isKnown = ['vitest', 'jest'].some(
      (name) => name in packages && scriptsUse(project, new RegExp(`\\b${name}\\b`)),
    );
    const isLeft = isRunnable(scripts['test']) && !isKnown && !isOnlyDelegating(project, 'test', all);
    return isLeft ? `${file} has a test script` : undefined;
  },
  command: (project) => nodeTestArguments(project)?.join(' ') ?? `${project.manager.name} run test`,
  run: (context, project) =>
    nodeTestArguments(project) === undefined
      ? runScript(context, project, 'test')
      : runNodeTest(context, project),
});

/** `node --test …`, if the script does nothing else. */
function nodeTestArguments(project: NodeProject): readonly string[] | undefined {
  const script = scriptCommand(project, 'node', ['test']);
  const isAll =
    script?.args.includes('--test') === true &&
    !script.args.some((word) => word.startsWith('--test-reporter'));
  return isAll ? ['node', ...script.args.filter((word) => word !== '--watch')] : undefined;
}

async function runNodeTest(context: CheckContext, project: NodeProject): Promise<CheckOutput> {
  const report = join(context.scratch, 'junit.xml');
  const [, ...args] = nodeTestArguments(project) ?? [];
  const reporters = [
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=junit',
    `--test-reporter-destination=${report}`,
  ];
  const env = { ...plainEnv, ...scriptCommand(project, 'node', ['test'])?.env };
  const run = await context.spawn(['node', ...reporters, ...args], { env });
  if (run.code !== 0 && run.code !== 1) return brokenRun('node --test', run);
  const read = readReport(report);
  if (read === undefined) return brokenRun('node --test', run, 'node --test wrote no readable report');
  const { totals, failures } = read;
  const findings = failures.map((failed) => finding(failed, context.repo.root, project.folder));
  const count = totals.passed + totals.failed + totals.skipped;
  if (count === 0) findings.push(noTests(context.repo, project));
  if (run.code === 1 && findings.length === 0) {
    return brokenRun('node --test', run, 'node --test exited with code 1 although no test failed');
  }
  return { ran: true, findings, tests: totals, summary: counted(count, 'test') };
}

function readReport(file: string) {
  try {
    return readJUnit(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function noTests(repo: Repo, project: NodeProject): Finding {
  const message = 'node --test found no tests.';
  const at = scriptPlace(repo, project, 'test');
  return {
    tool: 'test script',
    rule: 'no-tests',
    severity: 'high',
    level: 'fail',
    message,
    at,
    subject: 'no-tests',
  };
}

/** Node reports the suite `test` for a test without one, and the file without a line. */
function finding({ file, suite, test, message, text }: FailedTest, root: string, folder: string): Finding {
  const path = file === undefined ? undefined : repoPath(root, folder, file);
  const at = stackPlace(text, path, { root, folder }) ?? (path === undefined ? undefined : { file: path });
  const name = foreignText(
    [path, suite === 'test' ? undefined : suite, test].filter((part) => part !== undefined).join(' › '),
    300,
  );
  return {
    tool: 'test script',
    rule: name,
    severity: 'high',
    level: 'fail',
    message: `${name} failed: ${foreignText(message || text, 1_000)}`,
    ...(at === undefined ? {} : { at }),
    subject: name,
  };
}
