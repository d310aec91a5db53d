import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseChallenge } from '../../../../src/build/registry/access.ts';
import {
  login,
  manifestOf,
  type RegistryServer,
  registryServer,
} from '../../../support/build/registry-server.ts';
import { linesOf } from '../../../support/config/fixtures.ts';

let server: RegistryServer;
beforeEach(async () => {
  server = await registryServer();
});
afterEach(() => server[Symbol.asyncDispose]());

const text = '{"schemaVersion":2}';

describe('a registry', () => {
  test('gives a manifest and puts the very bytes under another tag', async () => {
    const manifest = server.put('shop/web', 'tree-1', `${text}\n`);
    const registry = server.open();
    const found = await registry.manifest('shop/web', 'tree-1');
    expect(found).toEqual(manifest);
    await registry.put('shop/web', '1.2.3', manifest);
    expect(await registry.head('shop/web', '1.2.3')).toEqual({
      digest: manifest.digest,
      mediaType: manifest.mediaType,
    });
  });

  test('what is not there is undefined', async () => {
    const registry = server.open();
    expect(await registry.manifest('shop/web', 'x')).toBeUndefined();
    expect(await registry.head('shop/web', 'x')).toBeUndefined();
    expect(await registry.tags('shop/web')).toEqual([]);
  });

  test('tags come in pages', async () => {
    for (const tag of ['1.0.0', '1.1.0', '2.0.0', 'main', 'tree-1']) server.put('shop/web', tag, text);
    expect(await server.open().tags('shop/web')).toEqual(['1.0.0', '1.1.0', '2.0.0', 'main', 'tree-1']);
  });

  test('without the digest in a header the bytes say it', async () => {
    const manifest = server.put('shop/web', 'main', text);
    server.fault = (request, response) => {
      response
        .writeHead(200, { 'content-type': manifest.mediaType })
        .end(request.method === 'HEAD' ? '' : text);
      return true;
    };
    expect((await server.open().head('shop/web', 'main'))?.digest).toBe(manifest.digest);
  });

  test('what is given for a digest must have it', async () => {
    server.fault = (_request, response) => {
      response.writeHead(200).end('{"other":1}');
      return true;
    };
    const wanted = `sha256:${'0'.repeat(64)}`;
    expect(await linesOf(() => server.open().manifest('shop/web', wanted))).toEqual([
      expect.stringContaining('has another digest [registry.protocol]'),
    ]);
  });

  test('the right to push is asked for by an upload that is dropped', async () => {
    await server.open().checkPush('shop/web');
    expect(server.requests).toEqual(['POST shop/web:uploads/', 'DELETE shop/web:uploads/1']);
  });
});

describe('authorization', () => {
  test('Basic', async () => {
    server.auth = 'basic';
    server.put('shop/web', 'main', text);
    expect(await server.open().head('shop/web', 'main')).toBeDefined();
    expect(
      await linesOf(() => server.open({ login: async () => undefined }).head('shop/web', 'main')),
    ).toEqual([`${server.host} refuses access to shop/web, and there is no login for it [registry.denied]`]);
  });

  test('a token for each scope, asked for once by requests that begin together', async () => {
    server.auth = 'bearer';
    server.put('shop/web', 'main', text);
    const masked: string[] = [];
    const registry = server.open({ mask: { add: (value) => masked.push(value) } });
    await Promise.all([1, 2, 3].map(() => registry.head('shop/web', 'main')));
    await registry.put('shop/web', 'next', manifestOf(text));
    await registry.head('shop/web', 'next');
    expect(server.scopes).toEqual(['repository:shop/web:pull', 'repository:shop/web:pull,push']);
    expect(new Set(masked)).toEqual(new Set(['token-1', 'token-2']));
  });

  test('without a login a token for everybody', async () => {
    server.auth = 'bearer';
    server.put('shop/web', 'main', text);
    expect(await server.open({ login: async () => undefined }).head('shop/web', 'main')).toBeDefined();
  });

  test('a token that has expired is asked for anew', async () => {
    server.auth = 'bearer';
    server.tokenUses = 1;
    server.put('shop/web', 'main', text);
    const registry = server.open();
    for (let time = 0; time < 3; time++) await registry.head('shop/web', 'main');
    expect(server.scopes).toHaveLength(3);
  });

  test('a wrong password is told without it, and is not tried again', async () => {
    server.auth = 'bearer';
    const wrong = { kind: 'password', user: 'ada', password: 'wrong-password' } as const;
    const lines = await linesOf(() => server.open({ login: async () => wrong }).checkPush('shop/web'));
    expect(lines).toEqual([`${server.host} refuses access to shop/web [registry.denied]`]);
    expect(server.pauses).toEqual([]);
  });

  test.each([
    ['Bearer realm="https://a.example/token",service="a",scope="x,y"', 'bearer', 'https://a.example/token'],
    ['bearer realm=https://a.example/token, error="invalid"', 'bearer', 'https://a.example/token'],
    ['Basic realm="Registry"', 'basic', 'Registry'],
    ['Basic', 'basic', undefined],
  ])('challenge %s', (header, scheme, realm) => {
    const challenge = parseChallenge(header);
    expect(challenge?.scheme).toBe(scheme);
    expect(challenge?.parameters.realm).toBe(realm);
  });

  test.each([null, '', 'Negotiate', 'Digest realm="x"'])('no challenge: %s', (header) => {
    expect(parseChallenge(header)).toBeUndefined();
  });
});

describe('faults', () => {
  const answers = (...statuses: number[]) => {
    server.fault = (_request, response) => {
      const status = statuses.length > 1 ? statuses.shift() : statuses[0];
      if (status === undefined || status === 0) return false;
      response.writeHead(status, status === 429 ? { 'retry-after': '2' } : {}).end('told by the registry');
      return true;
    };
  };

  test('what passes is not told', async () => {
    server.put('shop/web', 'main', text);
    answers(503, 500, 429, 0);
    expect(await server.open().head('shop/web', 'main')).toBeDefined();
    expect(server.pauses).toEqual([250, 1000, 2000]);
  });

  test.each([
    [500, 'fails with status 500 [registry.unavailable]'],
    [429, 'rejects further requests for now (429) [registry.throttled]'],
    [403, 'refuses access to shop/web [registry.denied]'],
    [401, 'refuses access to shop/web, and there is no login for it [registry.denied]'],
    [302, 'does not respond like a registry: it answers 302 [registry.protocol]'],
    [400, 'does not respond like a registry: it answers 400 [registry.protocol]'],
  ])('%i that stays', async (status, message) => {
    answers(status);
    const lines = await linesOf(() => server.open().put('shop/web', 'main', manifestOf(text)));
    expect(lines).toEqual([`${status === 500 ? 'Registry ' : ''}${server.host} ${message}`]);
  });

  test('a connection that breaks, and a registry that is not there', async () => {
    server.fault = (request) => {
      request.socket.destroy();
      return true;
    };
    const registry = server.open();
    expect(await linesOf(() => registry.head('shop/web', 'main'))).toEqual([
      expect.stringMatching(/^Cannot reach registry 127\.0\.0\.1:\d+: .* \[registry\.unavailable\]$/),
    ]);
    expect(server.requests).toHaveLength(4);
  });

  test('a registry that is silent, and a token service that is, end with their time', async () => {
    server.auth = 'bearer';
    const late = [`Cannot reach registry ${server.host}: no answer within 0.05 s [registry.unavailable]`];
    server.fault = () => true;
    const registry = server.open({ requestMs: 50, tries: 1 });
    expect(await linesOf(() => registry.head('shop/web', 'main'))).toEqual(late);
    server.fault = (_request, response) => {
      const realm = `Bearer realm="http://${server.host}/v2/silent/manifests/token"`;
      server.fault = () => true;
      response.writeHead(401, { 'www-authenticate': realm }).end();
      return true;
    };
    expect(await linesOf(() => registry.head('shop/web', 'main'))).toEqual(late);
  });

  test('a cancellation is itself and no fault', async () => {
    const controller = new AbortController();
    server.fault = () => {
      controller.abort(new Error('enough'));
      return true;
    };
    await expect(server.open({ signal: controller.signal }).head('shop/web', 'x')).rejects.toThrow('enough');
    expect(server.requests).toHaveLength(1);
  });

  test('no error shows a login', async () => {
    server.auth = 'basic';
    answers(403);
    const lines = await linesOf(() => server.open().head('shop/web', 'main'));
    expect(JSON.stringify(lines)).not.toContain(login.kind === 'password' ? login.password : '');
  });
});
