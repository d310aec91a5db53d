import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { counted } from '../../../kernel/figures.ts';
import { readIstanbul } from '../../coverage/reports.ts';
import type { NodeProject } from '../../detect/node.ts';
import type { CheckOutput, Finding, TestCase, TestTotals } from '../../model.ts';
import { repoPath } from '../../repo.ts';
import type { CheckContext } from '../../tool.ts';
import { brokenRun, foreignText, type ProgramRun, parseReport } from './project-check.ts';

/** One run of a test runner. */
interface TestRun {
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
    summary: counted(count, 'test'),
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

const assertion = z.looseObject({
  ancestorTitles: z.array(z.string()).optional(),
  title: z.string(),
  status: z.string(),
  duration: z.number().nullish(),
  failureMessages: z.array(z.string()).nullish(),
  /** jest: the number of attempts. */
  invocations: z.number().nullish(),
  location: z.looseObject({ line: z.number() }).nullish(),
});
const reportShape = z.looseObject({
  numTotalTests: z.number(),
  testResults: z.array(
    z.looseObject({
      name: z.string(),
      status: z.string(),
      message: z.string().nullish(),
      assertionResults: z.array(assertion),
    }),
  ),
});
type Suite = z.infer<typeof reportShape>['testResults'][number];
type Assertion = z.infer<typeof assertion>;

interface TestReport {
  readonly totals: TestTotals;
  /** A finding for each failed test, and for each file whose tests could not run. */
  readonly failures: readonly Finding[];
}

interface Where {
  readonly tool: string;
  readonly root: string;
  readonly folder: string;
}

/**
 * Reads the JSON of jest's `--json`, which vitest's reporter of that name imitates.
 *
 * @throws if the text is not such a report.
 */
export function readTestJson(text: string, where: Where): TestReport {
  const suites = reportShape.parse(JSON.parse(text)).testResults;
  const cases = suites.flatMap((suite) => casesOf(suite, where));
  return { totals: testTotals(cases), failures: suites.flatMap((suite) => failuresOf(suite, where)) };
}

/** A file whose tests could not run counts as one failed test. */
function testTotals(cases: readonly TestCase[]): TestTotals {
  const count = (outcome: TestCase['outcome']) =>
    cases.filter((example) => example.outcome === outcome).length;
  const flakyTests = cases.filter(({ flaky }) => flaky === true).map(({ name }) => name);
  return {
    passed: count('passed'),
    failed: count('failed'),
    skipped: count('skipped'),
    flaky: flakyTests.length,
    seconds: cases.reduce((sum, { seconds }) => sum + seconds, 0),
    slowest: cases.toSorted((a, b) => b.seconds - a.seconds).slice(0, 10),
    flakyTests,
  };
}

function casesOf(suite: Suite, where: Where): TestCase[] {
  const file = repoPath(where.root, where.folder, suite.name);
  const inFile = file === undefined ? {} : { file };
  const cases = suite.assertionResults.map((result): TestCase => {
    const outcome = result.status === 'passed' || result.status === 'failed' ? result.status : 'skipped';
    // vitest keeps the messages of earlier attempts, jest counts the attempts.
    const retried = (result.failureMessages ?? []).length > 0 || (result.invocations ?? 1) > 1;
    const flaky = outcome === 'passed' && retried ? { flaky: true } : {};
    return {
      name: nameOf(result, suite, where),
      ...inFile,
      seconds: (result.duration ?? 0) / 1000,
      outcome,
      ...flaky,
    };
  });
  const couldNotRun: TestCase = { name: fileOf(suite, where), ...inFile, seconds: 0, outcome: 'failed' };
  return isBrokenFile(suite) ? [...cases, couldNotRun] : cases;
}

function failuresOf(suite: Suite, where: Where): Finding[] {
  const file = repoPath(where.root, where.folder, suite.name);
  const failed = suite.assertionResults.filter(({ status }) => status === 'failed');
  const findings = failed.map((result): Finding => {
    const text = result.failureMessages?.join('\n') ?? '';
    const at =
      stackPlace(text, file, where) ?? (file === undefined ? undefined : { file, ...lineOf(result) });
    return failure(
      where.tool,
      nameOf(result, suite, where),
      `${nameOf(result, suite, where)} failed: ${messageIn(text)}`,
      at,
    );
  });
  if (!isBrokenFile(suite)) return findings;
  const text = suite.message ?? '';
  const line = /^[ \t]*>[ \t]*(\d+) \|/m.exec(text)?.[1];
  const at = file === undefined ? undefined : { file, ...(line === undefined ? {} : { line: Number(line) }) };
  const message = `The tests of ${fileOf(suite, where)} could not run: ${messageIn(text)}`;
  return [...findings, failure(where.tool, fileOf(suite, where), message, at)];
}

/** The file failed without a failed test: a broken import, a syntax error, a hook. */
function isBrokenFile({ status, assertionResults }: Suite): boolean {
  return status === 'failed' && !assertionResults.some((result) => result.status === 'failed');
}

function failure(tool: string, test: string, message: string, at: Finding['at']): Finding {
  const place = at === undefined ? {} : { at };
  return { tool, rule: test, severity: 'high', level: 'fail', message, ...place, subject: test };
}

/** As both runners print it: `src/cart.test.ts › cart › adds`. */
function nameOf({ ancestorTitles, title }: Assertion, suite: Suite, where: Where): string {
  return foreignText([fileOf(suite, where), ...(ancestorTitles ?? []), title].join(' › '), 300);
}

function fileOf({ name }: Suite, { root, folder }: Where): string {
  const file = repoPath(root, folder, name) ?? name;
  return folder !== '' && file.startsWith(`${folder}/`) ? file.slice(folder.length + 1) : file;
}

function lineOf({ location }: Assertion): { line?: number } {
  return location !== null && location !== undefined && location.line > 0 ? { line: location.line } : {};
}

/** The line of the test file in the stack, else the first line of the repository's own code. */
export function stackPlace(
  text: string,
  testFile: string | undefined,
  { root, folder }: Pick<Where, 'root' | 'folder'>,
): Finding['at'] {
  const frames = [
    ...text.matchAll(/^[ \t]+at (?:.{0,300}\()?(?:file:\/\/)?(\/[^\n]{0,1000}?):(\d+):(\d+)\)?$/gm),
  ];
  const places = frames.flatMap(([, path = '', line, column]) => {
    const file =
      isAbsolute(path) && !path.includes('/node_modules/') ? repoPath(root, folder, path) : undefined;
    return file === undefined ? [] : [{ file, line: Number(line), column: Number(column) }];
  });
  return places.find(({ file }) => file === testFile) ?? places[0];
}

/** The message of a failure, without the stack and in a few lines. */
function messageIn(text: string): string {
  const lines = foreignText(text, 20_000)
    .split('\n')
    .filter((line) => !/^\s+at /.test(line));
  return foreignText(lines.slice(0, 20).join('\n'), 1_000) || 'no message';
}
