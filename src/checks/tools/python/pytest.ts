import { readFile, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { counted } from '../../../kernel/figures.ts';
import { quoteWord } from '../../../kernel/quote.ts';
import { readCobertura } from '../../coverage/reports.ts';
import { nearest, type PythonProject, targets } from '../../detect/python.ts';
import type { PythonEnvironment } from '../../environments/interpreter.ts';
import { pythonEnvironment } from '../../environments/python.ts';
import type { CheckOutput, FileCoverage, Finding } from '../../model.ts';
import { type FailedTest, readJUnit } from '../../parse/junit.ts';
import { inFolder, type Repo } from '../../repo.ts';
import type { CheckContext, ToolRun } from '../../tool.ts';
import {
  didNotRun,
  type NoAnswer,
  type PythonCheck,
  pythonTool,
  settingsOf,
  shownPath,
  toolCache,
  toolVariables,
} from './project-check.ts';

/** pytest, if it is a dependency or tests are written for it. */
export const pytest = pythonTool({ name: 'pytest', category: 'test' }, plan);

const files = ['pytest.ini', '.pytest.ini', 'pytest.toml', '.pytest.toml'];
const sections = {
  'pyproject.toml': ['tool.pytest'],
  'tox.ini': ['pytest'],
  'setup.cfg': ['tool:pytest'],
};

function plan(repo: Repo, project: PythonProject): PythonCheck | undefined {
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

/** Why a project uses pytest; undefined if it does not. */
export function pytestUse(repo: Repo, project: PythonProject): string | undefined {
  const own = project.dependencies.get('pytest');
  if (own !== undefined) return `pytest ${own.version ?? ''}`.trim().concat(' is a dependency');
  if (project.tests.length === 0) return undefined;
  const conftest = project.sources.find((file) => /(?:^|\/)conftest\.py$/.test(file));
  return settingsOf(repo, project, files, sections) ?? (conftest && `found ${conftest}`);
}

/** The `addopts` of all settings files of the project. */
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
    const why = 'pytest is not installed in the project’s environment';
    return { ran: false, why, fix: 'Add it to the development requirements.' };
  }
  const report = join(context.scratch, 'junit.xml');
  const coverage = join(context.scratch, 'coverage.xml');
  const measures = environment.packages.has('pytest-cov');
  const isGiven = /--cov\b/.test(options);
  const cov = [
    ...(measures ? [`--cov-report=xml:${coverage}`] : []),
    // A gate of the project must not apply to a measurement that Sluice adds.
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

/** Imports packages in src/ from the sources, not from the copy in the environment. */
function pythonPath(context: CheckContext, project: PythonProject): string | undefined {
  const given = context.env['PYTHONPATH'];
  const roots = project.roots
    .filter((root) => root !== project.folder)
    .map((root) => join(context.repo.root, root));
  // An empty entry means the working folder.
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

/** Exit codes: https://docs.pytest.org/en/stable/reference/exit-codes.html; 6, since 9.1, means too many warnings. */
function judge(context: CheckContext, project: PythonProject, run: ToolRun, reports: Reports): CheckOutput {
  const junit = reports.report === undefined ? undefined : readJUnit(reports.report);
  const meaning = meanings.get(run.code);
  if (meaning !== undefined) return didNotRun('pytest', run, meaning);
  if (run.code > 6 || junit === undefined) return didNotRun('pytest', run);
  if (run.code === 0 && ended.test(run.stdout)) {
    return didNotRun('pytest', run, { why: 'was stopped by pytest.exit before all tests had run' });
  }
  const { totals, failures } = junit;
  const count = totals.passed + totals.failed + totals.skipped;
  // With a pytest-cov gate the exit code of a run without tests is 1, not 5.
  if (count === 0) return didNotRun('pytest', run, noTests);
  const findings = [
    ...failures.map((failure) => pytestFinding(failure, context.repo, project)),
    ...gates(run),
  ];
  if (run.code > 0 && findings.length === 0) {
    return didNotRun('pytest', run, {
      why: run.code === 2 ? 'was interrupted' : `exited with code ${run.code} but reported no failed test`,
    });
  }
  return {
    ran: true,
    findings,
    ...(reports.version === undefined ? {} : { version: reports.version }),
    summary: counted(count, 'test'),
    tests: totals,
    ...(reports.coverage === undefined ? {} : { coverage: reports.coverage }),
  };
}

/** `pytest.exit('…', returncode=0)`: later tests are missing in the report, and the exit code hides it. */
const ended = /^!{3,} _pytest\.outcomes\.Exit: /m;

const noTests: NoAnswer = {
  why: 'collected no tests',
  fix: 'Check `testpaths` and `python_files`. For a project without tests, add pytest to checks.skip in sluice.yml.',
};

const meanings: ReadonlyMap<number, NoAnswer> = new Map<number, NoAnswer>([
  [3, { why: 'crashed, or one of its plugins did (internal error)' }],
  [4, { why: 'rejects its settings, its arguments or a conftest.py' }],
  [5, noTests],
]);

/** Causes of failure besides the tests: the gate of pytest-cov, in two wordings, and that of warnings. */
function gates(run: ToolRun) {
  const said = `${run.stdout}\n${run.stderr}`;
  const coverage =
    /^FAIL Required test coverage of .* not reached\..*$/m.exec(said)?.[0].replace(/^FAIL /, '') ??
    /^ERROR: (Coverage failure: .*)$/m.exec(said)?.[1];
  const found = [
    ...(coverage === undefined ? [] : [['coverage', coverage] as const]),
    ...(run.code === 6
      ? [['warnings', 'The tests cause more warnings than the settings of pytest allow.'] as const]
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

const shownLines = 8;

/** A failed test, at its failed line. */
export function pytestFinding(failed: FailedTest, repo: Repo, project: PythonProject): Finding {
  const isCollection = failed.message === 'collection failure';
  const known = new Set(repo.files);
  const fileOf = (path: string) =>
    [shownPath(repo, project.folder, path), path].find((file) => known.has(file));
  const test = failed.file === undefined ? undefined : fileOf(failed.file);
  const place = placeIn(failed.text, fileOf, test) ?? {
    file: test ?? inFolder(project.folder, failed.file ?? ''),
    ...(failed.line === undefined ? {} : { line: failed.line }),
  };
  // pytest marks the lines of the error with E.
  const errors = failed.text.match(/^E {3,}\S.*$/gm)?.map((line) => line.slice(1).trim()) ?? [];
  const said = errors.length === 0 ? failed.message : errors.slice(0, shownLines).join('\n');
  const what = isCollection ? `cannot be imported: ${causeOf(errors)}` : `failed: ${said}`;
  return {
    tool: 'pytest',
    rule: failed.name,
    severity: 'high',
    level: 'fail',
    message: `${failed.name} ${what}`,
    ...(place.file === '' ? {} : { at: place }),
    subject: failed.name,
  };
}

/** The exception is the last of the marked lines; a syntax error shows its place before. */
function causeOf(errors: readonly string[]): string {
  return (
    errors.findLast((line) => /^[\w.]+(?:Error|Exception|Warning)?:/.test(line)) ??
    errors[0] ??
    'collection failed'
  );
}

/**
 * The last line of the test's own file in a traceback: it has the assertion, or the call that led to the error.
 * Without one it is the last line in any file of the repository.
 */
function placeIn(text: string, fileOf: (path: string) => string | undefined, test: string | undefined) {
  // `tests/test_a.py:10: in test_fail`, and for a syntax error `File "/…/tests/test_c.py", line 1`.
  const frames = [...text.matchAll(/^(?:E\s+File "(.+?)", line (\d+)|(\S.*?\.py):(\d+): )/gm)].flatMap(
    ([, quoted, quotedLine, path, line]) => {
      const file = fileOf(quoted ?? path ?? '');
      return file === undefined ? [] : [{ file, line: Number(quotedLine ?? line) }];
    },
  );
  return frames.findLast(({ file }) => file === test) ?? frames.at(-1);
}
