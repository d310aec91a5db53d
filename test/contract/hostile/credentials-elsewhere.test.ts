import type { Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import Docker from 'dockerode';
import { Agent, fetch as undiciFetch } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { openRegistry } from '../../../src/build/registry/client.ts';
import { builtRegistries, passwordRegistry } from '../../../src/config/images/app-registry.ts';
import { pullImages, registryLogins, resolveDigests } from '../../../src/deploy/project/images.ts';
import type { Host } from '../../../src/host/model.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { makeCertificate } from '../../support/cdn/web-server.ts';
import { errorsOf } from '../../support/config/fixtures.ts';
import { fakeEngine } from '../../support/host/fake-engine.ts';
import { recordBuild } from '../../support/hostile/build-recorder.ts';
import {
  type Answer,
  ask,
  closeServers,
  identity,
  leaked,
  listen,
  open,
  password,
  type Seen,
  servers,
  to,
  token,
} from '../../support/hostile/thief.ts';

afterEach(closeServers);

describe('the login of a registry stays there', () => {
  test.each([307, 308, 302, 301, 303])(
    'when it answers %i to another host, which asks for a login',
    async (status) => {
      const thief: Seen = await listen('127.0.0.3', (request, response) =>
        request.url?.startsWith('/token')
          ? token(request, response)
          : ask(`Bearer realm="http://${thief.host}/token"`)(request, response),
      );
      const registry = await listen('127.0.0.2', to(`http://${thief.host}/v2/shop/web/manifests/1`, status));
      const errors = await errorsOf(() => open(registry.host).manifest('shop/web', '1'));
      expect(errors).toMatchObject([
        { code: 'registry.protocol', message: expect.stringContaining(thief.host) },
      ]);
      expect(thief.requests).toEqual(['GET /v2/shop/web/manifests/1 nobody']);
    },
  );

  test('when that host asks by Basic, or is the same host at another port', async () => {
    const thief = await listen('127.0.0.2', ask('Basic realm="x"'));
    const registry = await listen('127.0.0.2', to(`http://${thief.host}/x`));
    expect(await errorsOf(() => open(registry.host).json('shop/web', 'sha256:1'))).toHaveLength(1);
    expect(leaked(thief)).toEqual([]);
  });

  test('when the way leads back to it: a request that was sent away is a stranger’s', async () => {
    let visits = 0;
    const registry: Seen = await listen('127.0.0.2', (request, response) => {
      if (request.headers.authorization === undefined)
        ask(`Bearer realm="http://${registry.host}/token"`)(request, response);
      else if (request.url?.startsWith('/token')) response.end('{"token":"token-of-the-registry"}');
      else if (visits++ === 0) to(`http://${other.host}/`)(request, response);
      else response.end('{}');
    });
    const other = await listen('127.0.0.3', (request, response) =>
      to(`http://${registry.host}/v2/private/secret/manifests/1`)(request, response),
    );
    expect(await errorsOf(() => open(registry.host).manifest('shop/web', '1'))).toHaveLength(1);
    const [back] = registry.requests.filter((line) => line.includes('/private/'));
    expect(back).toBe('GET /v2/private/secret/manifests/1 nobody');
    expect(leaked(other)).toEqual([]);
  });

  test('when its token service redirects: neither the password nor a refresh token goes after', async () => {
    for (const login of [password, identity]) {
      const thief = await listen('127.0.0.3', token);
      const registry: Seen = await listen('127.0.0.2', (request, response) =>
        request.url?.startsWith('/token')
          ? to(`http://${thief.host}/token`)(request, response)
          : ask(`Bearer realm="http://${registry.host}/token"`)(request, response),
      );
      const errors = await errorsOf(() => open(registry.host, login).manifest('shop/web', '1'));
      expect(errors).toMatchObject([
        { code: 'registry.protocol', message: expect.stringContaining('redirects') },
      ]);
      expect(thief.requests).toEqual([]);
    }
  });

  test.each([
    ['without TLS', () => 'http://auth.example.com/token'],
    ['with a user in it', (host: string) => `http://ada:x@${host}/token`],
    ['of another scheme', () => 'file:///etc/passwd'],
    ['without a scheme', (host: string) => `//${host}/token`],
    ['in the network of clouds’ metadata', () => 'https://169.254.169.254/token'],
  ])('when its realm is %s', async (_what, realm) => {
    const asked: string[] = [];
    const spy: typeof fetch = async (input, init) => {
      const url = String(input instanceof Request ? input.url : input);
      asked.push(url);
      return url.startsWith(`http://${registry.host}/v2/`)
        ? await fetch(input, init)
        : new Response('{"token":"t"}');
    };
    const registry: Seen = await listen('127.0.0.2', (request, response) =>
      ask(`Bearer realm="${realm(registry.host)}"`)(request, response),
    );
    const signal = new AbortController().signal;
    const effects = { fetch: spy, signal, clock: systemClock, login: async () => password, tries: 1 };
    const errors = await errorsOf(() => openRegistry(registry.host, effects).manifest('shop/web', '1'));
    expect(errors).toMatchObject([{ code: 'registry.protocol' }]);
    expect(asked).toHaveLength(1);
  });

  test('when places of uploads and of further tags are on another host', async () => {
    const thief = await listen('127.0.0.3', (_request, response) => void response.end('{"tags":["stolen"]}'));
    const registry = await listen('127.0.0.2', (request, response) => {
      if (request.headers.authorization === undefined) ask('Basic')(request, response);
      else if (request.method === 'POST')
        response.writeHead(202, { location: `http://${thief.host}/upload` }).end();
      else
        response.writeHead(200, { link: `<http://${thief.host}/v2/more>; rel="next"` }).end('{"tags":["1"]}');
    });
    await open(registry.host).checkPush('shop/web');
    expect(registry.requests.filter((line) => line.startsWith('DELETE'))).toEqual([]);
    expect(await errorsOf(() => open(registry.host).tags('shop/web'))).toMatchObject([
      { code: 'registry.protocol', message: expect.stringContaining(thief.host) },
    ]);
    expect(thief.requests).toEqual([]);
  });
});

describe('over TLS', () => {
  /** Connects to 127.0.0.2 whatever the host is called, and trusts any certificate: the names are what counts here. */
  const agent = new Agent({
    connect: {
      rejectUnauthorized: false,
      lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.2', family: 4 }]),
    },
  });
  const overTls = ((input: string, init: object) =>
    undiciFetch(input, { ...init, dispatcher: agent })) as typeof fetch;
  const certificate = makeCertificate();

  test.each<[what: string, answer: (ports: { plain: number; secure: number }) => Answer]>([
    ['a realm without TLS', ({ plain }) => ask(`Bearer realm="http://registry.example.com:${plain}/token"`)],
    ['a redirect without TLS', ({ plain }) => to(`http://registry.example.com:${plain}/v2/`)],
    ['another name of the same machine', ({ secure }) => to(`https://evil.example.com:${secure}/x`)],
  ])('%s gets nothing', async (_what, answer) => {
    const plain = await listen('127.0.0.2', token);
    const seen: string[] = [];
    const server = createSecureServer(certificate, (request, response) => {
      const { host, authorization = 'nobody' } = request.headers;
      seen.push(`${host?.split(':')[0]} ${authorization}`);
      if (host?.startsWith('evil.')) ask('Basic realm="x"')(request, response);
      else answer(ports())(request, response);
    });
    const ports = () => ({
      plain: Number(plain.host.split(':')[1]),
      secure: (server.address() as AddressInfo).port,
    });
    servers.add(server as unknown as Server);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.2', resolve));
    const signal = new AbortController().signal;
    const effects = { fetch: overTls, signal, clock: systemClock, login: async () => password, tries: 1 };
    const errors = await errorsOf(() =>
      openRegistry(`registry.example.com:${ports().secure}`, effects).manifest('shop/web', '1'),
    );
    expect(errors).toMatchObject([{ code: 'registry.protocol' }]);
    expect(seen.filter((line) => !line.endsWith(' nobody'))).toEqual([]);
    expect(plain.requests).toEqual([]);
  });
});

describe('the password of the environment', () => {
  test('goes to the app’s registry, and not to one that a compose file names', async () => {
    const thief = await listen('127.0.0.3', ask('Basic realm="x"'));
    const own = await listen('127.0.0.2', (request, response) =>
      request.headers.authorization === undefined
        ? ask('Basic')(request, response)
        : response.writeHead(404).end(),
    );
    const settings = `app: shop\nregistry: ${own.host}/shop\ntargets: { production: { hosts: [deploy@prod.example.com] } }\n`;
    const env = { SLUICE_REGISTRY_USER: 'ada', SLUICE_REGISTRY_PASSWORD: 'sesame-open' };
    const files = { 'sluice.yml': settings, Dockerfile: 'FROM scratch\nCOPY compose.yml /\n' };
    for (const services of [
      `{ x: { image: ${thief.host}/x, build: . } }`,
      `{ x: { image: ${thief.host}/x, build: . }, web: { build: { context: ., args: { A: b } } } }`,
    ]) {
      const { logins } = await recordBuild({ ...files, 'compose.yml': `services: ${services}\n` }, env);
      expect(logins).toEqual([own.host]);
    }
    expect(thief.requests.length).toBeGreaterThan(0);
    expect(leaked(thief)).toEqual([]);
    expect(leaked(own).length).toBeGreaterThan(0);
  });
});

describe('the password on a server', () => {
  test('is told to its engine for the app’s registry alone, also without registry: in sluice.yml', async () => {
    const asked: string[] = [];
    await using engine = await fakeEngine((request, response) => {
      const auth = Buffer.from(String(request.headers['x-registry-auth'] ?? ''), 'base64').toString();
      asked.push(`${decodeURIComponent(request.url ?? '')} ${auth.includes('sesame-open')}`);
      const descriptor = { digest: `sha256:${'1'.repeat(64)}` };
      response.end(request.method === 'GET' ? JSON.stringify({ Descriptor: descriptor }) : '{}\n');
    });
    const pulled: string[] = [];
    const host = {
      name: 'prod',
      engine: new Docker({ socketPath: engine.path }),
      exec: async (argv: readonly string[]) => {
        pulled.push(String(argv.at(-1)));
        return { code: 0, stdout: '', stderr: '' };
      },
    } as unknown as Host;
    const services = {
      web: { build: '.', image: 'r.example.com/shop/web:1' },
      db: { image: 'evil.example.com/postgres:17' },
    };
    const env = { SLUICE_REGISTRY_USER: 'ada', SLUICE_REGISTRY_PASSWORD: 'sesame-open' };
    const own = passwordRegistry({ app: 'shop', registry: undefined }, builtRegistries({ services }), env);
    const logins = registryLogins(env, own);
    const images = Object.values(services).map(({ image }) => image);
    const { signal } = new AbortController();
    await resolveDigests(host, images, logins, signal);
    await pullImages(host, images, { logins, signal });
    expect(asked.sort()).toEqual([
      '/distribution/evil.example.com/postgres:17/json false',
      '/distribution/r.example.com/shop/web:1/json true',
      '/images/create?fromImage=r.example.com/shop/web&tag=1 true',
    ]);
    expect(pulled).toEqual(['evil.example.com/postgres:17']);
  });
});

describe('what a registry may still do', () => {
  test('keep blobs on another host, on IPv6 as well, and answer from another path of its own', async () => {
    const blob = '{"config":{}}';
    const digest = 'sha256:6f3a98f9f5a3a1c0c5a9e0d4b0a5d3b4b4d8a0e2e9ed3a0b2d3a2f3d6c8d9e10';
    const store = await listen('::1', (_request, response) => void response.end(blob));
    const registry = await listen('127.0.0.2', (request, response) => {
      if (request.headers.authorization === undefined) ask('Basic')(request, response);
      else if (request.url === '/moved') to(`http://${store.host}/blob`)(request, response);
      else to('/moved')(request, response);
    });
    const errors = await errorsOf(() => open(registry.host).json('shop/web', digest));
    expect(errors).toMatchObject([{ message: expect.stringContaining('has another digest') }]);
    expect(store.requests).toEqual(['GET /blob nobody']);
    expect(registry.requests.at(-1)).toMatch(/^GET \/moved Basic /);
  });

  test('name a token service at another address', async () => {
    const service = await listen('127.0.0.3', (_request, response) => void response.end('{"token":"t"}'));
    const registry = await listen('127.0.0.2', (request, response) => {
      if (request.headers.authorization === undefined)
        ask(`Bearer realm="http://${service.host}/token"`)(request, response);
      else response.writeHead(404).end();
    });
    expect(await open(registry.host).manifest('shop/web', '1')).toBeUndefined();
    expect(service.requests).toHaveLength(1);
  });

  test('not send in a circle', async () => {
    const registry: Seen = await listen('127.0.0.2', (request, response) =>
      to(`http://${registry.host}/v2/x${request.url?.length}`)(request, response),
    );
    expect(await errorsOf(() => open(registry.host).manifest('shop/web', '1'))).toMatchObject([
      { code: 'registry.protocol', message: expect.stringContaining('redirects') },
    ]);
    expect(registry.requests.length).toBeLessThan(10);
  });
});
