import { Agent, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { brotliCompressSync } from 'node:zlib';
import { createSigner, emptySha256 } from '../../../src/cdn/aws/sign.ts';
import { encodeKey } from '../../../src/cdn/stores/address.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { strictHeaders } from './pages.ts';
import { EdgeStore, type Kept } from './stores/edge-store.ts';
import type { S3Address } from './stores/server.ts';
import { type Certificate, type Listening, listen } from './web-server.ts';

export interface EdgeOptions {
  /** Asked with signatures, as CloudFront does with an origin access control: the bucket need not be public. */
  readonly origin: Omit<S3Address, 'name'> & { readonly bucket: string; readonly prefix?: string };
  /** ms; the system's unless told. */
  readonly now?: () => number;
  /** Keep everything until it is purged, whatever its Cache-Control says. */
  readonly untilPurged?: boolean;
  /** What `/` shows: CloudFront's default root object. `index.html` unless told. */
  readonly root?: string;
  /** `/blog/` shows `/blog/index.html`, as a function at the edge does it. CloudFront by itself doesn't. */
  readonly folders?: boolean;
  /** What 403 and 404 of the store show instead, with 200: CloudFront's custom error response. */
  readonly fallback?: string;
  /** How long errors are kept, ms: CloudFront's 10 s unless told. */
  readonly errorMs?: number;
  /** Added to every answer: CloudFront's response headers policy. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Compress texts for who takes brotli, as CloudFront does from 1,000 bytes on. */
  readonly compress?: boolean;
  readonly certificate?: Certificate;
}

export interface EdgeRequest {
  readonly method: string;
  /** As it was asked for, with its query. */
  readonly url: string;
  readonly status: number;
  readonly cache: 'Hit' | 'Miss' | 'RefreshHit' | 'Error';
}

/** A caching CDN before a bucket, as CloudFront is one. */
export interface EdgeCache extends Listening {
  readonly requests: readonly EdgeRequest[];
  /** Answers of 400 and above. */
  errors(): readonly EdgeRequest[];
  /** Requests that reached the store. */
  fetched(): number;
  /** As CloudFront takes them: `/about.html`, `/blog/*`, `/*`; only a star at the end is one. */
  purge(paths: readonly string[]): void;
}

/** A store that hangs must not make visitors hang: they get 502. */
const originMs = 10_000;

export async function startEdgeCache(options: EdgeOptions): Promise<EdgeCache> {
  const { origin, root = 'index.html' } = options;
  const store = new EdgeStore({
    now: options.now ?? (() => Date.now()),
    untilPurged: options.untilPurged === true,
    errorMs: options.errorMs ?? 10_000,
  });
  const agent = new Agent({ keepAlive: true });
  const sign = createSigner({
    keys: async () => origin,
    region: origin.region,
    service: 's3',
    clock: systemClock,
  });
  const requests: EdgeRequest[] = [];
  let fetched = 0;

  /** The path a viewer asks for and that of the object are two: each of `/` and `/index.html` is cached by itself. */
  function objectOf(path: string): string {
    if (path === '/') return `/${root}`;
    return options.folders === true && path.endsWith('/') ? `${path}${root}` : path;
  }

  async function fetchObject(path: string, etag: string | undefined): Promise<Kept> {
    fetched++;
    // S3 takes a plus in a path for a space (https://github.com/rust-lang/crates.io/issues/4891).
    const asked = decodeURIComponent(objectOf(path).slice(1).replaceAll('+', ' '));
    const key = `${origin.prefix ?? ''}${asked}`;
    const { host, hostname, port } = new URL(origin.endpoint);
    const target = `/${origin.bucket}/${encodeKey(key)}`;
    const conditional = etag === undefined ? {} : { 'if-none-match': etag };
    const message = {
      method: 'GET',
      host,
      path: target,
      query: {},
      headers: conditional,
      sha256: emptySha256,
    };
    const headers = await sign(message);
    return new Promise((resolve, reject) => {
      ask({ hostname, port, path: target, headers, agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 502,
            headers: passedOn(response.headers),
            body: Buffer.concat(chunks),
          }),
        );
      })
        .on('error', reject)
        .setTimeout(originMs, () => reject(new Error(`the store gives no answer for ${key}`)))
        .end();
    });
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://edge');
    const { method = 'GET' } = request;
    const log = (status: number, cache: EdgeRequest['cache']) =>
      requests.push({ method, url: request.url ?? '', status, cache });
    if (method !== 'GET' && method !== 'HEAD') {
      log(405, 'Error');
      return void response.writeHead(405).end();
    }
    let [found, status] = [await store.get(pathname, (etag) => fetchObject(pathname, etag)), 0];
    status = found.kept.status;
    if ((status === 403 || status === 404) && options.fallback !== undefined) {
      const { fallback } = options;
      found = await store.get(fallback, (etag) => fetchObject(fallback, etag));
      status = found.kept.status;
    }
    const { kept, age, cache } = found;
    const said = { ...kept.headers, ...(options.headers ?? strictHeaders) };
    const headers = {
      ...said,
      'x-cache': `${cache} from sluice-edge`,
      ...(age > 0 ? { age: String(age) } : {}),
    };
    const same = kept.headers['etag'];
    if (status === 200 && same !== undefined && request.headers['if-none-match'] === same) {
      log(304, cache);
      return void response.writeHead(304, headers).end();
    }
    log(status, cache);
    const packed = options.compress === true ? compressed(request, kept) : undefined;
    const body = packed ?? kept.body;
    const more = packed === undefined ? {} : { 'content-encoding': 'br', vary: 'Accept-Encoding' };
    response.writeHead(status, { ...headers, ...more, 'content-length': body.length });
    response.end(method === 'HEAD' ? undefined : body);
  }

  const listening = await listen((request, response) => {
    answer(request, response).catch((error: unknown) => {
      requests.push({ method: request.method ?? '', url: request.url ?? '', status: 502, cache: 'Error' });
      response.writeHead(502, { 'content-type': 'text/plain' }).end(String(error));
    });
  }, options.certificate);
  return {
    ...listening,
    close: async () => {
      await listening.close();
      agent.destroy();
    },
    requests,
    errors: () => requests.filter(({ status }) => status >= 400),
    fetched: () => fetched,
    purge: (paths) => store.purge(paths),
  };
}

function compressed({ headers }: IncomingMessage, { body, headers: kept }: Kept): Buffer | undefined {
  const isText = /^(?:text\/|image\/svg)/.test(kept['content-type'] ?? '') && body.length >= 1000;
  const takes =
    /\bbr\b/.test(String(headers['accept-encoding'] ?? '')) && kept['content-encoding'] === undefined;
  return isText && takes ? brotliCompressSync(body) : undefined;
}

/** Without what belongs to the connection between the edge and the store. */
function passedOn(headers: IncomingMessage['headers']): Record<string, string> {
  const own = /^(?:connection|keep-alive|transfer-encoding|content-length|date|server|x-amz-.*)$/;
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      own.test(name) || value === undefined ? [] : [[name, String(value)]],
    ),
  );
}
