import { expect, test } from 'vitest';
import { unittest } from '../../../src/checks/tools/python/unittest.ts';
import { checkBench, checkedRepo, defaultSettings } from '../../support/checks/context.ts';

const imports = 'import unittest\n\n\nclass Sums(unittest.TestCase):\n';
const right = '    def test_right(self):\n        self.assertEqual(1 + 1, 2)\n';
const wrong = '    def test_wrong(self):\n        self.assertEqual(1 + 1, 3)\n';
const skipped = '    @unittest.skip("later")\n    def test_later(self):\n        pass\n';

/** Runs Python's own tests of a small project without dependencies. */
async function run(files: Readonly<Record<string, string>>) {
  using repo = checkedRepo({ 'requirements.txt': '', ...files });
  const opened = await repo.open();
  using bench = checkBench(opened);
  return await bench.runOnly(unittest);
}

test('tests of unittest count where nobody uses pytest', async () => {
  expect(await run({ 'test_sums.py': imports + right + skipped })).toMatchObject({
    ran: true,
    findings: [],
    summary: '2 tests',
    tests: { passed: 1, failed: 0, skipped: 1 },
  });
});

test('one that fails is a finding where it failed, one that can’t be imported as well', async () => {
  const output = await run({
    'test_broken.py': 'import no_such_module  # TestCase\n',
    'test_sums.py': imports + right + wrong,
  });
  expect(output).toMatchObject({ ran: true, tests: { passed: 1, failed: 2 } });
  const findings = output.ran ? output.findings : [];
  expect(findings).toMatchObject([
    {
      level: 'fail',
      rule: expect.stringContaining('test_broken'),
      message: expect.stringContaining('no_such_module'),
    },
    {
      level: 'fail',
      message: expect.stringMatching(/test_wrong.*AssertionError: 2 != 3/),
      at: { file: 'test_sums.py', line: 8 },
    },
  ]);
});

test('tests that are not found, and a run that ends early, are no pass', async () => {
  // No package: unittest does not look into the folder.
  expect(await run({ 'sub/test_sums.py': imports + right })).toMatchObject({
    ran: false,
    why: expect.stringContaining('no tests'),
  });
  const exits = `import os\n${imports}    def test_exit(self):\n        os._exit(0)\n`;
  expect(await run({ 'test_exit.py': exits })).toMatchObject({ ran: false });
});

test('a project that uses pytest has no check of unittest', async () => {
  using repo = checkedRepo({ 'requirements.txt': 'pytest==9.2.0\n', 'test_sums.py': imports + right });
  expect(unittest.plan(await repo.open(), defaultSettings)).toEqual([]);
});
