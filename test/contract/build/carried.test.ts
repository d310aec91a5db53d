import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { must } from '../../bed/command.ts';
import { buildApp, shopFiles } from '../../support/build/app.ts';
import { listImages, startEngine, type TestEngine } from '../../support/build/engine.ts';
import { startRegistry, type TestRegistry } from '../../support/build/registry.ts';

// `registry: none`: the engine is all there is. The registry of the test is there for its network alone.

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry(16);
});
afterAll(() => registry[Symbol.asyncDispose]());

const config = (build = '{}') =>
  `app: shop\nregistry: none\nbuild: ${build}\ntargets: { production: { hosts: [deploy@prod.example.com] } }\n`;
const files = (changes: Record<string, string> = {}) =>
  shopFiles('ghcr.io', { 'sluice.yml': config(), ...changes });

async function tagsOf(engine: TestEngine, name: string): Promise<string[]> {
  return (await listImages(engine, 'Tag', `localhost/shop/${name}`)).sort();
}

describe.each(['containerd', 'graphdriver'] as const)(
  'an engine that keeps images in its %s store',
  (store) => {
    let engine: TestEngine;
    beforeAll(async () => {
      engine = await startEngine(registry, store);
    });
    afterAll(() => engine[Symbol.asyncDispose]());

    test('keeps the images under their digests and the tags of the ref, and builds no tree twice', async () => {
      using app = buildApp(files());
      const env = { DOCKER_HOST: engine.socket };
      const run = await app.build(['--images', 'images.json'], env);
      expect(run.errors).toEqual([]);
      expect(run.report.pushed).toBe(false);
      const { api = '', worker, web = '' } = run.report.images;
      expect(worker).toBe(api);
      expect(JSON.parse(readFileSync(join(app.folder, 'images.json'), 'utf8'))).toEqual(run.report.images);

      // The name is the digest of what the engine would give to whoever takes the image.
      const argv = ['docker', '--host', engine.socket, 'save', api];
      const list = await must(['sh', '-c', '"$@" | tar -xOf - manifest.json', 'sh', ...argv]);
      const hex = api.slice(api.indexOf(':sha256-') + 8);
      expect((JSON.parse(list) as { Config: string }[])[0]?.Config).toBe(`blobs/sha256/${hex}`);
      const tags = await tagsOf(engine, 'api');
      expect(tags.filter((tag) => !/^(?:sha-|tree-)/.test(tag)).sort()).toEqual(['main', `sha256-${hex}`]);
      expect(tags.filter((tag) => tag.startsWith('tree-'))).toHaveLength(1);

      const again = await app.build([], env);
      expect(again.report.targets.map(({ outcome }) => outcome)).toEqual(['reused', 'reused']);
      expect(again.report.steps).toEqual({ cached: 0, run: 0 });
      expect(again.report.images).toEqual(run.report.images);

      app.put('api/api.txt', 'another\n');
      const third = await app.build([], env);
      expect(third.report.targets.map(({ outcome }) => outcome)).toEqual(['built', 'reused']);
      expect(third.report.images.web).toBe(web);
      expect(third.report.images.api).not.toBe(api);
    });

    test('an image that fails its smoke test gets no tag, and is not taken for built', async () => {
      const build = '{ smoke: { api: /nothing } }';
      using app = buildApp(
        files({
          'sluice.yml': config(build),
          'api/Dockerfile': 'FROM scratch\nCOPY api.txt /smoke\nUSER 1000\n',
        }),
      );
      const before = await tagsOf(engine, 'api');
      for (let attempt = 0; attempt < 2; attempt++) {
        const run = await app.build(['--images', 'images.json'], { DOCKER_HOST: engine.socket });
        expect(run.errors.map(({ code }) => code)).toEqual(['build.smoke']);
        expect(await tagsOf(engine, 'api')).toEqual(before);
      }
    });

    test('what only a registry can hold is refused before anything is built', async () => {
      for (const [build, said] of [
        ['{ provenance: true }', 'sbom and provenance need a registry'],
        ['{ platforms: [linux/amd64, linux/arm64] }', 'without a registry an image has one platform'],
      ] as const) {
        using app = buildApp(files({ 'sluice.yml': config(build) }));
        const run = await app.build([], { DOCKER_HOST: engine.socket });
        expect(run.errors.map(({ code }) => code)).toEqual(['build.carried']);
        expect(run.errors[0]?.message).toContain(said);
      }
    });
  },
);
