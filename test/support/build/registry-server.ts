import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openRegistry, type RegistryEffects } from '../../../src/build/registry/client.ts';
import type { Login, Manifest, Registry } from '../../../src/build/registry/model.ts';
import { systemClock } from '../../../src/kernel/clock.ts';

/** A small registry over HTTP that keeps manifests in memory, and fails as it is told. */
export interface RegistryServer extends AsyncDisposable {
  readonly host: string;
  /** `repository:tag` and `repository@digest` → text. */
  readonly manifests: Map<string, string>;
  /** `PUT shop/web:1.2.3`, in the order they came. */
  readonly requests: string[];
  /** Answers in place of the registry; return false to let it answer. */
  fault: (request: IncomingMessage, response: ServerResponse) => boolean;
  auth: 'none' | 'basic' | 'bearer';
  /** Scopes that tokens were asked for. */
  readonly scopes: string[];
  /** How many requests a token is good for. */
  tokenUses: number;
  readonly pauses: number[];
  put(repository: string, tag: string, text: string): Manifest;
  open(changes?: Partial<RegistryEffects>): Registry;
}

export const login: Login = { kind: 'password', user: 'ada', password: 'sesame-open' };
const type = 'application/vnd.oci.image.manifest.v1+json';

export function manifestOf(text: string): Manifest {
  return { digest: `sha256:${createHash('sha256').update(text).digest('hex')}`, mediaType: type, text };
}

export async function registryServer(): Promise<RegistryServer> {
  const tokens = new Map<string, number>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(request, response, Buffer.concat(chunks).toString('utf8')));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  const self: RegistryServer = {
    host,
    manifests: new Map(),
    requests: [],
    fault: () => false,
    auth: 'none',
    scopes: [],
    tokenUses: Number.POSITIVE_INFINITY,
    pauses: [],
    put: (repository, tag, text) => {
      const manifest = manifestOf(text);
      self.manifests.set(`${repository}:${tag}`, text);
      self.manifests.set(`${repository}@${manifest.digest}`, text);
      return manifest;
    },
    open: (changes) =>
      openRegistry(host, {
        fetch,
        signal: new AbortController().signal,
        // Pauses are told and not made.
        clock: { ...systemClock, sleep: async (ms) => void self.pauses.push(ms) },
        login: async () => login,
        ...changes,
      }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  function answer(request: IncomingMessage, response: ServerResponse, body: string): void {
    const url = new URL(request.url ?? '/', `http://${host}`);
    if (url.pathname === '/token') {
      giveToken(url, request, response);
      return;
    }
    const [, repository = '', kind = '', rest = ''] =
      /^\/v2\/(.+?)\/(manifests|blobs|tags)\/(.*)$/.exec(url.pathname) ?? [];
    self.requests.push(`${request.method} ${repository}${rest.startsWith('sha256:') ? '@' : ':'}${rest}`);
    if (self.fault(request, response)) return;
    if (!isAllowed(request)) {
      const challenge =
        self.auth === 'basic'
          ? 'Basic realm="registry"'
          : `Bearer realm="http://${host}/token",service="registry \\"one\\"",scope="repository:${repository}:pull"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end('{"errors":[]}');
      return;
    }
    if (kind === 'tags' || kind === 'blobs') {
      if (kind === 'tags') listTags(repository, url, response);
      else uploads(request, response, repository, rest);
      return;
    }
    const key = rest.startsWith('sha256:') ? `${repository}@${rest}` : `${repository}:${rest}`;
    if (request.method === 'PUT') {
      const { digest } = self.put(repository, rest, body);
      response.writeHead(201, { 'docker-content-digest': digest }).end();
      return;
    }
    if (request.method === 'DELETE') {
      response.writeHead(self.manifests.delete(key) ? 202 : 404).end();
      return;
    }
    const text = self.manifests.get(key);
    if (text === undefined) {
      response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
      return;
    }
    const { digest } = manifestOf(text);
    response.writeHead(200, { 'content-type': type, 'docker-content-digest': digest }).end(text);
  }

  function uploads(
    request: IncomingMessage,
    response: ServerResponse,
    repository: string,
    rest: string,
  ): void {
    if (request.method === 'POST') {
      response.writeHead(202, { location: `/v2/${repository}/blobs/uploads/1?state=x` }).end();
      return;
    }
    if (request.method === 'DELETE') {
      response.writeHead(204).end();
      return;
    }
    response.writeHead(200).end(self.manifests.get(`${repository}@${rest}`) ?? 'no JSON');
  }

  function listTags(repository: string, url: URL, response: ServerResponse): void {
    const all = [...self.manifests.keys()]
      .filter((key) => key.startsWith(`${repository}:`))
      .map((key) => key.slice(repository.length + 1));
    const from = Number(url.searchParams.get('last') ?? 0);
    const more = from + 2 < all.length;
    const link = `</v2/${repository}/tags/list?n=2&last=${from + 2}>; rel="next"`;
    response.writeHead(all.length === 0 ? 404 : 200, more ? { link } : {});
    response.end(JSON.stringify({ name: repository, tags: all.slice(from, from + 2) }));
  }

  function giveToken(url: URL, request: IncomingMessage, response: ServerResponse): void {
    self.scopes.push(url.searchParams.get('scope') ?? '');
    const given = request.headers.authorization;
    if (given !== undefined && given !== basic) {
      response.writeHead(401).end('{"details":"bad password"}');
      return;
    }
    const token = `token-${tokens.size + 1}`;
    tokens.set(token, self.tokenUses);
    response.writeHead(200).end(JSON.stringify({ token }));
  }

  function isAllowed(request: IncomingMessage): boolean {
    const given = request.headers.authorization;
    if (self.auth === 'none') return true;
    if (self.auth === 'basic') return given === basic;
    const token = given?.replace(/^Bearer /, '') ?? '';
    const left = tokens.get(token) ?? 0;
    if (tokens.has(token)) tokens.set(token, left - 1);
    return left > 0;
  }

  return self;
}

const basic = `Basic ${Buffer.from('ada:sesame-open').toString('base64')}`;
