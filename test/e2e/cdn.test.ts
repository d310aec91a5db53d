import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { contentsOf, lookInto } from '../support/cdn/contents.ts';
import type { S3Server } from '../support/cdn/stores/server.ts';
import { startVersity } from '../support/cdn/stores/versitygw.ts';
import {
  type Kit,
  type Repo,
  releaseKit,
  repoOf,
  runWorkflow,
  type WorkflowOptions,
} from './harness/github.ts';

let server: S3Server;
let kit: Kit;
let repo: Repo;
const folder = mkdtempSync(join(tmpdir(), 'sluice-cdn-'));

/** Builds a page that names an asset by the hash of its content, as bundlers do. */
const build = `
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
const code = readFileSync('app.js', 'utf8');
const name = 'assets/app-' + createHash('sha256').update(code).digest('hex').slice(0, 8) + '.js';
mkdirSync('dist/assets', { recursive: true });
writeFileSync('dist/' + name, code);
writeFileSync('dist/index.html', '<!doctype html><title>Shop</title><script type="module" src="/' + name + '"></script><p>' + process.env.TARGET);
`;

beforeAll(async () => {
  server = await startVersity();
  await server.makeBucket('shop-production');
  await server.makeBucket('shop-staging');
  kit = releaseKit(folder);
  const targets = { production: { store: 's3://shop-production' }, staging: { store: 's3://shop-staging' } };
  const cdn = { dist: 'dist', endpoint: server.endpoint, region: server.region, targets };
  const lock = {
    name: 'shop',
    version: '1.0.0',
    lockfileVersion: 3,
    packages: { '': { name: 'shop', version: '1.0.0' } },
  };
  repo = repoOf(join(folder, 'shop'), {
    'sluice.yml': JSON.stringify({ app: 'shop', cdn }),
    'package.json': JSON.stringify({ name: 'shop', version: '1.0.0', scripts: { build: 'node build.mjs' } }),
    'package-lock.json': JSON.stringify(lock),
    'build.mjs': build,
    'app.js': 'one()',
    // What users copy, as it is.
    '.github/workflows/sluice-cdn.yml': readFileSync(
      resolve(import.meta.dirname, '../../workflows/cdn.yml'),
      'utf8',
    ),
  });
});
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const run = (options: Omit<WorkflowOptions, 'workflow'>) => {
  const { accessKeyId, secretAccessKey } = server;
  const secrets = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  return runWorkflow(repo, kit, undefined, { workflow: 'sluice-cdn.yml', secrets, ...options });
};

async function site(bucket: string): Promise<Record<string, string>> {
  const store = await lookInto(server, bucket);
  const contents = await contentsOf(store);
  store.close();
  return contents;
}

async function pushTag(tag: string): Promise<string> {
  repo.git('tag', tag);
  const { code, log } = await run({ event: 'push', payload: { ref: `refs/tags/${tag}` } });
  expect(code, log).toBe(0);
  return log;
}

test('a version tag is built and published to production, the next one too, and nothing of it to staging', async () => {
  await pushTag('v1.0.0');
  const first = await site('shop-production');
  expect(first['index.html']).toContain('<p>production');
  repo.put('app.js', 'two()');
  repo.git('commit', '-qam', 'Two');
  const log = await pushTag('v1.1.0');
  expect(log).toContain('#2 v1.1.0 is live at s3://shop-production');
  expect(log).not.toContain(server.secretAccessKey);
  expect(Object.values(await site('shop-production'))).toEqual(expect.arrayContaining(['one()', 'two()']));
  expect(await site('shop-staging')).toEqual({});
});

test('by hand it goes to staging, and production goes back without a build', async () => {
  const byHand = (inputs: Record<string, string>) =>
    run({ event: 'workflow_dispatch', inputs, payload: { ref: 'refs/heads/main', inputs } });
  const staging = await byHand({ target: 'staging' });
  expect(staging.code, staging.log).toBe(0);
  expect((await site('shop-staging'))['index.html']).toContain('<p>staging');
  const before = (await site('shop-production'))['index.html'];
  const back = await byHand({ target: 'production', command: 'rollback', to: 'v1.0.0' });
  expect(back.code, back.log).toBe(0);
  expect(back.log).not.toContain('npm run build');
  const after = (await site('shop-production'))['index.html'];
  expect(after).not.toBe(before);
  expect(after).toContain('<p>production');
});
