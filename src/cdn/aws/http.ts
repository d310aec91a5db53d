import http, { type ClientRequest, type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';

/** Without the parts that never change between the requests of a client. */
export interface HttpRequest {
  readonly method: string;
  readonly origin: Origin;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Shorter than the client's, where an answer is of use only soon. */
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

/** Connections that are kept between requests. */
export interface HttpClient {
  /** @returns any answer, whatever its status. Rejects with Node's error, whose `code` says what; with the signal's reason on abort. */
  send(request: HttpRequest): Promise<HttpAnswer>;
  close(): void;
}

export interface HttpLimits {
  readonly connectMs: number;
  /** Nothing was sent or came for so long. */
  readonly silenceMs: number;
  readonly connections: number;
}

const defaults: HttpLimits = { connectMs: 10_000, silenceMs: 60_000, connections: 264 };

/**
 * Node's own client, without a layer on it: with a hundred thousand small requests the CPU each takes is what counts.
 *
 * @param env a proxy is taken from it (HTTPS_PROXY, HTTP_PROXY, NO_PROXY), which Node does from 24.5 on.
 * @param signal ends all requests.
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
        // `[::1]` is how a URL writes it, `::1` how it is looked up.
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
      request.setTimeout(silence, () => request.destroy(timeout(`nothing came for ${silence / 1000} s`)));
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

/** A fresh socket has this long until it may be written to; one that was kept has been through it. */
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
