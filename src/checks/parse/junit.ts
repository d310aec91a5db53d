import type { TestCase, TestTotals } from '../model.ts';
import { descendants, readXml, type XmlElement } from './xml.ts';

/** A test that failed or could not run. */
export interface FailedTest {
  /** As in {@link TestCase}: `tests/test_books.py::test_list`, `src/cart.test.ts › cart › adds`. */
  readonly name: string;
  /** `classname` of the report. */
  readonly suite: string;
  /** `name` of the report. */
  readonly test: string;
  /** As the runner wrote it, relative to that runner's base. */
  readonly file?: string;
  /** Where the test begins, if the runner reports it; counts from 1. */
  readonly line?: number;
  /** `error`: the failure is outside of an assertion. */
  readonly kind: 'failure' | 'error';
  /** First line of its message, or ''. */
  readonly message: string;
  /** The whole text: stack, diff. */
  readonly text: string;
}

interface JUnitReport {
  readonly totals: TestTotals;
  readonly failures: readonly FailedTest[];
}

const slowestCount = 10;

/**
 * Reads the JUnit XML of a test runner (pytest, vitest, jest-junit, …). Counts come from the test cases themselves; the
 * sums that runners write beside them differ in what they include.
 *
 * @returns undefined if the report is invalid or incomplete.
 */
export function readJUnit(xml: string): JUnitReport | undefined {
  const top = readXml(xml);
  if (top === undefined || !/^testsuites?$/.test(top.name)) return undefined;
  const elements = descendants(top, 'testcase');
  const isPytest = [top, ...descendants(top, 'testsuite')].some(
    ({ attributes }) => attributes['name'] === 'pytest',
  );
  const cases = isPytest ? withReruns(elements.map(pytestCase)) : elements.map(testCase);
  const count = (outcome: TestCase['outcome']) =>
    cases.filter((example) => example.outcome === outcome).length;
  const flakyTests = cases.filter(({ flaky }) => flaky).map(({ name }) => name);
  const totals = {
    passed: count('passed'),
    failed: count('failed'),
    skipped: count('skipped'),
    flaky: flakyTests.length,
    seconds: cases.reduce((sum, { seconds }) => sum + seconds, 0),
    slowest: [...cases].sort((a, b) => b.seconds - a.seconds).slice(0, slowestCount),
    flakyTests,
  };
  const failures = elements.flatMap((element) => failedTest(element, isPytest));
  return { totals, failures };
}

function testCase(element: XmlElement): TestCase {
  const { file } = element.attributes;
  const seconds = Number(element.attributes['time'] ?? 0);
  return {
    name: nameOf(element),
    ...(file === undefined ? {} : { file }),
    seconds: Number.isFinite(seconds) ? Math.max(0, seconds) : 0,
    outcome: outcomeOf(element),
    ...(isFlaky(element) ? { flaky: true } : {}),
  };
}

function pytestCase(element: XmlElement): TestCase {
  return { ...testCase(element), name: pytestName(element) };
}

/**
 * pytest's ids are unique, but a test has an element for every attempt that pytest-rerunfailures made (those that failed
 * look as if they had passed), and one more for an error after a failure.
 */
function withReruns(attempts: readonly TestCase[]): TestCase[] {
  const tests = new Map<string, TestCase>();
  for (const attempt of attempts) {
    const before = tests.get(attempt.name);
    tests.set(attempt.name, before === undefined ? attempt : merged(before, attempt));
  }
  return [...tests.values()];
}

function merged(before: TestCase, after: TestCase): TestCase {
  const outcome = [before.outcome, after.outcome].includes('failed') ? 'failed' : after.outcome;
  const { flaky: _, ...facts } = before;
  const seconds = before.seconds + after.seconds;
  return { ...facts, seconds, outcome, ...(outcome === 'passed' ? { flaky: true } : {}) };
}

function outcomeOf(element: XmlElement): TestCase['outcome'] {
  if (failureOf(element) !== undefined) return 'failed';
  return element.children.some(({ name }) => name === 'skipped') ? 'skipped' : 'passed';
}

/** Maven Surefire's elements for an earlier failed attempt, which other runners have adopted. */
function isFlaky(element: XmlElement): boolean {
  return (
    outcomeOf(element) === 'passed' &&
    element.children.some(({ name }) => /^(?:flakyFailure|flakyError|rerunFailure|rerunError)$/.test(name))
  );
}

function failureOf(element: XmlElement): XmlElement | undefined {
  return element.children.find(({ name }) => name === 'failure' || name === 'error');
}

function failedTest(element: XmlElement, isPytest: boolean): FailedTest[] {
  const failure = failureOf(element);
  if (failure === undefined) return [];
  const { file, line } = element.attributes;
  const { message = '' } = failure.attributes;
  return [
    {
      name: isPytest ? pytestName(element) : nameOf(element),
      suite: element.attributes['classname'] ?? '',
      test: element.attributes['name'] ?? '',
      ...(file === undefined ? {} : { file }),
      ...(line === undefined || !/^\d+$/.test(line)
        ? {}
        : // pytest counts its lines from 0.
          { line: Number(line) + (isPytest ? 1 : 0) }),
      kind: failure.name === 'error' ? 'error' : 'failure',
      message: (message.trim() || failure.text.trim()).split('\n')[0] ?? '',
      text: failure.text,
    },
  ];
}

/** jest-junit repeats the suite in the name. */
function nameOf(element: XmlElement): string {
  const { classname = '', name = '' } = element.attributes;
  if (name.startsWith(classname)) return name;
  return `${classname} › ${name}`;
}

/** The id that pytest prints, for which its report must have files (`-o junit_family=xunit1`). */
function pytestName(element: XmlElement): string {
  const { classname = '', name = '', file } = element.attributes;
  if (file === undefined) return nameOf(element);
  const module = file.replace(/\.py$/, '').replaceAll('/', '.');
  // A module that could not be collected is a test case with the module's name.
  if (classname === '') return file;
  const classes = classname.startsWith(`${module}.`) ? classname.slice(module.length + 1).split('.') : [];
  return [file, ...classes, name].join('::');
}
