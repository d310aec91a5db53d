import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runProcess } from '../../../src/kernel/process/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-counts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function counts(report: string | object) {
  const file = join(folder, 'report.json');
  writeFileSync(file, typeof report === 'string' ? report : JSON.stringify(report));
  const script = resolve(import.meta.dirname, '../../../scripts/test-counts.ts');
  const { stdout, stderr } = await runProcess([process.execPath, script, 'unit', file]);
  return [stdout.trim(), ...stderr.trim().split('\n').filter(Boolean)];
}

const file = (name: string, ...statuses: string[]) => ({
  name: resolve(name),
  status: 'passed',
  assertionResults: statuses.map((status, index) => ({
    status,
    fullName: `${name} ${index}`,
    failureMessages: status === 'failed' ? ['Error: expected 1 to be 2\n    at a.ts:3:1'] : [],
  })),
});

test('all that passed', async () => {
  expect(
    await counts({ success: true, testResults: [file('a', 'passed', 'passed'), file('b', 'passed')] }),
  ).toEqual(['3 0']);
});

test('what failed, was skipped, or is left for later is a failure', async () => {
  const report = { success: false, testResults: [file('a', 'passed', 'failed', 'skipped', 'todo')] };
  expect(await counts(report)).toEqual([
    '1 3',
    '✗ unit: a: a 1: failed',
    '     Error: expected 1 to be 2',
    '         at a.ts:3:1',
    ' ✗ unit: a: a 2: skipped, not run',
    ' ✗ unit: a: a 3: todo, not run',
  ]);
});

test('a file that did not load', async () => {
  expect(await counts({ success: false, testResults: [file('a', 'passed'), file('b')] })).toEqual([
    '1 1',
    '✗ unit: b ran no test',
  ]);
});

test('no test at all, no report, half a report', async () => {
  expect(await counts({ success: true, testResults: [] })).toEqual([
    '0 1',
    '✗ unit: there was no test to run',
  ]);
  expect(await counts('')).toEqual(['0 1', '✗ unit: vitest ended without a report']);
  expect(await counts('{"success":')).toEqual(['0 1', '✗ unit: vitest ended without a report']);
});

test('an error outside of any test', async () => {
  expect(await counts({ success: false, testResults: [file('a', 'passed')] })).toEqual([
    '1 1',
    '✗ unit: an error outside of any test',
  ]);
});
