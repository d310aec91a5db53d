import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../../../src/kernel/clock.ts';

export interface Seen {
  readonly method: string;
  /** With the query, as it was sent. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `drop`: the connection ends and nothing is done; `lose`: it ends after all is done; `hang`: no answer comes. */
export type Fault = Reply | 'drop' | 'lose' | 'hang';

/** An API on a free port of this machine. */
export interface FakeApi extends AsyncDisposable {
  readonly url: string;
  /** All that came, refused ones too. */
  readonly requests: readonly Seen[];
  /** The next requests end like this, whatever they ask. */
  fail(...faults: readonly Fault[]): void;
}

export async function startApi(answer: (request: Seen) => Reply): Promise<FakeApi> {
  const requests: Seen[] = [];
  const faults: Fault[] = [];
  const server = createServer(async (request, response) => {
    const { method = '', url: path = '', headers } = request;
    const seen = { method, path, headers, body: await textOf(request) };
    requests.push(seen);
    const fault = faults.shift();
    if (fault === 'hang') return;
    if (fault === 'drop') return void request.socket.destroy();
    const reply = typeof fault === 'object' ? fault : answer(seen);
    if (fault === 'lose') return void request.socket.destroy();
    response.writeHead(reply.status, reply.headers).end(reply.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    fail: (...more) => void faults.push(...more),
    [Symbol.asyncDispose]: async () => {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** A clock that only goes on while somebody sleeps by it: minutes of waiting pass at once. */
export function virtualClock(begin = Date.UTC(2026, 0, 1)): Clock {
  let passed = 0;
  return {
    now: () => begin + passed,
    elapsed: () => passed,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      passed += ms;
    },
  };
}
