import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { edgeAddress, port } from './bed.ts';

export interface Answer {
  readonly at: number;
  readonly status: number;
  readonly colour: string;
  readonly body: string;
  readonly tookMs: number;
}

export interface Call {
  readonly path?: string;
  readonly method?: 'GET' | 'POST';
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly agent?: Agent;
  readonly port?: number;
}

/** One request that is never sent again. Rejects when there is no whole answer. */
export function call(what: Call = {}): Promise<Answer> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const { path = '/', method = 'GET', headers = {}, agent = new Agent() } = what;
    const sent = request(
      { host: edgeAddress, port: what.port ?? port, path, method, headers, agent },
      (response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            at: performance.now(),
            status: response.statusCode ?? 0,
            colour: `${response.headers['x-colour'] ?? ''}`,
            body,
            tookMs: performance.now() - began,
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(what.body);
  });
}

/** Clients that send one request after the other and count at their side: keep-alive and fresh, half POST, some slow. */
export class Load {
  readonly answers: Answer[] = [];
  readonly failures: { readonly at: number; readonly what: string }[] = [];
  #running = true;
  readonly #clients: Promise<void>[];
  readonly #agents: Agent[] = [];

  constructor(clients = 12) {
    this.#clients = Array.from({ length: clients }, (_, index) => this.#client(index));
  }

  async #client(index: number): Promise<void> {
    const agent = new Agent({ keepAlive: index % 2 === 0, maxSockets: 1 });
    this.#agents.push(agent);
    const slow = index % 6 === 5;
    for (let i = 0; this.#running; i += 1) {
      const body = i % 2 === 0 ? undefined : `body-${index}-${i}-${'x'.repeat(500)}`;
      const post: Call = body === undefined ? {} : { method: 'POST', body };
      try {
        const answer = await call({ path: slow ? '/?wait=120' : '/', agent, ...post });
        const whole = body === undefined || answer.body.endsWith(body);
        if (answer.status === 200 && whole) this.answers.push(answer);
        else
          this.failures.push({
            at: performance.now(),
            what: `status ${answer.status}, body whole: ${whole}`,
          });
      } catch (error) {
        this.failures.push({ at: performance.now(), what: String(error) });
        // A client that cannot connect must not spin.
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#clients);
    for (const agent of this.#agents) agent.destroy();
  }

  /** What failed, counted by kind; for messages. */
  summary(): string {
    const kinds = new Map<string, number>();
    for (const { what } of this.failures) kinds.set(what, (kinds.get(what) ?? 0) + 1);
    return `${this.answers.length} answers, ${this.failures.length} failures ${JSON.stringify([...kinds])}`;
  }
}

/** Bytes as they are, on a connection of their own; what has come back so far, and whether the other side has ended. */
export function sendRaw(bytes: string): { readonly socket: Socket; received: string; ended: boolean } {
  const sent = { socket: connect(port, edgeAddress), received: '', ended: false };
  sent.socket.on('data', (chunk) => {
    sent.received += chunk;
  });
  sent.socket.on('error', () => {});
  sent.socket.on('close', () => {
    sent.ended = true;
  });
  sent.socket.write(bytes, 'latin1');
  return sent;
}

/** A tunnel through the edge, as a WebSocket makes it: what is sent comes back with the colour in front. */
export class Tunnel {
  readonly #socket: Socket;
  #received = '';
  closed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#received += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
    });
  }

  static open(): Promise<Tunnel> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, edgeAddress);
      socket.once('error', reject);
      socket.write(`GET /tunnel HTTP/1.1\r\nHost: edge\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n`);
      socket.once('data', (chunk) => {
        if (String(chunk).startsWith('HTTP/1.1 101')) resolve(new Tunnel(socket));
        else reject(new Error(`no tunnel: ${chunk}`));
      });
    });
  }

  /** The colour that answers. */
  async echo(text: string): Promise<string> {
    const before = this.#received.length;
    this.#socket.write(text);
    for (const end = Date.now() + 5000; Date.now() < end && !this.closed; ) {
      const got = this.#received.slice(before);
      if (got.endsWith(text)) return got.slice(0, got.indexOf(':'));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    throw new Error(this.closed ? 'the tunnel was closed' : 'the tunnel is silent');
  }

  close(): void {
    this.#socket.destroy();
  }
}
