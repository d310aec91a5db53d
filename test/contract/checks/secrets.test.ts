import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { CheckOutput, Finding } from '../../../src/checks/model.ts';
import { openRepo } from '../../../src/checks/repo.ts';
import { runChecks } from '../../../src/checks/runner/run-checks.ts';
import { trufflehog } from '../../../src/checks/tools/scan/trufflehog.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { createLog } from '../../../src/kernel/log.ts';
import { createMask } from '../../../src/kernel/masking/mask.ts';
import { type CheckedRepo, checkedRepo, defaultSettings } from '../../support/checks/context.ts';

const folder = mkdtempSync(join(tmpdir(), 'checks-secrets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// Made here, so that no scanner of anybody finds them in this file; always the same ones, as scanners leave out some.
const bytes = (label: string) => createHash('sha512').update(label).digest();
const letters = (label: string, count: number) =>
  [...bytes(label).subarray(0, count)].map((byte) => 'ABCDEFGHIJKLMNPQRSTUVWXYZ234567'[byte % 31]).join('');
const mixed = (label: string, count: number) =>
  bytes(label).toString('base64').replace(/[+/=]/g, 'x').slice(0, count);
const planted = {
  awsId: `AKIA${letters('id', 16)}`,
  awsKey: mixed('key', 40),
  github: `ghp_${mixed('token', 36)}`,
  key: generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs1', format: 'pem' })
    .toString(),
};
const aws = `AWS_ACCESS_KEY_ID = "${planted.awsId}"\nAWS_SECRET_ACCESS_KEY = "${planted.awsKey}"\n`;

interface Options {
  readonly base?: string;
  readonly history?: boolean;
  readonly root?: string;
}

/** Runs it as `sluice check` does, and makes sure that nothing that comes out of it holds one of the secrets. */
async function scan(repo: CheckedRepo, { base, history = false, root = repo.root }: Options = {}) {
  let log = '';
  const signal = new AbortController().signal;
  const opened = await openRepo(root, signal);
  const settings = { ...defaultSettings, scan: { ...defaultSettings.scan, history } };
  const [result] = await runChecks(
    {
      repo: opened,
      settings,
      checks: trufflehog.plan(opened, settings),
      changed: base === undefined ? undefined : { base, files: new Map() },
      limits: { cores: 2, memory: 4e9 },
      cache: join(folder, 'cache'),
    },
    {
      log: createLog({
        mode: 'plain',
        verbose: true,
        colour: false,
        folds: true,
        clock: systemClock,
        mask: createMask(() => {}),
        write: (text) => {
          log += text;
        },
      }),
      clock: systemClock,
      mask: createMask(),
      env: process.env,
      signal,
    },
  );
  const everything = `${log}${JSON.stringify(result)}`;
  const secrets = [planted.awsId, planted.awsKey, planted.github, ...planted.key.split('\n').slice(1, -2)];
  for (const secret of secrets) expect(everything.includes(secret), 'a secret came out').toBe(false);
  expect(everything).not.toContain('PRIVATE KEY--');
  return result?.output as CheckOutput;
}

function findings(output: CheckOutput): readonly Finding[] {
  if (!output.ran) throw new Error(`it did not run: ${output.why}`);
  return output.findings;
}

const brief = (output: CheckOutput) =>
  findings(output)
    .map(
      ({ level, rule, at }) => `${level} ${rule} ${at?.file}${at?.line === undefined ? '' : `:${at.line}`}`,
    )
    .sort();

function repoWithHistory(): CheckedRepo {
  const repo = checkedRepo({ 'README.md': 'Hello\n' });
  repo.put('settings.py', `# settings\n${aws}`);
  repo.put('deploy/id_rsa', planted.key);
  repo.git('add', '--all');
  repo.git('commit', '-qm', 'settings');
  repo.remove('deploy/id_rsa');
  repo.git('commit', '-qam', 'without the key');
  repo.put('app/token.txt', `token: "${planted.github}"\n`);
  repo.git('add', '--all');
  repo.git('commit', '-qm', 'token');
  return repo;
}

describe('secrets', () => {
  test('are found in the whole history, removed ones too, when there is no change to look at', async () => {
    using repo = repoWithHistory();
    const output = await scan(repo);
    expect(brief(output)).toEqual([
      'review AWS settings.py:2',
      'review Github app/token.txt:1',
      'review PrivateKey deploy/id_rsa',
    ]);
    expect(output).toMatchObject({ summary: '4 commits, the whole history' });
    const token = findings(output).find(({ rule }) => rule === 'Github');
    const commit = repo.git('rev-parse', '--short=12', 'HEAD').trim();
    expect(token?.message).toBe(
      `Found a secret of type Github in app/token.txt (commit ${commit} by t <t@example.com>). It is unknown whether it is live.`,
    );
    // The same name in the next run, and wherever it stands.
    expect(findings(await scan(repo))).toEqual(findings(output));
    expect(token?.subject).toMatch(/^Github:[0-9a-f]{12}$/);
  });

  test('are found in the commits of the change alone, unless the whole history is asked for', async () => {
    using repo = repoWithHistory();
    expect(brief(await scan(repo, { base: 'HEAD~1' }))).toEqual(['review Github app/token.txt:1']);
    expect(brief(await scan(repo, { base: 'HEAD' }))).toEqual([]);
    expect(brief(await scan(repo, { base: 'HEAD', history: true }))).toHaveLength(3);
  });

  test('are found in commits that a merge of the change brings along, however old they are', async () => {
    using repo = checkedRepo({ 'a.txt': 'a\n' });
    repo.git('checkout', '-qb', 'old');
    repo.put('token.txt', `token: "${planted.github}"\n`);
    repo.git('add', '--all');
    process.env['GIT_COMMITTER_DATE'] = '2020-01-01T00:00:00Z';
    try {
      repo.git('commit', '-qm', 'old');
    } finally {
      delete process.env['GIT_COMMITTER_DATE'];
    }
    repo.git('checkout', '-q', 'main');
    repo.put('b.txt', 'b\n');
    repo.git('add', '--all');
    repo.git('commit', '-qm', 'base');
    const base = repo.git('rev-parse', 'HEAD').trim();
    repo.git('merge', '-q', '--no-edit', 'old');
    const output = await scan(repo, { base });
    expect(brief(output)).toEqual(['review Github token.txt:1']);
    expect(output).toMatchObject({ summary: `2 commits since ${base.slice(0, 12)}` });
  });

  test('are found in what is not committed yet, but not in what git ignores', async () => {
    using repo = checkedRepo({ 'a.txt': 'a\n', '.gitignore': '.env\n' });
    repo.put('a.txt', `a\n\ntoken: "${planted.github}"\n`);
    repo.put('-n', aws);
    repo.put('.env', aws);
    const output = await scan(repo, { base: 'HEAD' });
    expect(brief(output)).toEqual(['review AWS -n:1', 'review Github a.txt:3']);
    expect(findings(output)[0]?.message).toContain('(not committed yet)');
  });

  test('are found whatever the folder is called', async () => {
    using repo = repoWithHistory();
    const root = join(folder, 'a%20b #1?');
    repo.git('clone', '-q', repo.root, root);
    expect(brief(await scan(repo, { root }))).toContain('review PrivateKey deploy/id_rsa');
  });

  test('are only noted in tests and examples, where nobody has confirmed them', async () => {
    using repo = checkedRepo({ 'tests/key.pem': planted.key, '.env.example': aws });
    expect(brief(await scan(repo))).toEqual(['note AWS .env.example:1', 'note PrivateKey tests/key.pem:1']);
  });

  test('are found in a repository without a commit, and in a folder without git', async () => {
    using repo = checkedRepo({});
    repo.remove('.git');
    repo.put('settings.py', aws);
    expect(brief(await scan(repo))).toEqual(['review AWS settings.py:1']);
    repo.git('init', '-q');
    expect(brief(await scan(repo))).toEqual(['review AWS settings.py:1']);
  });
});

describe('a look for secrets did not happen', () => {
  test('when the base of the change does not exist, which TruffleHog itself passes over', async () => {
    using repo = repoWithHistory();
    for (const base of ['0'.repeat(40), 'no-such-branch', '--help']) {
      expect(await scan(repo, { base })).toEqual({
        ran: false,
        why: `git does not have commit ${base}, the base of the change`,
        fix: expect.stringContaining('fetch-depth: 0'),
      });
    }
  });

  test('when the whole history is asked for, and the clone is shallow', async () => {
    using repo = repoWithHistory();
    const root = join(folder, 'shallow');
    repo.git('clone', '-q', '--depth', '1', `file://${repo.root}`, root);
    expect(await scan(repo, { root, history: true })).toMatchObject({
      ran: false,
      why: expect.stringContaining('the clone is shallow'),
    });
    expect(await scan(repo, { root, base: repo.git('rev-parse', 'HEAD~1').trim() })).toMatchObject({
      ran: false,
    });
    // Without a change, what is in the files today is still seen.
    const output = await scan(repo, { root });
    expect(brief(output)).toEqual(['review AWS settings.py:2', 'review Github app/token.txt:1']);
    expect(output).toMatchObject({ summary: '1 commit of a shallow clone' });
  });
});
