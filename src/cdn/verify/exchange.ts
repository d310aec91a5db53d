import { createHash } from 'node:crypto';
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as overHttp } from 'node:http';
import { Agent as HttpsAgent, request as overHttps } from 'node:https';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { oneLine } from '../../report/text.ts';
import type { RequestTiming } from '../model.ts';
import { type Trouble, troubleOf } from './faults.ts';
import { shown } from './url.ts';

/** Times in ms, sizes in bytes. */
export interface Limits {
  /** From the start to the headers of the answer. */
  readonly answerMs: number;
  /** To the last byte. */
  readonly wholeMs: number;
  /** Of a body kept in memory, after decoding. */
  readonly keep: number;
}

export interface Asked {
  readonly method: 'GET' | 'HEAD';
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes after which the body is cut; what came is hashed. */
  readonly most: number;
  /** On a new connection, so that all phases are measured. */
  readonly fresh?: boolean;
}

export interface Answer {
  /** Of the request that got this answer, after redirects. */
  readonly url: URL;
  readonly status: number;
  /** Names in lower case; what came more than once is joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the body as received, and of the body decoded by its Content-Encoding; base64url. */
  readonly sha256: { readonly raw: string; readonly decoded: string | undefined };
  /** Of the body as received. */
  readonly size: number;
  /** Whether the body was cut. */
  readonly cut: boolean;
  /** Decoded; only its beginning if it exceeds `keep`. */
  readonly body: Buffer;
  readonly timing: RequestTiming;
  /** Targets, in order. */
  readonly redirects: readonly URL[];
}

export interface Connections {
  /** @returns the trouble if there is no answer; rejects only when the signal aborts. */
  exchange(url: URL, asked: Asked): Promise<Answer | Trouble>;
  close(): void;
}

interface Agents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

/**
 * Keep-alive connections. @param most to one host. @param env for its proxy (HTTPS_PROXY, HTTP_PROXY,
 * NO_PROXY), which Node supports from 24.5 on.
 */
export function openConnections(
  most: number,
  limits: Limits,
  signal: AbortSignal,
  env: Readonly<Record<string, string | undefined>> = {},
): Connections {
  const kept = agentsWith({ keepAlive: true, maxSockets: most, proxyEnv: env });
  const fresh = agentsWith({ keepAlive: false, proxyEnv: env });
  return {
    exchange: async (url, asked) => {
      const agents = asked.fresh === true ? fresh : kept;
      const first = await once(url, asked, agents, limits, signal);
      // A server may close an idle connection while the request is in flight; the site may be fine.
      if (first !== 'stale') return first;
      const second = await once(url, asked, fresh, limits, signal);
      return second === 'stale' ? troubleOf({ code: 'ECONNRESET' }, url) : second;
    },
    close: () => {
      for (const agent of [kept.http, kept.https]) agent.destroy();
    },
  };
}

function agentsWith(options: ConstructorParameters<typeof HttpAgent>[0]): Agents {
  return { http: new HttpAgent(options), https: new HttpsAgent(options) };
}

async function once(
  url: URL,
  asked: Asked,
  agents: Agents,
  limits: Limits,
  signal: AbortSignal,
): Promise<Answer | Trouble | 'stale'> {
  signal.throwIfAborted();
  const secure = url.protocol === 'https:';
  const agent = secure ? agents.https : agents.http;
  const { method, headers } = asked;
  const request = (secure ? overHttps : overHttp)(url, { method, headers, agent, signal });
  const watch = stopwatch(request);
  let late: string | undefined;
  const limit = (ms: number, what: string) =>
    setTimeout(() => {
      late = `${what} within ${ms / 1000} s`;
      request.destroy();
    }, ms);
  const timers = [limit(limits.answerMs, 'no answer'), limit(limits.wholeMs, 'no complete answer')];
  try {
    const response = await responseOf(request);
    clearTimeout(timers[0]);
    const firstByte = watch.answered();
    const received = await receive(response, asked.most, limits.keep);
    const timing = { ...watch.connection(), firstByte, total: watch.total() };
    const { statusCode: status = 0 } = response;
    return { url, status, headers: plainHeaders(response), ...received, timing, redirects: [] };
  } catch (error) {
    request.destroy();
    signal.throwIfAborted();
    if (request.reusedSocket && (error as { code?: unknown }).code === 'ECONNRESET' && watch.silent()) {
      return 'stale';
    }
    return troubleOf(late === undefined ? error : { code: 'ETIMEDOUT', message: late }, url);
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}

function responseOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    // Also after the answer has begun: without a listener an error ends the process.
    request.on('error', reject);
    request.end();
  });
}

function stopwatch(request: ClientRequest) {
  const begun = performance.now();
  const at: { lookup?: number; connect?: number; tls?: number; sent?: number; answered?: number } = {};
  const now = () => performance.now() - begun;
  request.once('socket', (socket) => {
    if (!socket.connecting) {
      at.sent = now();
      return;
    }
    socket.once('lookup', () => {
      at.lookup ??= now();
    });
    socket.once('connect', () => {
      at.sent = at.connect = now();
    });
    socket.once('secureConnect', () => {
      at.sent = at.tls = now();
    });
  });
  return {
    answered: () => {
      at.answered = now();
      return at.answered - (at.sent ?? 0);
    },
    silent: () => at.answered === undefined,
    total: now,
    connection: () => ({
      ...(at.lookup === undefined ? {} : { lookup: at.lookup }),
      ...(at.connect === undefined ? {} : { connect: at.connect - (at.lookup ?? 0) }),
      ...(at.tls === undefined ? {} : { tls: at.tls - (at.connect ?? 0) }),
    }),
  };
}

async function receive(response: IncomingMessage, most: number, keep: number) {
  const raw = createHash('sha256');
  const decoder = decoderOf(response);
  const decoded = decoder === undefined ? undefined : hashed(decoder, most, keep);
  const kept: Buffer[] = [];
  let [size, cut] = [0, false];
  for await (const chunk of response as AsyncIterable<Buffer>) {
    raw.update(chunk);
    size += chunk.length;
    if (decoder === undefined) {
      if (size - chunk.length < keep) kept.push(chunk);
    } else if (!decoder.destroyed && !decoder.write(chunk)) await drained(decoder);
    if (size > most) {
      cut = true;
      response.destroy();
      break;
    }
  }
  decoder?.end();
  const unpacked = await decoded;
  const body = unpacked?.body ?? Buffer.concat(kept).subarray(0, keep);
  return {
    sha256: { raw: raw.digest('base64url'), decoded: unpacked?.sha256 },
    size,
    cut: cut || unpacked?.cut === true,
    body,
  };
}

type Decoder = ReturnType<typeof createGunzip> | ReturnType<typeof createBrotliDecompress>;

function decoderOf(response: IncomingMessage): Decoder | undefined {
  const encoding = response.headers['content-encoding']?.trim().toLowerCase();
  if (encoding === 'gzip' || encoding === 'x-gzip') return createGunzip();
  return encoding === 'br' ? createBrotliDecompress() : undefined;
}

function drained(decoder: Decoder): Promise<void> {
  return new Promise((resolve) => {
    const on = () => {
      for (const name of ['drain', 'close', 'error'] as const) decoder.off(name, on);
      resolve();
    };
    for (const name of ['drain', 'close', 'error'] as const) decoder.once(name, on);
  });
}

/** Reads a decoder to its end, or up to a limit: a few bytes may decode to gigabytes. */
async function hashed(decoder: Decoder, most: number, keep: number) {
  const hash = createHash('sha256');
  const kept: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of decoder as AsyncIterable<Buffer>) {
      hash.update(chunk);
      if (size < keep) kept.push(chunk);
      size += chunk.length;
      if (size > most) return { sha256: undefined, body: Buffer.concat(kept).subarray(0, keep), cut: true };
    }
  } catch {
    return { sha256: undefined, body: Buffer.concat(kept).subarray(0, keep), cut: false };
  }
  return { sha256: hash.digest('base64url'), body: Buffer.concat(kept).subarray(0, keep), cut: false };
}

function plainHeaders(response: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(response.headersDistinct).map(([name, values]) => [name, (values ?? []).join(', ')]),
  );
}

/** Browsers give up at 20. */
const mostRedirects = 5;
const redirecting: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Requests a URL and follows redirects as a browser does. */
export async function follow(connections: Connections, from: URL, asked: Asked): Promise<Answer | Trouble> {
  const redirects: URL[] = [];
  let url = from;
  for (;;) {
    const answer = await connections.exchange(url, asked);
    if ('trouble' in answer) return redirects.length === 0 ? answer : away(url, answer.message);
    const { location } = answer.headers;
    if (!redirecting.has(answer.status) || location === undefined) return { ...answer, redirects };
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    if (next === undefined || !/^https?:$/.test(next.protocol)) {
      return {
        trouble: 'redirect',
        message: `redirects to ${oneLine(location, 100)}, which is not an HTTP URL`,
      };
    }
    next.hash = '';
    if (next.href === from.href || redirects.some((redirect) => redirect.href === next.href)) {
      return { trouble: 'redirect', message: `redirects in a loop through ${shown(next)}` };
    }
    redirects.push(next);
    if (redirects.length > mostRedirects) {
      return {
        trouble: 'redirect',
        message: `redirects more than ${mostRedirects} times, most recently to ${shown(next)}`,
      };
    }
    url = next;
  }
}

function away(url: URL, message: string): Trouble {
  return { trouble: 'redirect', message: `redirects to ${shown(url)}, which ${message}` };
}
