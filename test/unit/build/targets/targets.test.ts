import { describe, expect, test } from 'vitest';
import { buildTargets } from '../../../../src/build/targets/targets.ts';
import type { ComposeService } from '../../../../src/config/model.ts';
import { config, linesOf, model } from '../../../support/config/fixtures.ts';

const sight = { ...config, registry: 'ghcr.io/acme/shop' };
const targetsOf = (services: Record<string, ComposeService>, changes: object = {}) =>
  buildTargets({ ...model(services), ...changes }, sight).targets;
const namesOf = (services: Record<string, ComposeService>) =>
  targetsOf(services).map(({ name, services: users, repository }) => [name, users, repository]);

describe('targets of the compose model', () => {
  test('services that run the image of another one share its target', () => {
    const image = 'ghcr.io/acme/shop/app:v1';
    expect(
      namesOf({
        backend: { image, build: { context: '/repo/backend' } },
        worker: { image },
        beat: { image: 'ghcr.io/acme/shop/app:other' },
        db: { image: 'postgres:17' },
      }),
    ).toEqual([['backend', ['backend', 'worker', 'beat'], 'ghcr.io/acme/shop/app']]);
  });

  test('identical builds under one name are one target, different ones are an error', async () => {
    const build = { context: '/repo', args: { A: '1' } };
    const image = 'ghcr.io/acme/shop/app';
    expect(namesOf({ web: { image, build }, job: { image, build: { ...build } } })).toEqual([
      ['web', ['web', 'job'], image],
    ]);
    const lines = await linesOf(() =>
      targetsOf({ web: { image, build }, job: { image, build: { ...build, target: 'job' } } }),
    );
    expect(lines).toEqual([`web and job build different images under one name, ${image} [build.conflict]`]);
  });

  describe('identical builds', () => {
    const build = { context: '/repo', args: { A: '1' } };
    test('without `image:` are one target under the first name, and the plan says so', () => {
      const services = {
        api: { build },
        web: { build: { ...build } },
        other: { build: { ...build, target: 'x' } },
      };
      expect(namesOf(services)).toEqual([
        ['api', ['api', 'web'], 'ghcr.io/acme/shop/api'],
        ['other', ['other'], 'ghcr.io/acme/shop/other'],
      ]);
      expect(buildTargets(model(services), sight).notes).toEqual([
        'api, web: identical builds, built once as ghcr.io/acme/shop/api',
      ]);
    });

    test('join one that has a name; two names stay two images', () => {
      expect(namesOf({ api: { build }, web: { image: 'acme/web', build } })).toEqual([
        ['api', ['api', 'web'], 'docker.io/acme/web'],
      ]);
      expect(namesOf({ api: { image: 'acme/api', build }, web: { image: 'acme/web', build } })).toEqual([
        ['api', ['api'], 'docker.io/acme/api'],
        ['web', ['web'], 'docker.io/acme/web'],
      ]);
    });

    test('are the same also when they take from builds that are', () => {
      const from = (name: string) => ({
        build: { ...build, additional_contexts: { base: `service:${name}` } },
      });
      const services = {
        base: { build: './base' },
        twin: { build: './base' },
        a: from('base'),
        b: from('twin'),
      };
      expect(targetsOf(services).map(({ name, services, contexts }) => [name, services, contexts])).toEqual([
        ['base', ['base', 'twin'], {}],
        ['a', ['a', 'b'], { base: 'target:base' }],
      ]);
    });

    test.each([
      ['shop-web', ['web', 'worker']],
      ['shop_web:latest', ['web', 'worker']],
      ['ghcr.io/acme/shop/web:v1', ['web', 'worker']],
      ['shop-web:v1', ['web']],
      ['other-web', ['web']],
    ])('%s is the image of web for %j', (image, services) => {
      expect(targetsOf({ web: { build }, worker: { image } })[0]?.services).toEqual(services);
    });
  });

  test('one name with a tag for each image is a name for each, and the plan says so', () => {
    const at = (tag: string) => `ghcr.io/acme/demo:${tag}`;
    const services = {
      api: { image: at('1-api'), build: './api' },
      web: { image: at('1-web'), build: './web' },
      worker: { image: at('1-api') },
      same: { image: at('1-web'), build: './web' },
      other: { image: at('0-web') },
    };
    expect(namesOf(services)).toEqual([
      ['api', ['api', 'worker'], 'ghcr.io/acme/demo-api'],
      ['web', ['web', 'same'], 'ghcr.io/acme/demo-web'],
    ]);
    expect(buildTargets(model(services), sight).notes).toEqual([
      'ghcr.io/acme/demo: its tags are different images, so each is pushed as ghcr.io/acme/demo-SERVICE',
    ]);
  });

  test('an official image is not the variant that another service makes of it', () => {
    const services = {
      proxy: { image: 'nginx:custom', build: './nginx' },
      web: { image: 'nginx:1.27' },
      same: { image: 'nginx:custom' },
      postgres: { build: './pg' },
      db: { image: 'postgres:17' },
    };
    expect(namesOf(services).map(([, users]) => users)).toEqual([['proxy', 'same'], ['postgres']]);
  });

  test('an image without a registry, and a service without an image, live below the app’s registry', () => {
    expect(namesOf({ web: { image: 'app:v1', build: {} }, Api: { build: './api' } })).toEqual([
      ['web', ['web'], 'ghcr.io/acme/shop/app'],
      ['Api', ['Api'], 'ghcr.io/acme/shop/api'],
    ]);
  });

  test('without any place to push to, and with nothing to build, it says so', async () => {
    expect(await linesOf(() => buildTargets(model({ web: { build: {} } }), config))).toEqual([
      'services.web: no registry is configured for its image [build.repository]',
    ]);
    expect(await linesOf(() => targetsOf({ web: { image: 'nginx' } }))).toEqual([
      'No service of the compose files has a `build:` section, so there is nothing to build [build.nothing]',
    ]);
  });

  test('every key of build is read, in each of its spellings, and $$ means $', () => {
    const [target] = targetsOf(
      {
        web: {
          build: {
            context: './web',
            dockerfile: 'docker/Dockerfile.prod',
            target: 'final',
            args: { A: '$$HOME', B: null },
            secrets: ['npm', { source: 'key', target: 'signing' }],
            ssh: ['default', 'default'],
            platforms: ['linux/amd64', 'linux/arm64'],
            additional_contexts: ['shared=./shared', 'base=docker-image://alpine:3'],
            cache_from: ['type=registry,ref=x/y'],
            cache_to: ['type=inline'],
            labels: { team: 'web' },
            pull: true,
          },
        },
      },
      { secrets: { npm: { environment: 'NPM_TOKEN' }, key: { file: '/repo/key.pem' } } },
    );
    expect(target).toEqual({
      name: 'web',
      services: ['web'],
      context: '/repo/web',
      dockerfile: { kind: 'file', path: '/repo/web/docker/Dockerfile.prod' },
      target: 'final',
      args: { A: '$HOME' },
      secrets: [
        { id: 'npm', env: 'NPM_TOKEN' },
        { id: 'signing', file: '/repo/key.pem' },
      ],
      ssh: ['default'],
      platforms: ['linux/amd64', 'linux/arm64'],
      contexts: { shared: '/repo/shared', base: 'docker-image://alpine:3' },
      cacheFrom: ['type=registry,ref=x/y'],
      cacheTo: ['type=inline'],
      repository: 'ghcr.io/acme/shop/web',
      labels: { team: 'web' },
      pull: true,
      noCache: false,
    });
  });

  test('x-bake adds what Compose does not know', () => {
    const [target] = targetsOf({
      web: {
        build: {
          context: '/repo',
          dockerfile_inline: 'FROM scratch\nENV A=$$B\n',
          'x-bake': {
            platforms: 'linux/arm64',
            secret: ['id=npm,env=NPM_TOKEN', 'id=file,src=/repo/s', 'plain'],
            'no-cache': true,
            tags: ['x/y:1'],
          },
        },
      },
    });
    expect(target?.dockerfile).toEqual({ kind: 'inline', text: 'FROM scratch\nENV A=$B\n' });
    expect(target?.platforms).toEqual(['linux/arm64']);
    expect(target?.noCache).toBe(true);
    expect(target?.secrets.slice(0, 2)).toEqual([
      { id: 'npm', env: 'NPM_TOKEN' },
      { id: 'file', file: '/repo/s' },
    ]);
  });

  test('service:x as a named context means the target that builds its image', () => {
    const targets = targetsOf({
      base: { image: 'r.example.com/base', build: { context: '/repo/base' } },
      alias: { image: 'r.example.com/base', build: { context: '/repo/base' } },
      web: { build: { context: '/repo/web', additional_contexts: { base: 'service:alias' } } },
    });
    expect(targets.at(-1)?.contexts).toEqual({ base: 'target:base' });
  });

  describe('targets that take files from others', () => {
    const from = (...names: string[]) => ({
      build: {
        context: '/repo',
        additional_contexts: Object.fromEntries(names.map((name) => [`from-${name}`, `service:${name}`])),
      },
    });

    test.each([
      ['two', { a: from('b'), b: from('a') }, 'a → b → a'],
      ['three, with a way in', { top: from('a'), a: from('b'), b: from('c'), c: from('a') }, 'a → b → c → a'],
    ])('in a circle of %s', async (_, services, circle) => {
      expect(await linesOf(() => targetsOf(services))).toEqual([
        `The builds depend on each other in a cycle: ${circle} [build.cycle]`,
      ]);
    });

    test('from themselves, also by the name of a service that shares the build', async () => {
      const lines = ['services.a: its build takes files from its own image [build.cycle]'];
      expect(await linesOf(() => targetsOf({ a: from('a') }))).toEqual(lines);
      const image = 'r.example.com/one';
      const shared = { a: { image, ...from('b') }, b: { image, ...from('b') } };
      expect(await linesOf(() => targetsOf(shared))).toEqual(lines);
    });

    test('from one that builds nothing, and from one that is not there', async () => {
      const lines = await linesOf(() => targetsOf({ a: from('db', 'none'), db: { image: 'postgres:17' } }));
      expect(lines).toEqual([
        'services.a: the context "from-db" is the image of db, which has no `build:` section [build.context]',
        'services.a: the context "from-none" is the image of none, which has no `build:` section [build.context]',
      ]);
    });

    test('twice from the same is no circle', () => {
      const services = { a: from('b', 'c'), b: from('c'), c: from('d'), d: from() };
      expect(targetsOf(services).map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
    });
  });

  test.each([
    ['acme/web:v1', 'docker.io/acme/web'],
    ['docker.io/acme/web', 'docker.io/acme/web'],
    ['registry.example.com/web', 'registry.example.com/web'],
    ['localhost:5000/web', 'localhost:5000/web'],
    ['web', 'ghcr.io/acme/shop/web'],
  ])('the image %s is pushed to %s and nowhere else', (image, repository) => {
    expect(targetsOf({ web: { image, build: '.' } })[0]?.repository).toBe(repository);
  });

  test('a git URL keeps its Dockerfile relative', () => {
    const [target] = targetsOf({ web: { build: { context: 'https://github.com/acme/web.git#main' } } });
    expect(target?.dockerfile).toEqual({ kind: 'file', path: 'Dockerfile' });
    expect(target?.context).toBe('https://github.com/acme/web.git#main');
  });
});
