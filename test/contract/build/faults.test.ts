import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildApp, settings, shopFiles } from '../../support/build/app.ts';
import {
  type FaultProxy,
  refuse,
  startProxy,
  startRegistry,
  type TestRegistry,
} from '../../support/build/registry.ts';

let registry: TestRegistry;
let proxy: FaultProxy;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry[Symbol.asyncDispose]());
beforeEach(async () => {
  proxy = await startProxy(registry);
});
afterEach(() => proxy[Symbol.asyncDispose]());

let count = 0;
const repository = () => `f${++count}`;
/** Tags that people see; trees, caches and what is pushed on the way are not for them. */
const visible = async (name: string) => {
  const tags = await Promise.all([registry.tags(`${name}/shop/api`), registry.tags(`${name}/shop/web`)]);
  return tags.flat().filter((tag) => !/^(?:tree|cache|build)-/.test(tag));
};
const noCache = { 'sluice.yml': settings('{ cache: none }') };

describe('a registry that fails', () => {
  test('403: refused before anything is built', async () => {
    using app = buildApp(shopFiles(`${proxy.host}/${repository()}`));
    proxy.fault = refuse(/^POST/, 403);
    const run = await app.build();
    expect(run.errors).toMatchObject([
      { code: 'registry.denied', hint: expect.stringContaining('SLUICE_REGISTRY_USER') },
    ]);
    expect(run.text).not.toContain('"step":"build');
  });

  test('401: the login of the environment opens every door, and nothing of it stays', async () => {
    const name = repository();
    using app = buildApp(shopFiles(`${proxy.host}/${name}`));
    const basic = `Basic ${Buffer.from('ada:sesame-open-1').toString('base64')}`;
    proxy.fault = (request, response) => {
      if (request.headers.authorization === basic) return false;
      request.resume();
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end('{"errors":[]}');
      return true;
    };
    const stranger = await app.build();
    expect(stranger.errors).toMatchObject([
      { code: 'registry.denied', message: expect.stringContaining('no login') },
    ]);
    const run = await app.build([], {
      SLUICE_REGISTRY_USER: 'ada',
      SLUICE_REGISTRY_PASSWORD: 'sesame-open-1',
    });
    expect(run.errors).toEqual([]);
    expect(await visible(name)).toContain('main');
    // The cache went through the same door.
    expect(await registry.tags(`${name}/shop/api`)).toContain('cache-main');
    expect(run.text).not.toContain('sesame-open-1');
    expect(app.leftovers()).toEqual([]);
  });

  test('500, 503 and 429 that pass are not told', async () => {
    const name = repository();
    using app = buildApp(shopFiles(`${proxy.host}/${name}`, noCache));
    const faults = [
      refuse(/^GET .*manifests/, 500, 2),
      refuse(/^PUT .*manifests\/main/, 429, 1),
      refuse(/^POST .*blobs\/uploads/, 503, 1),
      refuse(/^PUT .*blobs\/uploads/, 429, 1),
    ];
    proxy.fault = async (request, response) => {
      for (const fault of faults) if (await fault(request, response)) return true;
      return false;
    };
    const run = await app.build();
    expect(run.errors).toEqual([]);
    expect(await visible(name)).toContain('main');
  });

  test('500 that stays: the registry’s own words, and no tag is set', async () => {
    const name = repository();
    using app = buildApp(shopFiles(`${proxy.host}/${name}`, noCache));
    proxy.fault = refuse(/^PUT .*(?:blobs|manifests)/, 500);
    const run = await app.build();
    expect(run.errors).toMatchObject([{ code: 'registry.unavailable' }]);
    expect(await visible(name)).toEqual([]);
  });

  test('a connection that drops in the midst of a layer', async () => {
    const name = repository();
    const files = { ...noCache, 'web/web.txt': Array.from({ length: 40_000 }, Math.random).join() };
    using app = buildApp(shopFiles(`${proxy.host}/${name}`, files));
    let dropped = 0;
    proxy.fault = (request) => {
      if (!/^(?:PATCH|PUT)$/.test(request.method ?? '') || !/blobs/.test(request.url ?? '') || dropped > 1) {
        return false;
      }
      dropped++;
      request.once('data', () => request.socket.destroy());
      return true;
    };
    const run = await app.build();
    expect(dropped).toBe(2);
    expect(run.errors).toEqual([]);
    expect(await visible(name)).toContain('main');
  });

  test('a slow registry', async () => {
    using app = buildApp(shopFiles(`${proxy.host}/${repository()}`, noCache));
    proxy.fault = () => new Promise((resolve) => setTimeout(() => resolve(false), 50));
    expect((await app.build()).errors).toEqual([]);
  });

  test('one tag that can’t be put: none of the release is visible', async () => {
    const name = repository();
    using app = buildApp(shopFiles(`${proxy.host}/${name}`, noCache));
    app.git('tag', 'v1.2.3');
    proxy.fault = refuse(/^PUT .*web\/manifests\/latest/, 403);
    const run = await app.build();
    expect(run.errors).toMatchObject([{ code: 'build.tags' }]);
    // Whatever this registry would not delete has been named.
    for (const tag of await visible(name)) expect(run.errors[0]?.message).toContain(`:${tag}`);
    proxy.fault = () => false;
    const again = await app.build();
    expect(again.report.targets.map(({ outcome }) => outcome)).toEqual(['reused', 'reused']);
    expect(await visible(name)).toContain('latest');
  });

  test('a registry whose disk is full', async () => {
    await using full = await startRegistry(1);
    using app = buildApp(
      shopFiles(`${full.host}/x`, { ...noCache, 'web/Dockerfile': 'FROM scratch\nADD noise /\n' }),
    );
    app.put('web/noise', Array.from({ length: 300_000 }, Math.random).join());
    const run = await app.build();
    expect(run.code).toBe(1);
    expect(['registry.unavailable', 'build.push']).toContain(run.errors[0]?.code);
    expect(await full.tags('x/shop/web')).toEqual([]);
  });
});

describe('a cache that is broken', () => {
  test('an image, and no cache, where the cache should be', async () => {
    const name = repository();
    using app = buildApp(shopFiles(`${registry.host}/${name}`));
    await app.build();
    const manifest = await registry.manifest(`${name}/shop/web`, 'main');
    const answer = await fetch(`http://${registry.host}/v2/${name}/shop/web/manifests/cache-main`, {
      method: 'PUT',
      body: JSON.stringify(manifest),
      headers: { 'content-type': String(manifest.mediaType) },
    });
    expect(answer.ok).toBe(true);
    app.put('web/web.txt', 'changed');
    const run = await app.build();
    expect(run.errors).toEqual([]);
    expect(run.report.targets.map(({ outcome }) => outcome)).toEqual(['reused', 'built']);
  });

  test('blobs of the cache that can’t be read', async () => {
    const name = repository();
    using app = buildApp(shopFiles(`${proxy.host}/${name}`));
    await app.build();
    app.put('web/web.txt', 'changed');
    proxy.fault = (request, response) => {
      if (request.method !== 'GET' || !/blobs\/sha256/.test(request.url ?? '')) return false;
      response.writeHead(200, { 'content-length': '7' }).end('garbage');
      return true;
    };
    const run = await app.build();
    // Our own look at the image's configuration meets the same garbage, after the push.
    expect(run.errors.map(({ code }) => code)).toEqual(['registry.protocol']);
    proxy.fault = () => false;
    expect((await app.build()).errors).toEqual([]);
  });

  test('one that can’t be written is a finding', async () => {
    const name = repository();
    using app = buildApp(shopFiles(`${proxy.host}/${name}`));
    proxy.fault = refuse(/^PUT .*manifests\/cache-main/, 403);
    const run = await app.build();
    expect(run.errors).toEqual([]);
    expect(run.report.findings.map(({ topic }) => topic)).toContain('cache');
    expect(await visible(name)).toContain('main');
  });
});

test('two builds at once both end well, with one image for one tree', async () => {
  const name = repository();
  using app = buildApp(shopFiles(`${registry.host}/${name}`));
  const [one, other] = await Promise.all([app.build(), app.build()]);
  expect([one.errors, other.errors]).toEqual([[], []]);
  const digest = await registry.digest(`${name}/shop/api`, 'main');
  expect(one.report.images.api).toBe(`${registry.host}/${name}/shop/api@${digest}`);
  expect(other.report.images).toEqual(one.report.images);
});
