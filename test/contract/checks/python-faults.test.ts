import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CheckOutput } from '../../../src/checks/model.ts';
import { pythonTools } from '../../../src/checks/tools/all.ts';
import { type CheckedRepo, checkBench, checkedRepo, defaultSettings } from '../../support/checks/context.ts';

/** A project whose environment is there already, with programs that are not what they seem. */
let app: CheckedRepo;
let environment: string;
const names = ['ruff', 'black', 'mypy', 'pytest'] as const;

beforeAll(() => {
  app = checkedRepo({
    'requirements-dev.txt': names.map((name) => `${name}==9`).join('\n'),
    'pyproject.toml': '[tool.ruff.format]',
    'app.py': 'x = 1\n',
  });
  environment = mkdtempSync(join(tmpdir(), 'checks-fake-'));
  mkdirSync(join(environment, 'bin'));
});
afterAll(() => {
  app[Symbol.dispose]();
  rmSync(environment, { recursive: true });
});

/** The interpreter answers what is asked of it before the tools run; it is pytest, too. */
function fake(script: string): void {
  const packages = Object.fromEntries(names.map((name) => [name, '9']));
  const python = join(environment, 'bin/python');
  const facts = {
    python,
    scripts: join(environment, 'bin'),
    prefix: environment,
    version: '3.12.1',
    packages,
  };
  const put = (name: string, text: string) => {
    writeFileSync(join(environment, 'bin', name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(environment, 'bin', name), 0o755);
  };
  put('python', `if [ "$2" = -c ]; then echo '${JSON.stringify(facts)}'; exit; fi\n${script}`);
  for (const name of ['ruff', 'black', 'mypy']) put(name, script);
}

async function check(id: string, signal?: AbortSignal): Promise<CheckOutput> {
  const repo = await app.open();
  const planned = pythonTools
    .flatMap((tool) => tool.plan(repo, defaultSettings))
    .find((plannedCheck) => plannedCheck.id === id);
  if (planned === undefined) throw new Error(`${id} is not planned`);
  using bench = checkBench(repo, {
    env: { VIRTUAL_ENV: environment },
    ...(signal === undefined ? {} : { signal }),
  });
  return await bench.run(planned);
}

const ids = ['ruff', 'ruff format', 'black', 'mypy', 'pytest'];

const faults: readonly (readonly [what: string, script: string, why: RegExp])[] = [
  ['is killed', 'kill -KILL $$', /was killed/],
  ['crashes', 'kill -SEGV $$', /signal 11$/],
  ['ends with an exit code that nobody knows', 'exit 99', /exited with code 99/],
  ['says nothing and fails', 'exit 1', /exited with code 1/],
  ['prints half an answer', `echo '[{"code":'; echo '{"file":'; exit 1`, /without readable output/],
];

describe.each(faults)('a tool that %s did not run', (_, script, why) => {
  test.each(ids)('%s', async (id) => {
    fake(script);
    expect(await check(id)).toMatchObject({ ran: false, why: expect.stringMatching(why) });
  });
});

test.each(ids)('%s that prints 100 MB did not run', async (id) => {
  fake(`yes '{"file": "a.py", "line": 1, "message": "m", "severity": "error"}' | head -c 100000000; exit 1`);
  expect(await check(id)).toMatchObject({ ran: false });
});

test.each(ids)('what %s prints is no command of the runner', async (id) => {
  fake(`echo '::error file=a::owned'; echo '##[error]owned' >&2; echo '::stop-commands::x' >&2; exit 2`);
  const output = await check(id);
  if (output.ran) throw new Error('it ran');
  expect(output.output).toContain('owned');
  expect(output.output).not.toMatch(/^\s*::|##\[/m);
});

test.each(ids)('%s that hangs ends with the run', async (id) => {
  fake('sleep 60');
  const reason = new Error('time is up');
  const ended = new AbortController();
  const output = check(id, ended.signal);
  setTimeout(() => ended.abort(reason), 500);
  await expect(output).rejects.toBe(reason);
});

test.each(['ruff', 'black', 'mypy'])('%s whose program is gone did not run', async (id) => {
  fake('echo "python: No module named that" >&2; exit 1');
  rmSync(join(environment, 'bin', id));
  expect(await check(id)).toMatchObject({ ran: false, output: 'python: No module named that' });
});

test.each([
  ['ruff that says all is well in words', 'ruff', 'echo "All checks passed!"; exit 0'],
  ['ruff that says so with entries of another kind', 'ruff', `echo '[{"x": 1}]'; exit 1`],
  ['black that counts more files than it names', 'black', 'echo "2 files would be reformatted." >&2; exit 1'],
  ['mypy that fails by itself', 'mypy', 'echo "a.py: error: INTERNAL ERROR -- please report" >&2; exit 2'],
])('%s did not run', async (_, id, script) => {
  fake(script);
  expect(await check(id)).toMatchObject({ ran: false });
});

/** Finds the path that pytest is to write its report to. */
const writes = (report: string, code: number) =>
  `for word; do case $word in --junitxml=*) cat > "\${word#*=}" <<'END'\n${report}\nEND\n;; esac; done\nexit ${code}`;
const passing =
  '<testsuites><testsuite name="pytest"><testcase classname="app" name="a" file="app.py"/></testsuite></testsuites>';

test.each([
  ['half a report', passing.slice(0, 40), 1, /without readable output/],
  ['a report without tests', '<testsuites/>', 0, /collected no tests/],
  ['a good report, and then crashes', passing, 1, /exited with code 1 but reported no failed test/],
  ['a good report, and is interrupted', passing, 2, /was interrupted/],
  ['a good report, and fails internally', passing, 3, /internal error/],
  ['a good report, and finds its settings wrong', passing, 4, /rejects its settings/],
])('pytest that writes %s did not run', async (_, report, code, why) => {
  fake(writes(report, code));
  expect(await check('pytest')).toMatchObject({ ran: false, why: expect.stringMatching(why) });
});

test('pytest that a test ends with exit code 0 did not run', async () => {
  fake(`echo '!!!!!!!! _pytest.outcomes.Exit: bye !!!!!!!!'\n${writes(passing, 0)}`);
  expect(await check('pytest')).toMatchObject({ ran: false, why: expect.stringMatching(/pytest\.exit/) });
});

test('pytest that names a failed test has failed, whatever its exit code says', async () => {
  fake(writes(passing.replace('/></testsuite>', '><failure message="no"/></testcase></testsuite>'), 0));
  expect(await check('pytest')).toMatchObject({
    ran: true,
    findings: [{ level: 'fail', message: 'app.py::a failed: no' }],
  });
});

test('too many warnings fail', async () => {
  fake(writes(passing, 6));
  expect(await check('pytest')).toMatchObject({ ran: true, findings: [{ rule: 'warnings', level: 'fail' }] });
});
