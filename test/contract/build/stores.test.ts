import { mkdtempSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command, must } from '../../bed/command.ts';
import { buildApp, settings, shopFiles } from '../../support/build/app.ts';
import { listImages, startEngine, type TestEngine } from '../../support/build/engine.ts';
import { startRegistry, type TestRegistry } from '../../support/build/registry.ts';

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry[Symbol.asyncDispose]());

/** The decision table against engines as they are: what it chooses works, what it avoids does not. */
describe.each([
  ['containerd', 'registry', true],
  ['graphdriver', 'inline', false],
] as const)('an engine that keeps images in its %s store', (store, backend, exportsCache) => {
  test(`caches by ${backend}, and a new engine builds from it`, async () => {
    const name = `s-${store}`;
    const files = shopFiles(`${registry.host}/${name}`, {
      'api/Dockerfile': 'FROM scratch\nCOPY api.txt /\nCOPY Dockerfile /\nCOPY late.txt /\nUSER 1000\n',
      'api/late.txt': 'late\n',
    });
    using app = buildApp(files);
    {
      await using engine = await startEngine(registry, store);
      const run = await app.build([], { DOCKER_HOST: engine.socket });
      expect(run.errors).toEqual([]);
      expect(run.report.cache?.backend).toBe(backend);
      // Pushed from the build, where that is possible: the engine fetches and unpacks nothing for it.
      expect(await storedImages(engine)).toHaveLength(exportsCache ? 0 : 2);
      expect(run.report.findings.filter(({ topic }) => topic === 'cache')).toEqual([]);
      const tags = await registry.tags(`${name}/shop/api`);
      expect(tags.includes('cache-main')).toBe(exportsCache);
      expect(await registry.digest(`${name}/shop/api`, 'main')).toBe(run.report.images.api?.split('@')[1]);

      // What the table avoids: buildx refuses a full cache there.
      const tag = `${registry.host}/${name}/raw:cache`;
      const flags = ['--cache-to', `type=registry,ref=${tag},mode=max`, `${app.folder}/web`];
      const raw = await command(['docker', '--host', engine.socket, 'buildx', 'build', ...flags]);
      expect(raw.code === 0, raw.stderr).toBe(exportsCache);
    }
    app.put('api/late.txt', 'later\n');
    await using fresh = await startEngine(registry, store);
    const second = await app.build([], { DOCKER_HOST: fresh.socket });
    expect(second.errors).toEqual([]);
    expect(second.report.targets.map(({ outcome }) => outcome)).toEqual(['built', 'reused']);
    expect(second.report.steps).toEqual({ cached: 2, run: 1 });
  });
});

test('an image that is to be tried comes into the engine, another does not; the engine may be that of a context', async () => {
  const name = `${registry.host}/tried`;
  using app = buildApp(
    shopFiles(name, {
      'sluice.yml': settings('{ smoke: { web: "sh -c true" } }'),
      'web/Dockerfile': `FROM ${registry.base}\nCOPY web.txt /\nUSER 1000\n`,
    }),
  );
  await using engine = await startEngine(registry, 'containerd');
  const config = mkdtempSync('/tmp/build-contract-config-');
  try {
    const create = ['--config', config, 'context', 'create', 'theirs', '--docker', `host=${engine.socket}`];
    await must(['docker', ...create]);
    const run = await app.build([], { DOCKER_CONFIG: config, DOCKER_CONTEXT: 'theirs' });
    expect(run.errors).toEqual([]);
    expect(run.text).toContain('"step":"smoke web"');
    expect(await storedImages(engine)).toEqual([`${name}/shop/web`]);
    for (const image of ['api', 'web']) {
      const digest = await registry.digest(`tried/shop/${image}`, 'main');
      expect(run.report.images[image]).toBe(`${name}/shop/${image}@${digest}`);
    }
    expect(app.leftovers()).toEqual([]);
  } finally {
    rmSync(config, { recursive: true, force: true });
  }
});

async function storedImages(engine: TestEngine): Promise<string[]> {
  return [...new Set(await listImages(engine, 'Repository'))];
}
