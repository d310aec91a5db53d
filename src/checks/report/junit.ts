import { oneLine, plain } from '../../report/text.ts';
import type { CheckResult, ChecksReport, JudgedFinding } from '../model.ts';

/**
 * The report as JUnit XML, for dashboards that read it: a suite for each check, a failure for each finding that counts, and
 * an error where a check did not run. Test runners' suites have their own totals.
 */
export function checksJunit({ results, seconds }: ChecksReport): string {
  const suites = results.map(suiteOf);
  const sum = (field: 'tests' | 'failures' | 'errors' | 'skipped') =>
    suites.reduce((total, suite) => total + suite[field], 0);
  const head = attributes({
    name: 'sluice check',
    tests: sum('tests'),
    failures: sum('failures'),
    errors: sum('errors'),
    skipped: sum('skipped'),
    time: seconds.toFixed(3),
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${head}>`,
    ...suites.map(({ xml }) => xml),
    '</testsuites>\n',
  ].join('\n');
}

function suiteOf(result: CheckResult) {
  const { check, tests, seconds, status, why, output, findings } = result;
  const failing = findings.filter((finding) => finding.accepted === undefined && finding.level !== 'note');
  const cases = failing.map((finding) => caseOf(check.id, finding));
  const errors = status === 'did-not-run' ? 1 : 0;
  const skipped = (tests?.skipped ?? 0) + (status === 'skipped' ? 1 : 0);
  if (errors > 0) cases.push(plainCase(check.id, tag('error', { message: why ?? '' }, output ?? '')));
  if (status === 'skipped') cases.push(plainCase(check.id, tag('skipped', { message: why ?? '' }, '')));
  const shared = cases.length === 0 && (status === 'fail' || status === 'review') ? 1 : 0;
  if (shared > 0)
    cases.push(plainCase(check.id, tag('failure', { message: 'reported with another check' }, '')));
  if (cases.length === 0) cases.push(plainCase(check.id, ''));
  // A test runner reports its number of tests; any other check counts as one test when it passes.
  const ran = tests === undefined ? 0 : tests.passed + tests.failed + tests.skipped;
  const counts = { tests: Math.max(ran, cases.length), failures: failing.length + shared, errors, skipped };
  const head = attributes({ name: check.id, ...counts, time: seconds.toFixed(3) });
  return { ...counts, xml: `  <testsuite${head}>\n${cases.join('\n')}\n  </testsuite>` };
}

function caseOf(suite: string, { rule, at, message, fix, code, level }: JudgedFinding): string {
  const place = at === undefined ? '' : `${at.file}${at.line === undefined ? '' : `:${at.line}`}`;
  const more = [message, code ?? '', fix === undefined ? '' : `→ ${fix}`]
    .filter((part) => part !== '')
    .join('\n');
  const failure = tag('failure', { type: level, message: oneLine(message, 300) }, more.slice(0, 8000));
  const head = attributes({
    classname: suite,
    name: oneLine(place === '' ? rule : `${rule} ${place}`, 500),
    ...(at && { file: at.file }),
    ...(at?.line !== undefined && { line: at.line }),
  });
  return `    <testcase${head}>${failure}</testcase>`;
}

function plainCase(suite: string, inside: string): string {
  return `    <testcase${attributes({ classname: suite, name: suite })}>${inside}</testcase>`;
}

function tag(name: string, values: Readonly<Record<string, string>>, text: string): string {
  return `<${name}${attributes(values)}>${escaped(plain(text.slice(-16_000)))}</${name}>`;
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(oneLine(String(value), 500))}"`)
    .join('');
}

/** @param text went through `plain` or `oneLine`, which removes all that XML cannot hold except two characters. */
function escaped(text: string): string {
  return text
    .replace(/[\ufffe\uffff]/g, '')
    .replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}
