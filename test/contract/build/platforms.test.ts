import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApp, settings } from '../../support/build/app.ts';
import { startEngine } from '../../support/build/engine.ts';
import { startRegistry, type TestRegistry } from '../../support/build/registry.ts';

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry[Symbol.asyncDispose]());

interface Index {
  readonly manifests: readonly {
    readonly digest: string;
    readonly platform: { readonly architecture: string };
  }[];
}

test('two platforms: an index under all tags, a skip by its tree, and its digest for the deploy', async () => {
  const image = `${registry.host}/multi/web`;
  const compose = `services: { web: { image: ${image}, build: { context: ., platforms: [linux/amd64, linux/arm64] } } }\n`;
  const shell = `FROM ${registry.base} AS native\nFROM scratch AS other\n`;
  using app = buildApp({
    'sluice.yml': settings('{ smoke: { web: [cat, /app.txt] } }'),
    'compose.yml': compose,
    '.dockerignore': '.git\nimages.json\n',
    // The platform that is not the engine's own has no program: whoever tried to run it would fail.
    Dockerfile: `${shell}ARG TARGETARCH\nFROM ${process.arch === 'x64' ? 'native' : 'other'} AS amd64
FROM ${process.arch === 'x64' ? 'other' : 'native'} AS arm64\nFROM $TARGETARCH\nCOPY app.txt /\nUSER 1\n`,
    'app.txt': 'the app\n',
  });
  app.git('tag', 'v1.0.0');
  const run = await app.build(['--images', 'images.json']);
  expect(run.errors).toEqual([]);
  expect(run.report.findings).toEqual([]);
  const index = (await registry.manifest('multi/web', '1.0.0')) as unknown as Index;
  expect(index.manifests.map(({ platform }) => platform.architecture).sort()).toEqual(['amd64', 'arm64']);
  const digest = await registry.digest('multi/web', '1.0.0');
  for (const tag of ['1.0', '1', 'latest']) expect(await registry.digest('multi/web', tag)).toBe(digest);
  const images = JSON.parse(readFileSync(join(app.folder, 'images.json'), 'utf8'));
  expect(images).toEqual({ web: `${image}@${digest}` });
  const [other] = index.manifests.filter(
    ({ platform }) => platform.architecture !== (process.arch === 'x64' ? 'amd64' : 'arm64'),
  );
  expect(await registry.files('multi/web', other?.digest ?? '')).toEqual({ 'app.txt': 'the app\n' });

  const again = await app.build(['--images', 'images.json']);
  expect(again.report.targets.map(({ outcome }) => outcome)).toEqual(['reused']);
  expect(JSON.parse(readFileSync(join(app.folder, 'images.json'), 'utf8'))).toEqual(images);
});

test('the local cache serves an engine that has built nothing', async () => {
  const name = 'local/web';
  using app = buildApp({
    'sluice.yml': settings('{ cache: local }'),
    'compose.yml': `services: { web: { image: ${registry.host}/${name}, build: . } }\n`,
    '.dockerignore': '.git\n',
    Dockerfile: 'FROM scratch\nCOPY early.txt /\nCOPY late.txt /\nUSER 1\n',
    'early.txt': `early ${Math.random()}`,
    'late.txt': 'late',
  });
  const env = { XDG_CACHE_HOME: join(app.folder, '.git', 'cache') };
  const first = await app.build([], env);
  expect(first.errors).toEqual([]);
  expect(first.report.cache?.backend).toBe('local');
  app.put('late.txt', 'later');
  await using cold = await startEngine(registry, 'containerd');
  const second = await app.build([], { ...env, DOCKER_HOST: cold.socket });
  expect(second.errors).toEqual([]);
  expect(second.report.findings).toEqual([]);
  expect(second.report.steps).toEqual({ cached: 1, run: 1 });
  expect(await registry.files(name, 'main')).toMatchObject({ 'late.txt': 'later' });
});
