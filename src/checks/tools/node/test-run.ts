import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readIstanbul } from '../../coverage/istanbul.ts';
import type { NodeProject } from '../../detect/node.ts';
import type { CheckOutput, Finding } from '../../model.ts';
import type { CheckContext } from '../../tool.ts';
import { brokenRun, foreignText, type ProgramRun, parseReport } from './project-check.ts';
import { readTestJson, type TestReport } from './test-json.ts';

/** One run of a test runner. */
export interface TestRun {
  readonly tool: 'vitest' | 'jest';
  readonly result: Exclude<ProgramRun, { missing: unknown }>;
  /** Paths for its JSON and its coverage. */
  readonly report: string;
  readonly coverageFolder: string;
}

/**
 * Judges a run of vitest or jest. Both have only exit code 1 for failed tests, for coverage below a threshold, for no tests
 * at all, and for an invalid configuration. The report tells these apart; without one the tests did not run.
 */
export function judgeTests(context: CheckContext, project: NodeProject, test: TestRun): CheckOutput {
  const { tool, result } = test;
  const { run, program } = result;
  if (run.code !== 0 && run.code !== 1) return brokenRun(tool, run);
  const where = { tool, root: context.repo.root, folder: project.folder };
  const read = parseReport(() => readTestJson(readFileSync(test.report, 'utf8'), where));
  if ('fault' in read) {
    // Without tests jest may exit before it writes its report.
    const isEmpty = /^No test(?: file)?s found, exiting with code 1$/m.test(foreignText(run.stderr, 10_000));
    if (isEmpty && run.code === 1) return { ran: true, findings: [noTestsFinding(tool, project, true)] };
    return brokenRun(tool, run, `${tool} wrote no readable report`);
  }
  const { totals, failures } = read.report;
  const findings = [...failures, ...noTests(tool, project, read.report, run.code), ...besides(tool, run)];
  if (run.code === 1 && !findings.some(({ level }) => level === 'fail')) {
    return brokenRun(tool, run, `${tool} exited with code 1 although no test failed`);
  }
  const coverage = coverageOf(context, project, test.coverageFolder);
  const count = totals.passed + totals.failed + totals.skipped;
  return {
    ran: true,
    findings,
    tests: totals,
    summary: `${count} ${count === 1 ? 'test' : 'tests'}`,
    ...(program.version === undefined ? {} : { version: program.version }),
    ...(coverage === undefined ? {} : { coverage }),
  };
}

/** With `passWithNoTests` both runners pass without tests: then it is only a note. */
function noTests(
  tool: string,
  project: NodeProject,
  { totals }: TestReport,
  code: number,
): readonly Finding[] {
  const hasTests = totals.passed + totals.failed + totals.skipped > 0;
  return hasTests ? [] : [noTestsFinding(tool, project, code !== 0)];
}

function noTestsFinding(tool: string, project: NodeProject, fails: boolean): Finding {
  return {
    tool,
    rule: 'no-tests',
    severity: fails ? 'high' : 'low',
    level: fails ? 'fail' : 'note',
    message: `${tool} found no tests in ${project.folder || 'the repository'}.`,
    at: { file: project.file },
    fix: `Add tests that match the patterns of ${tool}, or correct the patterns.`,
    subject: 'no-tests',
  };
}

/** Causes of failure besides the tests, which vitest and jest only print. */
function besides(
  tool: string,
  run: { readonly stdout: string; readonly stderr: string },
): readonly Finding[] {
  const text = foreignText(`${run.stderr.slice(-200_000)}\n${run.stdout.slice(-200_000)}`, 400_000);
  const thresholds = text.matchAll(
    /^(?:ERROR|Jest): ((?:Coverage for \w+|"[^"\n]+" coverage threshold for).*)$/gim,
  );
  const unhandled = /^.*Unhandled (?:Errors?|Rejections?)\b[\s\S]{0,1500}/m.exec(text)?.[0];
  const finding = (rule: string, message: string): Finding => ({
    tool,
    rule,
    severity: 'high',
    level: 'fail',
    message,
    subject: rule,
  });
  return [
    ...[...thresholds].map(([, message = '']) =>
      finding('coverage-threshold', `${foreignText(message, 300)}.`),
    ),
    ...(unhandled === undefined || tool !== 'vitest' || !/^[ \t]*Errors?[ \t]+\d+ errors?/m.test(text)
      ? []
      : [
          finding(
            'unhandled-error',
            `An error outside of the tests failed the run:\n${foreignText(unhandled, 1_000)}`,
          ),
        ]),
  ];
}

function coverageOf(context: CheckContext, project: NodeProject, folder: string) {
  const file = join(folder, 'coverage-final.json');
  if (!existsSync(file)) return undefined;
  const read = parseReport(() => readIstanbul(readFileSync(file, 'utf8'), context.repo.root, project.folder));
  return 'report' in read ? read.report : undefined;
}
