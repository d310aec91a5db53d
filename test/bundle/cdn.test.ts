import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { contentsOf, lookInto } from '../support/cdn/contents.ts';
import { environmentOf, type S3Address, type S3Server } from '../support/cdn/stores/server.ts';
import { startStorm } from '../support/cdn/stores/storm.ts';
import { startVersity } from '../support/cdn/stores/versitygw.ts';
import { runStep, startStep } from './harness/step.ts';

let server: S3Server;
const folders: string[] = [];
beforeAll(async () => {
  server = await startVersity();
});
afterAll(async () => {
  await server?.stop();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

const page = (title: string) => `<!doctype html><title>${title}</title><p>The page of the shop`;

async function workspaceOf(bucket: string, cdn: object = {}): Promise<string> {
  await server.makeBucket(bucket);
  const folder = await mkdtemp(join(tmpdir(), 'sluice-cdn-action-'));
  folders.push(folder);
  const settings = { app: 'shop', cdn: { dist: 'dist', store: `s3://${bucket}`, ...cdn } };
  await writeFile(join(folder, 'sluice.yml'), JSON.stringify(settings));
  return folder;
}

async function build(workspace: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const file = join(workspace, 'dist', path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

/** What a job has: keys, and the tag it runs for. */
function environment(tag: string, address: S3Address = server): Record<string, string> {
  return {
    ...environmentOf(address),
    AWS_ENDPOINT_URL_S3: address.endpoint,
    GITHUB_REF_TYPE: 'tag',
    GITHUB_REF_NAME: tag,
  };
}

test('a tag is published under its name; the same again is nothing; a rollback brings the one before back', async () => {
  const workspace = await workspaceOf('action');
  await build(workspace, { 'index.html': page('one'), 'assets/app-1a2b3c4d.js': 'one()' });
  const first = await runStep('cdn', { workspace, env: environment('v1.0.0') });
  expect(first.code, first.log).toBe(0);
  expect(first.outputs).toMatchObject({ outcome: 'published', release: 'v1.0.0', number: '1', changed: '2' });
  expect(first.summary).toMatch(/^## .*v1\.0\.0/);
  expect(first.log).toContain('as planned');

  await build(workspace, { 'index.html': page('two') });
  const plan = await runStep('cdn', { workspace, with: { command: 'plan' }, env: environment('v1.1.0') });
  expect(plan.outputs).toMatchObject({ outcome: 'planned', release: 'v1.1.0', changed: '1' });
  const second = await runStep('cdn', { workspace, env: environment('v1.1.0') });
  expect(second.outputs).toMatchObject({ outcome: 'published', number: '2', previous: '1', changed: '1' });
  expect(second.outputs.requests).toBe(plan.outputs.requests);
  const again = await runStep('cdn', { workspace, env: environment('v1.1.0') });
  expect(again.outputs).toMatchObject({ outcome: 'nothing', number: '2' });

  const back = await runStep('cdn', { workspace, with: { command: 'rollback' }, env: environment('v1.1.0') });
  expect(back.outputs).toMatchObject({ outcome: 'published', release: 'v1.0.0', number: '3' });
  const store = await lookInto(server, 'action');
  expect((await contentsOf(store))['index.html']).toBe(page('one'));
});

test('a cancelled job gives the lease back, and the next one finishes', async () => {
  const workspace = await workspaceOf('cancelled');
  await build(workspace, { 'index.html': page('one'), 'about.html': page('about one') });
  expect((await runStep('cdn', { workspace, env: environment('v1.0.0') })).code).toBe(0);
  await build(workspace, { 'index.html': page('two'), 'about.html': page('about two') });
  const storm = await startStorm(server, ({ method, path }) =>
    method === 'PUT' && path.endsWith('/about.html') ? { kind: 'slow', ms: 20_000 } : undefined,
  );
  const running = startStep('cdn', 'main', { workspace, env: environment('v2.0.0', storm) });
  while (!storm.seen.some(({ method, path }) => method === 'PUT' && path.endsWith('/about.html'))) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  running.signal('SIGTERM');
  const cancelled = await running.ended;
  expect(cancelled.code).not.toBe(0);
  expect(cancelled.log).toContain('[cancelled]');
  await storm.stop();
  const store = await lookInto(server, 'cancelled');
  expect(await store.get('.sluice/lease')).toBeUndefined();
  expect(await store.get('.sluice/draft')).toBeDefined();
  const next = await runStep('cdn', { workspace, env: environment('v2.0.0') });
  expect(next.code, next.log).toBe(0);
  expect(await contentsOf(store)).toEqual({ 'index.html': page('two'), 'about.html': page('about two') });
});

test('a site that visitors don’t get fails the step, with what is wrong and the way back', async () => {
  const visitors = createServer((_, answer) => answer.writeHead(503).end('no'));
  await new Promise<void>((resolve) => visitors.listen(0, '127.0.0.1', resolve));
  const { port } = visitors.address() as { port: number };
  const url = `http://127.0.0.1:${port}/`;
  const workspace = await workspaceOf('unseen', { url, verify: { for: '1s' } });
  await build(workspace, { 'index.html': page('one') });
  const step = await runStep('cdn', { workspace, env: environment('v1.0.0') });
  visitors.closeAllConnections();
  visitors.close();
  expect(step.code).toBe(1);
  expect(step.outputs).toMatchObject({ outcome: 'published', verdict: 'fail', url });
  expect(
    step.commands
      .filter(({ name }) => name === 'error')
      .map(({ message }) => message)
      .join(),
  ).toContain('503');
});

test('a folder that was not built is refused before anything is asked of the store', async () => {
  const workspace = await workspaceOf('unbuilt');
  const step = await runStep('cdn', { workspace, env: environment('v1.0.0') });
  expect(step.code).toBe(1);
  expect(step.log).toContain('[cdn.dist]');
  expect(step.outputs.outcome ?? '').toBe('');
});
