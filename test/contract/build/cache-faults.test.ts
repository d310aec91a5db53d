import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildApp } from '../../support/build/app.ts';
import { startEngine, type TestEngine } from '../../support/build/engine.ts';
import {
  blobFile,
  type FaultProxy,
  refuse,
  startProxy,
  startRegistry,
  type TestRegistry,
} from '../../support/build/registry.ts';

let registry: TestRegistry;
/** It has built nothing of what the cache has. */
let cold: TestEngine;
beforeAll(async () => {
  registry = await startRegistry();
  cold = await startEngine(registry, 'containerd');
});
afterAll(async () => {
  await cold[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
});

let count = 0;

/** An app whose image and cache are in the registry, and of which one file has changed since. */
async function changedApp(host: string) {
  const repository = `c${++count}/web`;
  const early = `early ${Math.random()}\n`;
  const app = buildApp({
    'compose.yml': `services: { web: { image: ${host}/${repository}, build: . } }\n`,
    Dockerfile: 'FROM scratch\nCOPY early.txt /\nCOPY middle.txt /\nCOPY late.txt /\nUSER 1\n',
    'early.txt': early,
    'middle.txt': 'middle',
    'late.txt': `late ${Math.random()}`,
  });
  const first = await app.build();
  expect(first.errors).toEqual([]);
  app.put('late.txt', 'changed');
  return { app, repository, early };
}

async function expectBuilt(
  { app, repository, early }: Awaited<ReturnType<typeof changedApp>>,
  env: Readonly<Record<string, string>>,
  finding: RegExp | undefined,
) {
  const run = await app.build([], env);
  expect(run.errors).toEqual([]);
  // The image has layers of the cache; what is told of their bytes must be right.
  await registry.tamper(
    'cd /var/lib/registry; for f in $(find . -name data.whole); do mv "$f" "${f%.whole}"; done',
  );
  const files = await registry.files(repository, 'main');
  expect(files).toEqual({ 'early.txt': early, 'middle.txt': 'middle', 'late.txt': 'changed' });
  const said = run.report.findings.filter(({ topic }) => topic === 'cache').map(({ message }) => message);
  if (finding === undefined) expect(said).toEqual([]);
  else expect(said).toContainEqual(expect.stringMatching(finding));
  return run;
}

interface Cache {
  readonly manifest: string;
  readonly map: string;
  readonly layers: readonly string[];
}

async function cacheOf(repository: string): Promise<Cache> {
  const manifest = (await registry.digest(repository, 'cache-main')) ?? '';
  const { config, layers } = (await registry.manifest(repository, 'cache-main')) as {
    config: { digest: string };
    layers: { digest: string }[];
  };
  return { manifest, map: config.digest, layers: layers.map(({ digest }) => digest) };
}

describe('a cache that is broken in the registry, and a new engine', () => {
  const perFile = (files: readonly string[], script: (file: string) => string) =>
    files.map((file) => `cp ${blobFile(file)} ${blobFile(file)}.whole; ${script(blobFile(file))}`).join('\n');
  const flip = (file: string) => `printf X | dd of=${file} bs=1 seek=30 conv=notrunc 2>/dev/null`;
  const again = /the build failed with the cache and ran again without it: .*sha256:/;
  const unread = /:cache-main is not read: .* has another digest/;

  test.each<[string, (cache: Cache) => string, RegExp]>([
    [
      'a manifest of garbage',
      ({ manifest }) => `echo garbage > ${blobFile(manifest)}`,
      /:cache-main is not read: /,
    ],
    [
      'no map of the layers',
      ({ map }) => `rm ${blobFile(map)}`,
      /:cache-main is not read: .* lacks the blob /,
    ],
    ['a map with other bytes', ({ map }) => flip(blobFile(map)), unread],
    [
      'a map that takes one layer for another',
      ({ map, layers: [a, b] }) => `sed -i 's/${a}/A/; s/${b}/${a}/; s/A/${b}/' ${blobFile(map)}`,
      unread,
    ],
    ['layers that are gone', ({ layers }) => perFile(layers, (file) => `rm ${file}`), again],
    ['layers with other bytes', ({ layers }) => perFile(layers, flip), again],
    ['layers that are cut', ({ layers }) => perFile(layers, (file) => `truncate -s 50 ${file}`), again],
  ])('%s', async (_, tamper, finding) => {
    const changed = await changedApp(registry.host);
    using _app = changed.app;
    await registry.tamper(tamper(await cacheOf(changed.repository)));
    await expectBuilt(changed, { DOCKER_HOST: cold.socket }, finding);
  });

  test('one that is whole is read', async () => {
    const changed = await changedApp(registry.host);
    using _app = changed.app;
    const run = await expectBuilt(changed, { DOCKER_HOST: cold.socket }, undefined);
    expect(run.report.steps).toEqual({ cached: 2, run: 1 });
  });
});

describe('a registry that does not give the cache', () => {
  const ours = /manifests\/cache-main/;
  const silent: FaultProxy['fault'] = async ({ url = '' }) =>
    ours.test(url) ? await sleep(30_000, true) : false;
  const slow: FaultProxy['fault'] = async ({ url = '' }) =>
    ours.test(url) ? await sleep(300, false) : false;

  test.each<[string, FaultProxy['fault'], RegExp | undefined]>([
    [
      '401',
      refuse(/(?:GET|HEAD) .*manifests\/cache-main/, 401),
      /:cache-main is not read: .* refuses access/,
    ],
    ['500', refuse(/(?:GET|HEAD) .*manifests\/cache-main/, 500), /:cache-main is not read: .* 500/],
    ['silence', silent, /:cache-main is not read: the registry is silent/],
    ['a slow answer', slow, undefined],
    ['500 for the export', refuse(/^PUT .*manifests\/cache-main/, 500), /exporting cache to registry: .*500/],
  ])('%s', async (_, fault, finding) => {
    await using proxy = await startProxy(registry);
    const changed = await changedApp(proxy.host);
    using _app = changed.app;
    proxy.fault = fault;
    await expectBuilt(changed, {}, finding);
  });
});
