import http, { type ClientRequest, type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';

export interface HttpRequest {
  readonly method: string;
  readonly origin: Origin;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Overrides the client's limit for an urgent request. */
  readonly silenceMs?: number;
}

export interface Origin {
  readonly secure: boolean;
  readonly hostname: string;
  readonly port: number | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Keep-alive connections. */
export interface HttpClient {
  /**
   * @returns an answer with any status. Rejects with Node's error and its `code`, or with the signal's reason
   *   on abort.
   */
  send(request: HttpRequest): Promise<HttpAnswer>;
  close(): void;
}

export interface HttpLimits {
  readonly connectMs: number;
  /** Longest time without any bytes. */
  readonly silenceMs: number;
  readonly connections: number;
}

const defaults: HttpLimits = { connectMs: 10_000, silenceMs: 60_000, connections: 264 };

/**
 * Node's own client without a layer: with a hundred thousand small requests the CPU time of each counts. @param
 * env for its proxy (HTTPS_PROXY, HTTP_PROXY, NO_PROXY), which Node supports from 24.5 on. @param signal aborts
 * all requests.
 */
export function openHttp(
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
  limits: Partial<HttpLimits> = {},
): HttpClient {
  const { connectMs, silenceMs, connections } = { ...defaults, ...limits };
  const options = { keepAlive: true, maxSockets: connections, maxFreeSockets: connections, proxyEnv: env };
  const agents = { http: new http.Agent(options), https: new https.Agent(options) };
  const open = new Set<ClientRequest>();
  // One listener for all requests: adding and removing one for each costs more than the request.
  const onAbort = () => {
    for (const request of open) request.destroy(signal.reason);
  };
  signal.addEventListener('abort', onAbort, { once: true });

  function send({ method, origin, path, headers, body, silenceMs: own }: HttpRequest): Promise<HttpAnswer> {
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const { secure, hostname, port } = origin;
      const request = (secure ? https : http).request({
        method,
        // A URL has `[::1]`, a lookup needs `::1`.
        hostname: hostname.replace(/^\[|\]$/g, ''),
        port,
        path,
        headers,
        agent: secure ? agents.https : agents.http,
      });
      open.add(request);
      const fail = (error: Error) => {
        open.delete(request);
        reject(signal.aborted ? signal.reason : error);
      };
      request.on('error', fail);
      request.on('socket', (socket) => limitConnecting(socket, secure, connectMs));
      const silence = own ?? silenceMs;
      request.setTimeout(silence, () => request.destroy(timeout(`no data for ${silence / 1000} s`)));
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', fail);
        response.on('end', () => {
          open.delete(request);
          const status = response.statusCode ?? 0;
          resolve({
            status,
            headers: response.headers,
            body: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks),
          });
        });
      });
      request.end(body);
    });
  }

  function close(): void {
    signal.removeEventListener('abort', onAbort);
    agents.http.destroy();
    agents.https.destroy();
  }

  return { send, close };
}

/** Limits the time to connect a new socket. */
function limitConnecting(socket: Socket, secure: boolean, ms: number): void {
  if (!socket.connecting) return;
  const late = setTimeout(() => socket.destroy(timeout(`no connection within ${ms / 1000} s`)), ms);
  const done = () => clearTimeout(late);
  socket.once(secure ? 'secureConnect' : 'connect', done);
  socket.once('close', done);
}

function timeout(message: string): Error {
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' });
}

export function originOf(url: URL): Origin {
  return {
    secure: url.protocol === 'https:',
    hostname: url.hostname,
    port: url.port === '' ? undefined : Number(url.port),
  };
}
