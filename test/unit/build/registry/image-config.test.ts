import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type ImageEngine,
  readImageConfig,
  readImageConfigs,
} from '../../../../src/build/registry/image-config.ts';
import { imageConfigOf } from '../../../../src/build/registry/image-json.ts';
import { childFor } from '../../../../src/build/registry/manifest.ts';
import { manifestOf, type RegistryServer, registryServer } from '../../../support/build/registry-server.ts';

const empty = { ports: [], entrypoint: [], command: [], volumes: [], env: {}, labels: {} };

describe('the configuration of an image', () => {
  test('every key, as the image spec has it', () => {
    const json = {
      User: '1000:1000',
      ExposedPorts: { '8000/tcp': {}, '53/udp': {}, '9000': {}, '7000-7002/tcp': {} },
      Env: ['PATH=/usr/bin', 'EMPTY=', 'A=b=c', 'BARE'],
      Entrypoint: ['/entrypoint.sh'],
      Cmd: ['gunicorn', 'app'],
      Volumes: { '/data': {} },
      WorkingDir: '/app',
      Labels: { 'org.opencontainers.image.title': 'web' },
      Healthcheck: {
        Test: ['CMD-SHELL', 'curl -f localhost'],
        Interval: 5e9,
        StartPeriod: 1.5e9,
        Retries: 2,
      },
    };
    expect(imageConfigOf(json)).toEqual({
      // A plain number is the first key of every JavaScript object.
      ports: [
        { port: 9000, protocol: 'tcp' },
        { port: 8000, protocol: 'tcp' },
        { port: 53, protocol: 'udp' },
        { port: 7000, protocol: 'tcp' },
        { port: 7001, protocol: 'tcp' },
        { port: 7002, protocol: 'tcp' },
      ],
      entrypoint: ['/entrypoint.sh'],
      command: ['gunicorn', 'app'],
      volumes: ['/data'],
      workdir: '/app',
      user: '1000:1000',
      env: { PATH: '/usr/bin', EMPTY: '', A: 'b=c', BARE: '' },
      labels: { 'org.opencontainers.image.title': 'web' },
      healthcheck: {
        test: ['CMD-SHELL', 'curl -f localhost'],
        intervalMs: 5000,
        startPeriodMs: 1500,
        retries: 2,
      },
    });
  });

  test.each([
    {},
    { Cmd: null, Entrypoint: null, ExposedPorts: null, Volumes: null, Env: null, Labels: null, User: '' },
    { Healthcheck: { Test: ['NONE'] } },
    { Healthcheck: { Test: [], Interval: 1e9 } },
    { ExposedPorts: { '99999/tcp': {}, 'x/tcp': {}, '80/quic': {}, '9-1/tcp': {} } },
  ])('nothing in %j', (json) => {
    expect(imageConfigOf(json)).toEqual(empty);
  });
});

describe('the child of an index for a server', () => {
  const children = ['linux/amd64', 'linux/arm64/v8', 'linux/arm/v6', 'linux/arm/v7', 'windows/amd64'].map(
    (name) => {
      const [os = '', architecture = '', variant] = name.split('/');
      return { digest: name, platform: { os, architecture, ...(variant === undefined ? {} : { variant }) } };
    },
  );
  test.each([
    ['linux/arm64', 'linux/arm64/v8'],
    ['linux/aarch64', 'linux/arm64/v8'],
    ['linux/x86_64', 'linux/amd64'],
    ['linux/arm/v7', 'linux/arm/v7'],
    ['linux/armv7l', 'linux/arm/v7'],
    ['linux/riscv64', undefined],
    [undefined, 'linux/amd64'],
  ])('%s', (platform, digest) => {
    expect(childFor(children, platform)?.digest).toBe(digest);
  });

  test('an ARM machine takes the image of an earlier variant', () => {
    const older = children.filter(({ digest }) => digest !== 'linux/arm/v7');
    expect(childFor(older, 'linux/arm/v7')?.digest).toBe('linux/arm/v6');
  });
});

describe('asking for it', () => {
  let server: RegistryServer;
  beforeEach(async () => {
    server = await registryServer();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  const signal = new AbortController().signal;
  const effects = (engines: readonly ImageEngine[] = [], deadlineMs?: number) => ({
    engines,
    registries: (until: AbortSignal) => () => server.open({ signal: until, tries: 1 }),
    signal,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  });
  const reference = () => `${server.host}/shop/web:v1`;

  /** Stores an image the way a registry has it. @returns its manifest. */
  function image(config: object, tag = 'none', mediaType = 'application/vnd.oci.image.config.v1+json') {
    const blob = server.put('shop/web', `blob-${tag}`, JSON.stringify({ architecture: 'amd64', config }));
    return server.put(
      'shop/web',
      tag,
      JSON.stringify({ config: { digest: blob.digest, mediaType }, layers: [] }),
    );
  }

  test('of the registry, for the platform of the server', async () => {
    const amd = image({ Cmd: ['amd'] }, 'amd');
    const arm = image({ Cmd: ['arm'] }, 'arm');
    const index = {
      manifests: [
        { digest: 'sha256:attestation', platform: { os: 'unknown', architecture: 'unknown' } },
        { digest: amd.digest, platform: { os: 'linux', architecture: 'amd64' } },
        { digest: arm.digest, platform: { os: 'linux', architecture: 'arm64' } },
      ],
    };
    server.put('shop/web', 'v1', JSON.stringify(index));
    expect(await readImageConfig(reference(), 'linux/aarch64', effects())).toEqual({
      config: { ...empty, command: ['arm'] },
      source: server.host,
    });
    expect(await readImageConfig(reference(), 'linux/s390x', effects())).toEqual({
      unresolved: `${reference()} has no image for linux/s390x; available: linux/amd64, linux/arm64`,
    });
  });

  test('equal references are asked for once', async () => {
    image({ Cmd: ['web'] }, 'v1');
    await readImageConfigs([reference(), reference()], undefined, effects());
    expect(server.requests.filter((request) => request.endsWith(':v1'))).toHaveLength(1);
  });

  test('an engine that has the image is asked and no registry', async () => {
    const engine: ImageEngine = { name: 'host-1', inspect: async () => ({ Config: { User: 'app' } }) };
    const answer = await readImageConfig(reference(), undefined, effects([engine]));
    expect(answer).toEqual({ config: { ...empty, user: 'app' }, source: 'host-1' });
    expect(server.requests).toEqual([]);
  });

  test('an engine without the image, and one that is down, give way to the registry', async () => {
    image({ User: 'app' }, 'v1');
    const without: ImageEngine = { name: 'host-1', inspect: async () => undefined };
    const down: ImageEngine = { name: 'host-2', inspect: () => Promise.reject(new Error('is down')) };
    const answer = await readImageConfig(reference(), undefined, effects([without, down]));
    expect(answer).toMatchObject({ config: { user: 'app' }, source: server.host });
    server.manifests.clear();
    expect(await readImageConfig(reference(), undefined, effects([without, down]))).toEqual({
      unresolved: `${server.host} does not have ${reference()}; host-2: is down`,
    });
  });

  test('a redirect of a blob to another host gets no login', async () => {
    server.auth = 'basic';
    const seen: (string | undefined)[] = [];
    const storage = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end(JSON.stringify({ config: { User: 'stored' } }));
    });
    storage.listen(0, '127.0.0.1');
    await once(storage, 'listening');
    try {
      const { digest } = manifestOf(JSON.stringify({ config: { User: 'stored' } }));
      server.put('shop/web', 'v1', JSON.stringify({ config: { digest } }));
      server.fault = (request, response) => {
        if (request.url?.includes('/blobs/') !== true || request.headers.authorization === undefined)
          return false;
        const location = `http://127.0.0.1:${(storage.address() as AddressInfo).port}/blob`;
        response.writeHead(307, { location }).end();
        return true;
      };
      const answer = await readImageConfig(reference(), undefined, effects());
      expect(answer).toMatchObject({ config: { user: 'stored' } });
      expect(seen).toEqual([undefined]);
    } finally {
      storage.closeAllConnections();
      storage.close();
    }
  });

  test('a chart is not an image, and text that is no reference is not asked for', async () => {
    image({}, 'v1', 'application/vnd.cncf.helm.config.v1+json');
    expect(await readImageConfig(reference(), undefined, effects())).toEqual({
      unresolved: `${reference()} is not a container image`,
    });
    expect(await readImageConfig('a b', undefined, effects())).toEqual({
      unresolved: 'the image reference is malformed',
    });
  });

  test('a configuration of another shape is reported with its key', async () => {
    image({ Cmd: 'a line' }, 'v1');
    expect(await readImageConfig(reference(), undefined, effects())).toEqual({
      unresolved: 'the configuration of the image is malformed (Cmd)',
    });
  });

  test('a registry that is silent, and an engine that is, end with the deadline', async () => {
    server.fault = () => true;
    const why = { unresolved: 'no answer within 0.05 s' };
    expect(await readImageConfig(reference(), undefined, effects([], 50))).toEqual(why);
    const silent: ImageEngine = { name: 'host-1', inspect: () => new Promise(() => {}) };
    expect(await readImageConfig(reference(), undefined, effects([silent], 50))).toEqual(why);
  });

  test('a cancellation is itself', async () => {
    const controller = new AbortController();
    server.fault = () => {
      controller.abort(new Error('enough'));
      return true;
    };
    const cancelled = { ...effects(), signal: controller.signal };
    await expect(readImageConfig(reference(), undefined, cancelled)).rejects.toThrow('enough');
  });
});
