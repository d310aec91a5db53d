import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

/*
 * Reads vitest's JSON report of one part and prints `<passed> <failed>`; what failed, and how, goes to stderr.
 *
 *   node scripts/test-counts.ts PART REPORT.json
 *
 * Everything except a pass is a failure: a file that did not load, a test that was skipped or left for later, a part
 * without tests, and a report that is missing because vitest crashed or was killed.
 */

interface Report {
  /** False also for errors outside of any test, such as an unhandled rejection. */
  readonly success: boolean;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

const [part = '', file = ''] = process.argv.slice(2);

function readReport(): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    return undefined;
  }
}

type Outcome = Report['testResults'][number]['assertionResults'][number];

function outcomeOf({ status, failureMessages }: Outcome): string {
  return status === 'failed' ? `failed${detail(failureMessages ?? [])}` : `${status}, not run`;
}

/** Enough of a message to know the fault without the rest of the log, whose beginning a CI service may have cut. */
function detail(messages: readonly string[]): string {
  const lines = messages.flatMap((message) => message.trim().split('\n')).filter((line) => line !== '');
  return lines
    .slice(0, 25)
    .map((line) => `\n     ${line.slice(0, 400)}`)
    .join('');
}

function count(report: Report | undefined): {
  readonly passed: number;
  readonly troubles: readonly string[];
} {
  if (report === undefined) return { passed: 0, troubles: ['vitest ended without a report'] };
  const tests = report.testResults.flatMap((testResult) => testResult.assertionResults);
  const passed = tests.filter((test) => test.status === 'passed').length;
  const troubles = [
    ...report.testResults
      .filter((testResult) => testResult.assertionResults.length === 0)
      .map(
        (testResult) => `${relative('.', testResult.name)} ran no test${detail([testResult.message ?? ''])}`,
      ),
    ...report.testResults.flatMap((testResult) =>
      testResult.assertionResults
        .filter((test) => test.status !== 'passed')
        .map((test) => `${relative('.', testResult.name)}: ${test.fullName}: ${outcomeOf(test)}`),
    ),
  ];
  if (tests.length === 0) return { passed, troubles: [...troubles, 'there was no test to run'] };
  if (troubles.length === 0 && !report.success) troubles.push('an error outside of any test');
  return { passed, troubles };
}

const { passed, troubles } = count(readReport());
for (const trouble of troubles) console.error(` ✗ ${part}: ${trouble}`);
console.log(`${passed} ${troubles.length}`);
