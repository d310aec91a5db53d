import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exampleFolder } from '../bed/app/tree.ts';
import { type Bed, upBed } from '../bed/bed.ts';
import { ask } from '../bed/load/ask.ts';
import { startLoad } from '../bed/load/start.ts';
import {
  exampleRepo,
  fitToBed,
  type Kit,
  type Repo,
  releaseKit,
  runWorkflow,
  type WorkflowOptions,
  type WorkflowRun,
} from './harness/github.ts';

let bed: Bed;
let kit: Kit;
let repo: Repo;
const folder = mkdtempSync(join(tmpdir(), 'sluice-github-'));
const migration = '0002_bookmark_note.py';

beforeAll(async () => {
  bed = await upBed({ hosts: 2, log: () => {} });
  await Promise.all(bed.hosts.map((host) => host.wipe()));
  kit = releaseKit(folder);
  repo = exampleRepo(join(folder, 'bookreader'), [migration]);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  bed?.release();
});

const urlOf = (index: number) => `http://${bed.hosts[index]?.http.host}:${bed.hosts[index]?.http.port}`;
const versionAt = async (index: number) =>
  (await ask(urlOf(index), { path: '/api/version', agent: false, wanted: 200, timeoutMs: 10_000 })).version;

const run = (options: WorkflowOptions) => runWorkflow(repo, kit, bed, options);

/** Tags the checkout and pushes the tag. @param version what the app says of itself. */
async function pushTag(
  tag: string,
  version: string,
  env: Readonly<Record<string, string>> = {},
): Promise<WorkflowRun> {
  repo.git('tag', tag);
  return await run({
    workflow: 'sluice-deploy.yml',
    event: 'push',
    payload: { ref: `refs/tags/${tag}` },
    env: { APP_VERSION: version, ...env },
  });
}

test('sluice init on a repository that has never heard of it', () => {
  const [production, staging] = bed.hosts.map((host) => host.sshTarget);
  const flags = ['--production', production ?? '', '--staging', staging ?? ''];
  execFileSync(process.execPath, [kit.cli, 'init', ...flags], { cwd: repo.folder, stdio: 'pipe' });
  expect(readdirSync(join(repo.folder, '.github/workflows')).sort()).toEqual([
    'sluice-backup.yml',
    'sluice-ci.yml',
    'sluice-deploy.yml',
    'sluice-rollback.yml',
  ]);
  fitToBed(repo);
  repo.git('add', '--all');
  repo.git('commit', '-qm', 'Deploy with Sluice');
});

test('a version tag is built and serves in production', async () => {
  const { code, log } = await pushTag('v1.0.0', 'one');
  expect(code, log).toBe(0);
  expect(await versionAt(0)).toBe('one');
  await expect(versionAt(1)).rejects.toThrow();
});

test('the next one, with a migration, under load: nobody notices', async () => {
  const file = `backend/migrations/versions/${migration}`;
  repo.put(file, readFileSync(join(exampleFolder, file), 'utf8'));
  repo.git('add', '--all');
  repo.git('commit', '-qm', 'Notes');
  const load = startLoad({ urls: [urlOf(0)], rate: 40, webSockets: 1, slowSeconds: 2 });
  try {
    const { code, log } = await pushTag('v1.1.0', 'two');
    expect(code, log).toBe(0);
    expect(await versionAt(0)).toBe('two');
  } finally {
    const result = await load.stop();
    expect(result.failures, JSON.stringify(result.samples.slice(0, 10))).toEqual([]);
    expect(result.requests).toBeGreaterThan(100);
  }
});

test('by hand it goes to staging', async () => {
  const { code, log } = await run({
    workflow: 'sluice-deploy.yml',
    event: 'workflow_dispatch',
    inputs: { target: 'staging' },
    environment: 'staging',
    payload: { ref: 'refs/heads/main', inputs: { target: 'staging' } },
    env: { APP_VERSION: 'two' },
  });
  expect(code, log).toBe(0);
  expect(await versionAt(1)).toBe('two');
});

test('a release that never gets well: the job is red, and the first line says what serves', async () => {
  const { code, log } = await pushTag('v1.2.0', 'sick', { BREAK: 'health' });
  expect(code).not.toBe(0);
  expect(log).toMatch(/Summary - ## \S+ production serves bookreader v1\.1\.0 .*v1\.2\.0 was undone/);
  expect(log).toMatch(/::error title=sluice deploy::production serves bookreader v1\.1\.0/);
  expect(await versionAt(0)).toBe('two');
});

test('the rollback workflow goes back', async () => {
  const { code, log } = await run({
    workflow: 'sluice-rollback.yml',
    event: 'workflow_dispatch',
    inputs: { target: 'production', release: '' },
    payload: { ref: 'refs/heads/main', inputs: { target: 'production', release: '' } },
  });
  expect(code, log).toBe(0);
  expect(await versionAt(0)).toBe('one');
});

test('the backup workflow makes a proven backup', async () => {
  const { code, log } = await run({ workflow: 'sluice-backup.yml', event: 'schedule' });
  expect(code, log).toBe(0);
  expect(log).toMatch(/restored/);
});
