import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appRegistry } from '../bed/app/versions.ts';
import { type Bed, upBed } from '../bed/bed.ts';
import { trivyDatabase } from '../support/checks/trivy-database.ts';
import { exampleRepo, fitToBed, type Kit, type Repo, releaseKit, runWorkflow } from './harness/github.ts';

/*
 * Pull requests on the example, by the workflow that `sluice init` writes: the tools are the real ones, in the versions that
 * the example locks; Trivy asks a small database in its real format.
 */

let bed: Bed;
let kit: Kit;
let repo: Repo;
let database: string;
const folder = mkdtempSync(join(tmpdir(), 'sluice-pulls-'));

beforeAll(async () => {
  bed = await upBed({ hosts: 2, log: () => {} });
  database = await trivyDatabase();
  kit = releaseKit(folder);
  repo = exampleRepo(join(folder, 'bookreader'), []);
  execFileSync(process.execPath, [kit.cli, 'init', '--production', 'deploy@prod.example.com'], {
    cwd: repo.folder,
    stdio: 'pipe',
  });
  fitToBed(repo);
  repo.git('add', '--all');
  repo.git('commit', '-qm', 'Deploy with Sluice');
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  bed?.release();
});

interface PullRequest {
  readonly code: number;
  readonly log: string;
  /** What the summary of the job begins with. */
  readonly verdict: string | undefined;
}

/** Opens a pull request with a change, and lets its workflow run. */
async function pullRequest(name: string, number: number, change: () => void): Promise<PullRequest> {
  const base = repo.git('rev-parse', 'main');
  repo.git('checkout', '-q', '-b', name, 'main');
  try {
    change();
    repo.git('add', '--all');
    repo.git('commit', '-qm', name);
    const { code, log } = await runWorkflow(repo, kit, bed, {
      workflow: 'sluice-ci.yml',
      event: 'pull_request',
      payload: {
        number,
        pull_request: {
          number,
          head: { ref: name, sha: repo.git('rev-parse', 'HEAD'), repo: { full_name: 'acme/bookreader' } },
          base: { ref: 'main', sha: base },
        },
      },
      env: {
        TRIVY_CACHE_DIR: database,
        // Packages are kept from one run of the tests to the next, as a team's own runner does.
        XDG_CACHE_HOME: join(homedir(), '.cache/sluice-bed/pulls'),
        npm_config_cache: join(homedir(), '.npm'),
      },
    });
    return { code, log, verdict: /Summary - ## (?:✅|❌|🟡|⚠️) (.*)/.exec(log)?.[1] };
  } finally {
    repo.git('checkout', '-q', 'main');
  }
}

function edit(path: string, from: string, to: string): void {
  const text = readFileSync(join(repo.folder, path), 'utf8');
  if (!text.includes(from)) throw new Error(`${path} does not hold ${from}`);
  repo.put(path, text.replace(from, to));
}

/** What the registry has of the app. */
async function pushed(): Promise<string> {
  const lists = ['backend', 'frontend'].map((name) =>
    fetch(`http://${appRegistry.replace('/', '/v2/')}/${name}/tags/list`).then((answer) => answer.text()),
  );
  return (await Promise.all(lists)).join('\n');
}

test('a clean one passes; its images are built and not pushed', async () => {
  const before = await pushed();
  const { code, log, verdict } = await pullRequest('clean', 1, () => {
    edit('backend/bookreader/__init__.py', '', '# Nothing new.\n');
  });
  expect(code, log).toBe(0);
  expect(verdict, log).toMatch(/^pass/);
  expect(log).toMatch(/[12] of 2 to build, tagged pr-1/);
  expect(await pushed()).toBe(before);
  for (const tool of ['ruff', 'black', 'mypy', 'pytest', 'eslint', 'tsc', 'vitest', 'trivy', 'trufflehog']) {
    expect(log, tool).toMatch(new RegExp(`✓ ${tool}`));
  }
});

test('one with a lint error fails, and a secret in it is found and not shown', async () => {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const { code, log, verdict } = await pullRequest('lint', 2, () => {
    edit('backend/bookreader/health.py', 'import asyncio', 'import asyncio\nimport os');
    repo.put('backend/bookreader/signing.pem', privateKey);
  });
  expect(code, log).not.toBe(0);
  expect(verdict, log).toMatch(/^fail/);
  expect(log).toMatch(/::error title=ruff%3A F401,file=backend\/bookreader\/health.py/);
  expect(log).toMatch(/::warning title=trufflehog%3A PrivateKey,file=backend\/bookreader\/signing.pem/);
  for (const line of privateKey.split('\n').slice(1, -2)) expect(log).not.toContain(line);
  expect(log).toMatch(/Summary - ❌ Checks: failure/);
});

test('one with a failing test fails', async () => {
  const { code, log, verdict } = await pullRequest('test', 3, () => {
    repo.put(
      'backend/tests/test_extra.py',
      '"""Not true."""\n\n\ndef test_extra() -> None:\n    assert sum([1, 1]) == 3\n',
    );
  });
  expect(code).not.toBe(0);
  expect(verdict, log).toMatch(/^fail/);
  expect(log).toMatch(/::error .*file=backend\/tests\/test_extra.py,line=5/);
});

test('one with a vulnerability that nobody has mended yet asks for a review', async () => {
  const { code, log, verdict } = await pullRequest('vulnerable', 4, () => {
    // In the small database it has a vulnerability, and no version is without it.
    const requirements = 'backend/requirements.txt';
    repo.put(requirements, `${readFileSync(join(repo.folder, requirements))}cowsay==6.1\n`);
  });
  expect(code).not.toBe(0);
  expect(verdict, log).toMatch(/^review/);
  expect(log).toMatch(/Summary - ❌ Review required/);
});
