import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliRun, type Files, openRepository } from '../../support/cdn/cli.ts';
import { lookInto } from '../../support/cdn/contents.ts';
import type { S3Server } from '../../support/cdn/stores/server.ts';
import { startVersity } from '../../support/cdn/stores/versitygw.ts';

const page = (title: string) => `<!doctype html><title>${title}</title><p>The page of the shop`;
const many = (version: number, count = 150): Files => ({
  'index.html': page(`v${version}`),
  ...Object.fromEntries(
    Array.from({ length: count }, (_, at) => [`files/${at}.txt`, `${at} of ${at % 10 === 0 ? version : 0}`]),
  ),
});
const json = ({ stdout }: CliRun) => JSON.parse(stdout);

let server: S3Server;
beforeAll(async () => {
  server = await startVersity();
});
afterAll(() => server?.stop());

test.each<readonly [string, Files, readonly string[], string]>([
  ['an empty folder', { 'x/.gitkeep': '' }, [], 'cdn.empty'],
  ['no index page', { 'a.html': page('a') }, [], 'cdn.no-index'],
  [
    'sources',
    {
      'index.html': '<!doctype html><div id=app></div><script type="module" src="/src/main.ts"></script>',
      'src/main.ts': '',
    },
    [],
    'cdn.not-built',
  ],
  [
    'a page that names what is not there',
    { 'index.html': `${page('x')}<script src="/assets/gone.js"></script>` },
    [],
    'cdn.missing-asset',
  ],
  ['a .env', { 'index.html': page('x'), '.env': 'KEY=1' }, [], 'cdn.secret-file'],
  ['a target that is none', { 'index.html': page('x') }, ['--target', 'prod'], 'config.unknown-target'],
])('%s is refused, and nothing is written', async (name, files, args, code) => {
  const bucket = `refused-${name.toLowerCase().replaceAll(/[^a-z]+/g, '-')}x`;
  await server.makeBucket(bucket);
  await using repository = await openRepository(bucket);
  await repository.build(files);
  const run = await repository.cdn(server, 'publish', '--name', 'v1', '--json', ...args);
  expect(json(run).errors[0]).toMatchObject({ code });
  expect(run.code).not.toBe(0);
  const store = await lookInto(server, bucket);
  const keys: string[] = [];
  for await (const objects of store.list('')) keys.push(...objects.map(({ key }) => key));
  expect(keys).toEqual([]);
});

test('guards: much less than before, and a changed file that was to be kept for a year', async () => {
  await server.makeBucket('guards');
  await using repository = await openRepository('guards');
  await repository.build({ ...many(1), 'assets/app-1a2b3c4d.js': 'one', 'assets/app-2b3c4d5e.js': 'two' });
  expect((await repository.cdn(server, 'publish', '--name', 'v1')).code).toBe(0);
  await repository.build(many(1, 20));
  const less = await repository.cdn(server, 'publish', '--name', 'v2', '--json');
  expect(json(less).errors[0]).toMatchObject({ code: 'cdn.removed' });
  expect((await repository.cdn(server, 'publish', '--name', 'v2', '--allow-removals')).code).toBe(0);
  await repository.build({
    ...many(1, 20),
    'assets/app-1a2b3c4d.js': 'other',
    'assets/app-2b3c4d5e.js': 'two',
  });
  const changed = await repository.cdn(server, 'publish', '--name', 'v3', '--json');
  expect(json(changed).errors[0]).toMatchObject({ code: 'cdn.immutable' });
});

test('who only looks needs no token of a CDN, and who publishes does', async () => {
  await server.makeBucket('tokenless');
  await using repository = await openRepository('tokenless');
  await repository.build(many(1, 1));
  await repository.cdn(server, 'publish', '--name', 'v1');
  const cdn = {
    dist: 'dist',
    store: 's3://tokenless/site',
    url: 'http://127.0.0.1:9/',
    cloudflare: 'example.com',
  };
  await writeFile(
    join(repository.folder, 'sluice.yml'),
    JSON.stringify({ app: 'shop', cdn: { ...cdn, verify: { for: '1s' } } }),
  );
  expect(json(await repository.cdn(server, 'status', '--json')).current).toMatchObject({ name: 'v1' });
  expect(json(await repository.cdn(server, 'verify', '--json')).findings).toHaveLength(1);
  const published = await repository.cdn(server, 'publish', '--name', 'v2', '--json');
  expect(json(published).errors[0]).toMatchObject({ code: 'cdn.cloudflare' });
});

test.each([
  ['a wrong secret', { AWS_SECRET_ACCESS_KEY: 'wrong-secret-of-the-tests' }, 'refused', 'cdn.store-denied'],
  ['no credentials', { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }, 'refused', 'cdn.credentials'],
  ['a bucket that is none', {}, 'no-such-bucket', 'cdn.store-missing'],
  ['nobody there', { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' }, 'refused', 'cdn.store-unreachable'],
])('%s is told in words', async (_, env, bucket, code) => {
  await using repository = await openRepository(bucket, {}, env);
  await repository.build({ 'index.html': page('x') });
  const run = await repository.cdn(server, 'publish', '--name', 'v1', '--json');
  expect(json(run).errors[0]).toMatchObject({ code });
  expect(run.code).toBe(1);
  expect(run.stdout + run.stderr).not.toContain('wrong-secret');
});
