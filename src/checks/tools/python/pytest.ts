import { readFile, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { quoteWord } from '../../../kernel/quote.ts';
import { readCobertura } from '../../coverage/cobertura.ts';
import { nearest, type PythonProject, targets } from '../../detect/python.ts';
import type { PythonEnvironment } from '../../environments/interpreter.ts';
import { pythonEnvironment } from '../../environments/python.ts';
import type { CheckOutput, FileCoverage } from '../../model.ts';
import { readJUnit } from '../../parse/junit.ts';
import { inFolder, type Repo } from '../../repo.ts';
import type { CheckContext, Tool, ToolRun } from '../../tool.ts';
import { didNotRun, type NoAnswer } from './outcome.ts';
import { type ProjectCheck, planPython, settingsOf, toolCache, toolVariables } from './project-check.ts';
import { pytestFinding } from './pytest-failure.ts';

/** pytest, where it is among the packages, or where tests are written for it. */
export const pytest: Tool = {
  name: 'pytest',
  category: 'test',
  plan: (repo, settings) => planPython(repo, settings, 'pytest', 'test', (project) => plan(repo, project)),
};

const files = ['pytest.ini', '.pytest.ini', 'pytest.toml', '.pytest.toml'];
const sections = {
  'pyproject.toml': ['tool.pytest'],
  'tox.ini': ['pytest'],
  'setup.cfg': ['tool:pytest'],
};

function plan(repo: Repo, project: PythonProject): ProjectCheck | undefined {
  const why = pytestUse(repo, project);
  if (why === undefined) return undefined;
  const environment = pythonEnvironment(project);
  const options = givenOptions(repo, project);
  const paths = project.nested.length > 0 ? targets(project, project.tests) : [];
  const isParallel = /(?:^|[\s"'])(?:-n|--numprocesses)[\s="',]*(?:\d|auto|logical)/m.test(options);
  return {
    why,
    command: ['pytest', ...paths.map(quoteWord)].join(' '),
    needs: [environment],
    cost: { cores: isParallel ? 'all' : 1, memory: 500e6, seconds: 60 },
    run: (context) => runPytest(context, project, context.prepared(environment), options, paths),
  };
}

/** Why a project uses pytest; undefined when it does not. */
export function pytestUse(repo: Repo, project: PythonProject): string | undefined {
  const own = project.dependencies.get('pytest');
  if (own !== undefined) return `pytest ${own.version ?? ''}`.trim().concat(' is among its packages');
  if (project.tests.length === 0) return undefined;
  const conftest = project.sources.find((file) => /(?:^|\/)conftest\.py$/.test(file));
  return settingsOf(repo, project, files, sections) ?? (conftest && `there is ${conftest}`);
}

/** The text that holds `addopts`, whichever file of the project it is in. */
function givenOptions(repo: Repo, project: PythonProject): string {
  const names = [...files, ...Object.keys(sections)];
  const found = names.flatMap((name) => nearest(repo, project.folder, [name]) ?? []);
  const texts = found.map(
    (file) => /^[ \t]*["']?addopts["']?[ \t]*=((?:.*\n?)(?:[ \t\]].*\n?)*)/m.exec(repo.read(file) ?? '')?.[1],
  );
  return texts.filter((text) => text !== undefined).join('\n');
}

async function runPytest(
  context: CheckContext,
  project: PythonProject,
  environment: PythonEnvironment,
  options: string,
  paths: readonly string[],
): Promise<CheckOutput> {
  if (!environment.packages.has('pytest')) {
    const why = 'pytest is not among the packages of the project';
    return { ran: false, why, fix: 'Add it to the requirements for development.' };
  }
  const report = join(context.scratch, 'junit.xml');
  const coverage = join(context.scratch, 'coverage.xml');
  const measures = environment.packages.has('pytest-cov');
  const isGiven = /--cov\b/.test(options);
  const cov = [
    ...(measures ? [`--cov-report=xml:${coverage}`] : []),
    // Nobody has set a gate for a measurement that is ours alone.
    ...(measures && !isGiven ? ['--cov', '--cov-fail-under=0'] : []),
  ];
  const settings = [
    'junit_family=xunit1',
    'junit_suite_name=pytest',
    `cache_dir=${toolCache(context, 'pytest', project.folder)}`,
  ];
  const args = [
    ...settings.flatMap((setting) => ['-o', setting]),
    `--junitxml=${report}`,
    '--tb=short',
    '--color=no',
  ];
  const run = await context.spawn([environment.python, '-m', 'pytest', ...args, ...cov, ...paths], {
    env: {
      ...toolVariables(context, environment),
      PYTHONPATH: pythonPath(context, project),
      COVERAGE_FILE: join(context.scratch, 'coverage-data'),
    },
  });
  const measured = await read(coverage);
  const found = measured === undefined ? undefined : readCobertura(measured, context.repo, project.folder);
  return judge(context, project, run, {
    report: await read(report),
    version: environment.packages.get('pytest'),
    coverage: isGiven ? found : found?.filter(({ file }) => !isTest(project, file)),
  });
}

/** A package in src/ is found as it is now, not as it was when the environment was made. */
function pythonPath(context: CheckContext, project: PythonProject): string | undefined {
  const given = context.env['PYTHONPATH'];
  const roots = project.roots
    .filter((root) => root !== project.folder)
    .map((root) => join(context.repo.root, root));
  // An empty entry would stand for the folder it runs in.
  return [...roots, ...(given ? [given] : [])].join(delimiter) || undefined;
}

const largestReport = 256 * 2 ** 20;

async function read(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined || found.size > largestReport ? undefined : readFile(path, 'utf8');
}

function isTest(project: PythonProject, file: string): boolean {
  return project.tests.includes(file) || file.startsWith(`${inFolder(project.folder, 'tests')}/`);
}

interface Reports {
  readonly report: string | undefined;
  readonly version: string | undefined;
  readonly coverage: readonly FileCoverage[] | undefined;
}

/** Exit codes: https://docs.pytest.org/en/stable/reference/exit-codes.html; 6, of version 9.1, is for too many warnings. */
function judge(context: CheckContext, project: PythonProject, run: ToolRun, reports: Reports): CheckOutput {
  const junit = reports.report === undefined ? undefined : readJUnit(reports.report);
  const meaning = meanings.get(run.code);
  if (meaning !== undefined) return didNotRun('pytest', run, meaning);
  if (run.code > 6 || junit === undefined) return didNotRun('pytest', run);
  if (run.code === 0 && ended.test(run.stdout)) {
    return didNotRun('pytest', run, { why: 'was ended by pytest.exit before all tests had run' });
  }
  const { totals, failures } = junit;
  const count = totals.passed + totals.failed + totals.skipped;
  // With pytest-cov and its gate a run without tests ends with 1, not with 5.
  if (count === 0) return didNotRun('pytest', run, noTests);
  const findings = [
    ...failures.map((failure) => pytestFinding(failure, context.repo, project)),
    ...gates(run),
  ];
  if (run.code > 0 && findings.length === 0) {
    return didNotRun('pytest', run, {
      why: run.code === 2 ? 'was interrupted' : `ended with exit code ${run.code}, but names no failed test`,
    });
  }
  return {
    ran: true,
    findings,
    ...(reports.version === undefined ? {} : { version: reports.version }),
    summary: `${count.toLocaleString('en')} ${count === 1 ? 'test' : 'tests'}`,
    tests: totals,
    ...(reports.coverage === undefined ? {} : { coverage: reports.coverage }),
  };
}

/** `pytest.exit('…', returncode=0)`: the tests behind it are in no report, and the exit code hides it. */
const ended = /^!{3,} _pytest\.outcomes\.Exit: /m;

const noTests: NoAnswer = {
  why: 'collected no tests',
  fix: 'Do `testpaths` and `python_files` fit the tests there are? A project without tests is skipped by name in sluice.yml.',
};

const meanings: ReadonlyMap<number, NoAnswer> = new Map<number, NoAnswer>([
  [3, { why: 'failed by a fault of its own, or of a plugin (internal error)' }],
  [4, { why: 'does not accept its settings, its arguments or a conftest.py' }],
  [5, noTests],
]);

/** What fails a run although no test does: the gate of pytest-cov, in two wordings, and that of warnings. */
function gates(run: ToolRun) {
  const said = `${run.stdout}\n${run.stderr}`;
  const coverage =
    /^FAIL Required test coverage of .* not reached\..*$/m.exec(said)?.[0].replace(/^FAIL /, '') ??
    /^ERROR: (Coverage failure: .*)$/m.exec(said)?.[1];
  const found = [
    ...(coverage === undefined ? [] : [['coverage', coverage] as const]),
    ...(run.code === 6
      ? [['warnings', 'There are more warnings than the settings of pytest allow.'] as const]
      : []),
  ];
  return run.code === 0
    ? []
    : found.map(([rule, message]) => ({
        tool: 'pytest',
        rule,
        severity: 'medium' as const,
        level: 'fail' as const,
        message,
        subject: rule,
      }));
}
