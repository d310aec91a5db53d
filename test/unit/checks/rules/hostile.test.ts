import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Change } from '../../../../src/checks/change/lines.ts';
import { coverageReport } from '../../../../src/checks/coverage/totals.ts';
import type { CheckResult, RawResult } from '../../../../src/checks/model.ts';
import { planChecks } from '../../../../src/checks/plan.ts';
import { openRepo, repoOf } from '../../../../src/checks/repo.ts';
import { againBy } from '../../../../src/checks/report/words.ts';
import { pythonTools } from '../../../../src/checks/tools/all.ts';
import { trufflehog } from '../../../../src/checks/tools/scan/trufflehog.ts';
import { coverageResults } from '../../../../src/operations/checks/coverage.ts';
import { ran, settings } from '../../../support/checks/fixtures.ts';
import { memoryRepo } from '../../../support/checks/repo.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-hostile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const ruff = '[project]\nname = "x"\n[tool.ruff]\n';
const open = (path: string) => openRepo(path, new AbortController().signal);

describe('a repository that git can’t read', () => {
  const kept = (name: string) => {
    const root = join(folder, name);
    mkdirSync(join(root, 'below'), { recursive: true });
    execFileSync('git', ['init', '-q', root]);
    writeFileSync(join(root, 'app.py'), '');
    return root;
  };

  test.each([
    ['a broken index', (root: string) => writeFileSync(join(root, '.git/index'), 'garbage'), /index file/],
    ['no HEAD', (root: string) => rmSync(join(root, '.git/HEAD')), /not a git repository/],
  ])('with %s is not taken for an empty one', async (name, spoil, words) => {
    const root = kept(name);
    expect(await open(join(root, 'below'))).toMatchObject({ git: true, files: ['app.py'] });
    spoil(root);
    const failed = { code: 'checks.repository', output: expect.stringMatching(words) };
    await expect(open(join(root, 'below'))).rejects.toMatchObject(failed);
  });
});

test('a file whose removal is not staged yet is no file of the repository', async () => {
  const root = join(folder, 'removed');
  execFileSync('git', ['init', '-q', root]);
  for (const name of ['Dockerfile', 'app.py']) writeFileSync(join(root, name), '');
  execFileSync('git', ['-C', root, 'add', '.']);
  rmSync(join(root, 'Dockerfile'));
  expect((await open(root)).files).toEqual(['app.py']);
});

test('a link is read within the repository, and not out of it', () => {
  const root = join(folder, 'links');
  mkdirSync(root);
  writeFileSync(join(folder, 'secret'), 'hidden');
  writeFileSync(join(root, 'real'), 'shown');
  const links = { inner: 'real', outer: '../secret', device: '/dev/zero', loop: 'loop', top: '.' };
  for (const [name, to] of Object.entries(links)) symlinkSync(to, join(root, name));
  const repo = repoOf(root, Object.keys(links), false);
  const read = Object.keys(links).filter((name) => repo.read(name) !== undefined);
  expect(read).toEqual(['inner']);
});

test('an empty folder without git is not clean: no check is for it', () => {
  expect(trufflehog.plan(repoOf('/nothing', [], false), settings)).toEqual([]);
  expect(trufflehog.plan(repoOf('/something', ['a'], false), settings)).toHaveLength(1);
});

describe('names of folders and files', () => {
  test('that make two checks of one name leave both', () => {
    const repo = memoryRepo({
      'pyproject.toml': `${ruff}[tool.ruff.format]\n`,
      'app.py': '',
      'format/pyproject.toml': `${ruff}[tool.black]\n`,
      'format/app.py': '',
    });
    const ids = planChecks(repo, settings, pythonTools).map(({ id }) => id);
    expect(ids).toEqual(['ruff .', 'ruff format', 'ruff format (2)', 'black']);
  });

  test('are no options and no commands', () => {
    const repo = memoryRepo({
      'pyproject.toml': ruff,
      '--exit-zero/app.py': '',
      '$(id)/app.py': '',
      "b/it's/pyproject.toml": ruff,
      "b/it's/app.py": '',
    });
    const checks = planChecks(repo, settings, pythonTools);
    const again = checks.map((check) => againBy({ check } as unknown as CheckResult));
    expect(again).toEqual(["ruff check '$(id)' ./--exit-zero", "cd 'b/it'\\''s' && ruff check"]);
  });

  test.each([
    ['$(id)', "cd '$(id)' && x"],
    ['-p', 'cd ./-p && x'],
    ['a b', "cd 'a b' && x"],
  ])('%s is quoted where it is entered', (name, words) => {
    expect(againBy({ check: { folder: name, command: 'x' } } as unknown as CheckResult)).toBe(words);
  });
});

describe('a gate for the coverage of the change', () => {
  const report = coverageReport([{ file: 'a.py', covered: [1], missed: [] }], undefined);
  const gate = { ...settings, coverage: { ...settings.coverage, changed: 0.9 } };
  const outcome = (change: Pick<Change, 'why' | 'isLost'>, raw: readonly RawResult[] = []) =>
    coverageResults(report, raw, gate, change)[0]?.output;

  test('is no pass when the clone is too short to show the change', () => {
    const why = 'Cannot determine what this run changes: fetch more.';
    expect(outcome({ why, isLost: true })).toMatchObject({ ran: false, why: expect.stringContaining(why) });
  });

  test('names the test runs that have measured nothing', () => {
    const tests = { passed: 1, failed: 0, skipped: 0, flaky: 0, seconds: 1, slowest: [], flakyTests: [] };
    const vitest: RawResult = { ...ran('vitest'), output: { ran: true, findings: [], tests } };
    expect(outcome({ why: 'none', isLost: false }, [ran('ruff'), vitest])).toMatchObject({
      ran: true,
      findings: [{ level: 'note', rule: 'unmeasured', subject: 'vitest' }],
    });
  });

  test('holds in a run that is for no change', () => {
    expect(outcome({ why: 'none', isLost: false })).toMatchObject({ ran: true, findings: [] });
  });
});

test('a plan longer than a pipe takes at once reaches a reader who is slow', () => {
  const root = join(folder, 'large');
  for (let number = 0; number < 300; number++) {
    const project = join(root, `project-with-a-long-name-${number}`);
    mkdirSync(project, { recursive: true });
    writeFileSync(join(project, 'pyproject.toml'), ruff);
    writeFileSync(join(project, 'app.py'), '');
  }
  const main = join(import.meta.dirname, '../../../../src/cli/main.ts');
  const argv = ['-c', '"$0" "$1" check --plan --json | { sleep 1.5; cat; }', process.execPath, main];
  const plan: { checks: unknown[] } = JSON.parse(execFileSync('sh', argv, { cwd: root, encoding: 'utf8' }));
  expect(plan.checks).toHaveLength(301);
});
