import type { IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { publish } from '../../../../src/build/publish/publish.ts';
import { type RegistryServer, registryServer } from '../../../support/build/registry-server.ts';
import { linesOf } from '../../../support/config/fixtures.ts';

let server: RegistryServer;
beforeEach(async () => {
  server = await registryServer();
});
afterEach(() => server[Symbol.asyncDispose]());

const tags = ['1.2.3', 'latest'];

/** Two images that are pushed already, and the tags they are to get. */
function set() {
  const web = server.put('shop/web', 'tree-w', '{"new":"web"}');
  const api = server.put('shop/api', 'tree-a', '{"new":"api"}');
  return [
    { name: 'web', registry: server.host, repository: 'shop/web', manifest: web, tags },
    { name: 'api', registry: server.host, repository: 'shop/api', manifest: api, tags },
  ];
}

function effects(signal = new AbortController().signal) {
  const registry = server.open({ signal });
  const lasting = new AbortController();
  signal.addEventListener('abort', () => setTimeout(() => lasting.abort(signal.reason), 100));
  const forTags = server.open({ signal: lasting.signal });
  return {
    registry: () => registry,
    registryForTags: () => forTags,
    registryForUndo: () => () => server.open(),
    signal,
  };
}

const shown = () =>
  [...server.manifests]
    .filter(([key]) => /:(?:1\.2\.3|latest)$/.test(key))
    .map(([key, text]) => `${key} ${text}`);

const isPut = (request: IncomingMessage, path: string) =>
  request.method === 'PUT' && request.url?.endsWith(path) === true;

describe('tags of a release', () => {
  test('all of them show the new images', async () => {
    server.put('shop/web', 'latest', '{"old":"web"}');
    const moved = await publish(set(), effects());
    expect(shown().sort()).toEqual([
      'shop/api:1.2.3 {"new":"api"}',
      'shop/api:latest {"new":"api"}',
      'shop/web:1.2.3 {"new":"web"}',
      'shop/web:latest {"new":"web"}',
    ]);
    expect(moved.map(({ name, tag }) => `${name}:${tag}`)).toEqual(['web:latest']);
  });

  test('what is right already is not put again', async () => {
    await publish(set(), effects());
    server.requests.length = 0;
    expect(await publish(set(), effects())).toEqual([]);
    expect(server.requests.filter((line) => line.startsWith('PUT'))).toEqual([]);
  });

  test('when one can’t be put, none is: old ones are put back, new ones deleted', async () => {
    const publications = set();
    server.put('shop/web', 'latest', '{"old":"web"}');
    server.fault = (request, response) => {
      if (!isPut(request, '/api/manifests/latest')) return false;
      response.writeHead(403).end('no');
      return true;
    };
    const lines = await linesOf(() => publish(publications, effects()));
    expect(lines).toEqual([
      `${server.host} refuses access to shop/api; no tag of this release is set [build.tags]`,
    ]);
    expect(shown()).toEqual(['shop/web:latest {"old":"web"}']);
  });

  test('a tag that was put although the answer was lost is taken back, too', async () => {
    const publications = set();
    server.fault = (request) => {
      if (!isPut(request, '/api/manifests/latest')) return false;
      server.put('shop/api', 'latest', '{"new":"api"}');
      request.socket.destroy();
      return true;
    };
    await linesOf(() => publish(publications, effects()));
    expect(shown()).toEqual([]);
  });

  test('where tags can’t be deleted, it says which are left', async () => {
    const publications = set();
    server.fault = (request, response) => {
      if (request.method === 'DELETE') response.writeHead(405).end();
      else if (isPut(request, '/api/manifests/latest')) response.writeHead(403).end();
      else return false;
      return true;
    };
    const [line] = await linesOf(() => publish(publications, effects()));
    expect(line).toContain('these tags could not be restored: web:1.2.3, web:latest, api:1.2.3 [build.tags]');
  });

  test('a cancellation in the midst takes back what was put', async () => {
    const publications = set();
    const controller = new AbortController();
    server.fault = (request) => {
      if (!isPut(request, '/api/manifests/latest')) return false;
      setTimeout(() => controller.abort(new Error('enough')), 50);
      return true;
    };
    await expect(publish(publications, effects(controller.signal))).rejects.toThrow('enough');
    expect(shown()).toEqual([]);
  });
});
