import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { CheckResult } from '../../src/checks/model.ts';
import { planChecks } from '../../src/checks/plan.ts';
import { openRepo, repoOf } from '../../src/checks/repo.ts';
import { againBy } from '../../src/checks/report/words.ts';
import { pythonTools } from '../../src/checks/tools/python.ts';
import { trufflehog } from '../../src/checks/tools/trufflehog.ts';
import { settings } from './checks-fixtures.ts';
import { memoryRepo } from './checks-repo.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-hostile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
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

test('an empty folder without git is not clean: no check is for it', () => {
  expect(trufflehog.plan(repoOf('/nothing', [], false), settings)).toEqual([]);
  expect(trufflehog.plan(repoOf('/something', ['a'], false), settings)).toHaveLength(1);
});

describe('names of folders and files', () => {
  const ruff = '[project]\nname = "x"\n[tool.ruff]\n';

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
