import { expect, test } from 'vitest';
import { readJUnit } from '../../../../src/checks/parse/junit.ts';

const pytest = (cases: string) =>
  `<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="9" failures="9">${cases}</testsuite></testsuites>`;
const inA = 'classname="tests.test_a" file="tests/test_a.py"';

test('a report of pytest gives its ids, its lines from 1, and what failed', () => {
  const report = readJUnit(
    pytest(`
      <testcase ${inA} name="test_ok" line="6" time="0.250" />
      <testcase classname="tests.test_a.TestC" file="tests/test_a.py" name="test_m[x/y]" line="16" time="1.5"><failure message="ValueError: line one&#10;line two">tests/test_a.py:18: in test_m
E   ValueError: &lt;b&gt; &#x2713;</failure></testcase>
      <testcase ${inA} name="test_skip" line="27" time="0"><skipped type="pytest.skip" message="no">there</skipped></testcase>
      <testcase classname="" name="tests.test_b" file="tests/test_b.py" time="0"><error message="collection failure">gone</error></testcase>`),
  );
  expect(report?.totals).toMatchObject({ passed: 1, failed: 2, skipped: 1, flaky: 0, seconds: 1.75 });
  expect(report?.totals.slowest[0]).toEqual({
    name: 'tests/test_a.py::TestC::test_m[x/y]',
    file: 'tests/test_a.py',
    seconds: 1.5,
    outcome: 'failed',
  });
  expect(report?.failures).toMatchObject([
    {
      line: 17,
      kind: 'failure',
      message: 'ValueError: line one',
      text: 'tests/test_a.py:18: in test_m\nE   ValueError: <b> ✓',
    },
    { name: 'tests/test_b.py', file: 'tests/test_b.py', kind: 'error', message: 'collection failure' },
  ]);
});

// Recorded from pytest 9.2 with pytest-rerunfailures 16.7: an attempt that failed has an empty element of its own.
test.each([
  ['passed when it was run again', ['', ''], { passed: 1, failed: 0, flaky: 1 }],
  ['failed each time', ['', '', '<failure message="no"/>'], { passed: 0, failed: 1, flaky: 0 }],
  ['failed, and its teardown too', ['<failure/>', '<error/>'], { passed: 0, failed: 1, flaky: 0 }],
  ['ran once', [''], { passed: 1, failed: 0, flaky: 0 }],
])('a test that %s counts once', (_, attempts, totals) => {
  const cases = attempts.map((inside) => `<testcase ${inA} name="test_x" line="1">${inside}</testcase>`);
  expect(readJUnit(pytest(cases.join('')))?.totals).toMatchObject(totals);
});

test('equal names mean nothing to other runners: one of them failed', () => {
  const twice = '<testcase classname="a.test.ts" name="adds"/>';
  const report = readJUnit(
    `<testsuites>${twice}${twice.replace('/>', '><failure/></testcase>')}</testsuites>`,
  );
  expect(report?.totals).toMatchObject({ passed: 1, failed: 1, flaky: 0 });
});

test('suites within suites, jest-junit’s names and Surefire’s flaky tests are understood', () => {
  const report = readJUnit(`<testsuite name="all"><testsuite name="inner">
    <testcase classname="Cart adds" name="Cart adds" time="0.1"/>
    <testcase classname="src/cart.test.ts" name="cart &gt; removes" time="NaN"><flakyFailure message="once"/></testcase>
  </testsuite></testsuite>`);
  expect(report?.totals).toMatchObject({
    passed: 2,
    seconds: 0.1,
    flakyTests: ['src/cart.test.ts › cart > removes'],
    slowest: [{ name: 'Cart adds' }, { name: 'src/cart.test.ts › cart > removes', seconds: 0 }],
  });
});

test('the ten slowest tests are kept', () => {
  const cases = Array.from({ length: 30 }, (_, n) => `<testcase name="t${n}" time="${(n * 7) % 30}"/>`);
  const slowest = readJUnit(`<testsuite>${cases.join('')}</testsuite>`)?.totals.slowest;
  expect(slowest?.map(({ seconds }) => seconds)).toEqual([29, 28, 27, 26, 25, 24, 23, 22, 21, 20]);
});

test('entities that a report declares are not expanded', () => {
  const bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>';
  const report = readJUnit(
    `${bomb}<testsuite><testcase name="&a;"><failure>&b;&lt;</failure></testcase></testsuite>`,
  );
  expect(report?.failures).toMatchObject([{ test: '&a;', text: '&b;<' }]);
});

test.each([
  ['nothing', ''],
  ['half a report', '<testsuites><testsuite name="pytest"><testcase name="a"/>'],
  ['a report cut within a tag', '<testsuites><testsuite name="pyt'],
  ['another document', '<coverage line-rate="1"/>'],
  [
    'one that wants a file read',
    '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><testsuite name="&f;"/>',
  ],
  ['no XML', '{"testsuites": []}'],
  ['endless nesting', '<testsuite>'.repeat(20_000) + '</testsuite>'.repeat(20_000)],
])('%s is no report', (_, text) => {
  expect(readJUnit(text)).toBeUndefined();
});
