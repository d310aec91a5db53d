import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSigner } from '../../../../src/cdn/aws/sign.ts';
import { systemClock } from '../../../../src/kernel/clock.ts';
import type { S3Address } from './server.ts';

/** One request as the front sees it. */
export interface StormRequest {
  readonly method: string;
  /** As it was sent, still encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** How many requests came before it, to anything. */
  readonly nth: number;
}

/** What the front does with a request. */
export type Trouble =
  /** Answers with this error instead of the store. */
  | {
      readonly kind: 'refuse';
      readonly status: number;
      readonly code?: string;
      readonly message?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Ends the connection: `before` the store has seen it, or `after` it has done it, so that only the answer is lost. */
  | { readonly kind: 'reset'; readonly when: 'before' | 'after' }
  /** Cuts the answer off after so many bytes of its body. */
  | { readonly kind: 'cut'; readonly after: number }
  /** Hands it on after this time. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** Hands it on without its conditions, as a store that doesn't know them does. */
  | { readonly kind: 'ignore-conditions' }
  /** Status 200 with an error in the body, as copies and ends of multipart uploads may answer. */
  | { readonly kind: 'late-error'; readonly code: string };

/** @returns what happens to the request; undefined: nothing. */
export type Rules = (request: StormRequest) => Trouble | undefined | Promise<Trouble | undefined>;

export interface Storm extends S3Address {
  /** From now on. */
  setRules(rules: Rules): void;
  /** Requests so far, with what happened to each. */
  readonly seen: readonly (StormRequest & { readonly trouble: Trouble | undefined })[];
  /** Most requests that were on their way at the same time. */
  readonly most: () => number;
  stop(): Promise<void>;
}

/**
 * A front before a real server that does what networks and busy stores do. Requests pass with the host they were signed for, so
 * that the server still checks every signature.
 */
export async function startStorm(server: S3Address, rules: Rules = () => undefined): Promise<Storm> {
  const target = new URL(server.endpoint);
  const agent = new http.Agent({ keepAlive: true });
  const seen: (StormRequest & { trouble: Trouble | undefined })[] = [];
  let current = rules;
  let running = 0;
  let most = 0;

  const sign = createSigner({
    keys: async () => ({ accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey }),
    region: server.region,
    service: 's3',
    clock: systemClock,
  });

  /** Conditions are signed, so whoever takes them away signs again. */
  async function withoutConditions(
    from: IncomingMessage,
    request: StormRequest,
  ): Promise<Record<string, string>> {
    const dropped = /^(?:(?:x-amz-copy(?:-source)?-)?if-|authorization$|x-amz-date$|connection$)/;
    const headers = Object.entries(from.headers).filter(([name]) => !dropped.test(name));
    return sign({
      method: request.method,
      host: from.headers.host ?? '',
      path: request.path,
      query: Object.fromEntries(request.query),
      headers: Object.fromEntries(headers) as Record<string, string>,
      sha256: String(from.headers['x-amz-content-sha256']),
    });
  }

  /** The whole answer of the real server. */
  function handOn(from: IncomingMessage, body: Buffer, headers: IncomingHttpHeaders) {
    return new Promise<{ answer: IncomingMessage; content: Buffer }>((resolve, reject) => {
      const { hostname: host, port } = target;
      const request = http.request(
        { host, port, method: from.method, path: from.url, headers, agent },
        (answer) => {
          buffer(answer).then((content) => resolve({ answer, content }), reject);
        },
      );
      request.once('error', reject);
      request.end(body);
    });
  }

  async function serve(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const url = new URL(from.url ?? '/', 'http://front');
    const request: StormRequest = {
      method: from.method ?? '',
      path: (from.url ?? '').split('?')[0] ?? '',
      query: url.searchParams,
      headers: from.headers,
      nth: seen.length,
    };
    const entry = { ...request, trouble: undefined as Trouble | undefined };
    seen.push(entry);
    const body = await buffer(from);
    const trouble = await current(request);
    entry.trouble = trouble;
    if (trouble?.kind === 'reset' && trouble.when === 'before') return void from.socket.destroy();
    if (trouble?.kind === 'refuse') return refuse(to, trouble, from.method);
    if (trouble?.kind === 'late-error') return refuse(to, { ...trouble, status: 200 }, from.method);
    if (trouble?.kind === 'slow') await sleep(trouble.ms);
    const headers =
      trouble?.kind === 'ignore-conditions' ? await withoutConditions(from, request) : from.headers;
    const { answer, content } = await handOn(from, body, headers);
    if (trouble?.kind === 'reset') return void from.socket.destroy();
    to.writeHead(answer.statusCode ?? 502, answer.headers);
    if (trouble?.kind === 'cut') {
      to.write(content.subarray(0, trouble.after), () => from.socket.destroy());
      return;
    }
    to.end(content);
  }

  const front = http.createServer({ keepAliveTimeout: 60_000 }, (from, to) => {
    running += 1;
    most = Math.max(most, running);
    from.on('error', () => {});
    to.on('close', () => {
      running -= 1;
    });
    serve(from, to).catch(() => from.socket.destroy());
  });
  const port = await new Promise<number>((resolve) => {
    front.listen(0, '127.0.0.1', () => resolve((front.address() as { port: number }).port));
  });

  async function stop(): Promise<void> {
    agent.destroy();
    front.closeAllConnections();
    await new Promise((resolve) => front.close(resolve));
  }

  return {
    name: server.name,
    endpoint: `http://127.0.0.1:${port}`,
    region: server.region,
    accessKeyId: server.accessKeyId,
    secretAccessKey: server.secretAccessKey,
    setRules: (next) => {
      current = next;
    },
    seen,
    most: () => most,
    stop,
  };
}

function refuse(
  to: ServerResponse,
  {
    status,
    code,
    message,
    headers,
  }: { status: number; code?: string; message?: string; headers?: Readonly<Record<string, string>> },
  method: string | undefined,
): void {
  to.writeHead(status, { 'content-type': 'application/xml', ...headers });
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code ?? 'InternalError'}</Code><Message>${message ?? ''}</Message></Error>`;
  to.end(method === 'HEAD' ? undefined : body);
}
