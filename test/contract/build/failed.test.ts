import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildApp, settings, shopFiles } from '../../support/build/app.ts';
import { startEngine } from '../../support/build/engine.ts';
import { startProxy, startRegistry, type TestRegistry } from '../../support/build/registry.ts';

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry[Symbol.asyncDispose]());

let count = 0;
const repository = () => `n${++count}`;
const noCache = { 'sluice.yml': settings('{ cache: none }') };
const pushed = async (name: string) =>
  (await Promise.all([registry.tags(`${name}/shop/api`), registry.tags(`${name}/shop/web`)])).flat();

describe('a failing build pushes nothing of the set', () => {
  test('a mistake in a Dockerfile is told with its line', async () => {
    const name = repository();
    const files = { ...noCache, 'web/Dockerfile': 'FROM scratch\nCOPI web.txt /\n' };
    using app = buildApp(shopFiles(`${registry.host}/${name}`, files));
    const run = await app.build();
    expect(run.code).toBe(1);
    expect(run.errors).toMatchObject([
      {
        code: 'build.dockerfile',
        message: expect.stringContaining('COPI'),
        at: { file: expect.stringMatching(/web\/Dockerfile$/), line: 2 },
      },
    ]);
    expect(await pushed(name)).toEqual([]);
  });

  test('a step that fails shows its last lines', async () => {
    const name = repository();
    const dockerfile = `FROM ${registry.base}\nCOPY web.txt /\nRUN echo the reason is here >&2 && frobnicate\n`;
    using app = buildApp(shopFiles(`${registry.host}/${name}`, { ...noCache, 'web/Dockerfile': dockerfile }));
    const run = await app.build();
    expect(run.errors).toMatchObject([
      {
        code: 'build.failed',
        message: expect.stringMatching(/^web: .*RUN echo the reason.* exited with code 127$/),
        at: { line: 3 },
        output: expect.stringMatching(/the reason is here\n.*frobnicate: not found/),
        hint: expect.stringContaining('not in this stage’s image'),
      },
    ]);
    expect(await pushed(name)).toEqual([]);
  });

  test('a file that is not there, and a base that does not exist', async () => {
    const name = repository();
    const files = { ...noCache, 'web/Dockerfile': 'FROM scratch\nCOPY nothing.txt /\n' };
    using app = buildApp(shopFiles(`${registry.host}/${name}`, files));
    expect((await app.build()).errors).toMatchObject([
      { code: 'build.dockerfile', message: 'web: "/nothing.txt": not found', at: { line: 2 } },
    ]);
    app.put('web/Dockerfile', `FROM ${registry.host}/no/such:image\n`);
    expect((await app.build()).errors).toMatchObject([{ code: 'build.base', at: { line: 1 } }]);
    expect(await pushed(name)).toEqual([]);
  });

  test('a failing smoke command', async () => {
    const name = repository();
    const smoke = (exit: number) =>
      settings(`{ cache: none, smoke: { web: [sh, -c, "cat /web.txt; exit ${exit}"] } }`);
    using app = buildApp(
      shopFiles(`${registry.host}/${name}`, {
        'sluice.yml': smoke(3),
        'web/Dockerfile': `FROM ${registry.base}\nCOPY web.txt /\nUSER 1000\n`,
        'web/web.txt': 'i am broken',
      }),
    );
    const run = await app.build();
    expect(run.errors).toMatchObject([
      {
        code: 'build.smoke',
        message: 'web: the smoke command exited with code 3',
        output: 'i am broken',
      },
    ]);
    expect(await pushed(name)).toEqual([]);
    // It is tried again: what failed once is not taken for built.
    app.put('sluice.yml', smoke(0));
    expect((await app.build()).report.targets.map(({ outcome }) => outcome)).toEqual(['built', 'built']);
  });
});

test('a builder whose disk is full says so, and nothing is pushed', async () => {
  const name = repository();
  // Of three files of 30 MB the engine's disk has room for one.
  const noise = 'dd if=/dev/urandom bs=1M count=30 of=';
  await using engine = await startEngine(registry, 'containerd', 60);
  using app = buildApp(
    shopFiles(`${registry.host}/${name}`, { ...noCache, 'web/Dockerfile': 'FROM scratch\nCOPY . /\n' }),
  );
  for (const text of ['a', 'b', 'c'])
    execFileSync('sh', ['-c', `${noise}web/${text} 2>/dev/null`], { cwd: app.folder });
  const run = await app.build([], { DOCKER_HOST: engine.socket });
  expect(run.code).toBe(1);
  expect(run.errors).toMatchObject([
    {
      code: 'build.disk-full',
      message: 'web: the builder’s disk is full (/var/lib/docker)',
      hint: expect.stringContaining('docker builder prune'),
    },
  ]);
  expect(await pushed(name)).toEqual([]);
});

describe('cancellation', () => {
  /** Processes of buildx that descend from a run with this mark in its environment. */
  const children = (mark: string) =>
    readdirSync('/proc').filter((pid) => {
      try {
        const read = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8');
        return /^\d+$/.test(pid) && read('cmdline').includes('buildx') && read('environ').includes(mark);
      } catch {
        return false;
      }
    });
  const until = async (condition: () => boolean) => {
    for (let wait = 0; !condition() && wait < 400; wait++) await sleep(25);
  };

  test('in the midst of a step: no child survives, nothing is pushed, no file stays', async () => {
    const name = repository();
    const dockerfile = `FROM ${registry.base}\nCOPY web.txt /\nRUN sleep 50\n`;
    using app = buildApp(shopFiles(`${registry.host}/${name}`, { ...noCache, 'web/Dockerfile': dockerfile }));
    const started = app.start([], {
      // Tools get it: Sluice hands on a list of variables.
      XDG_TEST_MARK: app.folder,
      SLUICE_REGISTRY_USER: 'a',
      SLUICE_REGISTRY_PASSWORD: 'sesame-open',
    });
    await until(() => app.leftovers().some((file) => file.startsWith('sluice-bake')));
    await until(() => children(app.folder).length > 0);
    expect(children(app.folder)).not.toEqual([]);
    await sleep(500);
    started.kill('SIGTERM');
    const run = await started.ended;
    expect(run.code).toBe(130);
    expect(run.errors).toMatchObject([{ code: 'cancelled' }]);
    expect(children(app.folder)).toEqual([]);
    expect(await pushed(name)).toEqual([]);
    expect(app.leftovers()).toEqual([]);
  });

  test('while the tags are put: what was put is taken back', async () => {
    const name = repository();
    await using proxy = await startProxy(registry);
    using app = buildApp(shopFiles(`${proxy.host}/${name}`, noCache));
    await app.build();
    const before = await registry.digest(`${name}/shop/web`, 'main');
    app.put('web/web.txt', 'the next version');
    app.put('api/api.txt', 'the next version, too');
    let isReached = false;
    proxy.fault = async (request) => {
      if (request.method !== 'PUT' || !/api\/manifests\/main$/.test(request.url ?? '')) return false;
      isReached = true;
      await sleep(1_000);
      return false;
    };
    const started = app.start();
    await until(() => isReached);
    started.kill('SIGINT');
    expect((await started.ended).code).toBe(130);
    expect(isReached).toBe(true);
    expect(await registry.digest(`${name}/shop/web`, 'main')).toBe(before);
    expect(app.leftovers()).toEqual([]);
  });
});
