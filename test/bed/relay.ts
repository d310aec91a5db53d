import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface RelayOptions {
  target: { host: string; port: number };
  /** Milliseconds each way: 25 makes a round trip of 50 ms. */
  oneWayDelay: number;
  /** 127.0.0.1 and a free port by default. */
  listen?: { host?: string; port?: number };
}

/**
 * `reset`: every connection is reset and new ones are refused, as by a firewall that rejects or a crashed machine.
 * `silent`: nothing arrives and nobody is told, as by a pulled cable; after a restore the traffic goes on.
 */
export type Cut = 'reset' | 'silent';

export interface Relay {
  host: string;
  port: number;
  /** Open client connections. */
  connections(): number;
  cut(mode?: Cut): Promise<void>;
  restore(): Promise<void>;
  close(): Promise<void>;
}

/** A TCP relay with the latency of a distant server: this kernel may have no `tc netem`. */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const pairs = new Set<Pair>();
  let silent = false;
  const host = options.listen?.host ?? '127.0.0.1';
  let port = options.listen?.port ?? 0;

  const accept = (client: Socket) => {
    const pair = new Pair(client, options, () => pairs.delete(pair));
    pairs.add(pair);
    if (silent) pair.hold();
  };
  let server = await listen(host, port, accept);
  port = (server.address() as AddressInfo).port;

  const stop = async () => {
    const closed = server.listening ? once(server, 'close') : undefined;
    server.close();
    for (const pair of pairs) pair.reset();
    await closed;
  };
  return {
    host,
    port,
    connections: () => pairs.size,
    async cut(mode = 'reset') {
      if (mode === 'reset') return stop();
      silent = true;
      for (const pair of pairs) pair.hold();
    },
    async restore() {
      silent = false;
      for (const pair of pairs) pair.release();
      if (!server.listening) server = await listen(host, port, accept);
    },
    close: stop,
  };
}

async function listen(host: string, port: number, accept: (client: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, accept);
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}

/** A client's connection and ours to the target. */
class Pair {
  readonly #client: Socket;
  readonly #options: RelayOptions;
  readonly #done: () => void;
  readonly #opening: NodeJS.Timeout;
  readonly #lines: Line[] = [];
  #target: Socket | undefined;
  #held = false;
  #broken = false;

  constructor(client: Socket, options: RelayOptions, done: () => void) {
    this.#client = client;
    this.#options = options;
    this.#done = done;
    this.#watch(client);
    // The client's connect() to us takes no time. Over a distance a server sees the connection after one and a half
    // round trips (SYN, SYN-ACK, ACK).
    this.#opening = setTimeout(() => this.#open(), 3 * options.oneWayDelay);
  }

  #open(): void {
    const target = connect({ ...this.#options.target, allowHalfOpen: true, noDelay: true });
    this.#target = target;
    this.#watch(target);
    target.on('connect', () => {
      const delay = this.#options.oneWayDelay;
      this.#lines.push(new Line(this.#client, target, delay), new Line(target, this.#client, delay));
      if (this.#held) this.hold();
    });
  }

  #watch(socket: Socket): void {
    socket.on('error', () => {
      this.#broken = true;
    });
    socket.on('close', () => this.#finish());
  }

  /** One end is gone. What it sent before is still on its way, and the other end hears of it only after that. */
  #finish(): void {
    if (this.#held || this.#lines.some((line) => !line.idle)) {
      setTimeout(() => this.#finish(), this.#options.oneWayDelay + 1).unref();
      return;
    }
    if (this.#broken) {
      this.reset();
      return;
    }
    clearTimeout(this.#opening);
    this.#client.end();
    this.#target?.end();
    this.#done();
  }

  hold(): void {
    this.#held = true;
    for (const line of this.#lines) line.hold();
  }

  release(): void {
    this.#held = false;
    for (const line of this.#lines) line.release();
  }

  reset(): void {
    clearTimeout(this.#opening);
    this.#held = false;
    for (const line of this.#lines) line.stop();
    this.#client.resetAndDestroy();
    this.#target?.resetAndDestroy();
    this.#done();
  }
}

/** One direction. Chunks keep their order and each arrives `delay` after it was sent. */
class Line {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #queue: { at: number; chunk: Buffer | undefined }[] = [];
  readonly #delay: number;
  #timer: NodeJS.Timeout | undefined;
  #held = false;

  constructor(from: Socket, to: Socket, delay: number) {
    this.#from = from;
    this.#to = to;
    this.#delay = delay;
    from.on('data', (chunk: Buffer) => this.#put(chunk));
    from.on('end', () => this.#put(undefined));
    to.on('drain', () => {
      if (!this.#held) from.resume();
    });
    from.resume();
  }

  get idle(): boolean {
    return this.#queue.length === 0;
  }

  hold(): void {
    this.#held = true;
    this.#from.pause();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  release(): void {
    this.#held = false;
    this.#from.resume();
    this.#schedule();
  }

  stop(): void {
    this.hold();
    this.#queue.length = 0;
  }

  #put(chunk: Buffer | undefined): void {
    this.#queue.push({ at: performance.now() + this.#delay, chunk });
    this.#schedule();
  }

  #schedule(): void {
    const first = this.#queue[0];
    if (this.#held || this.#timer !== undefined || first === undefined) return;
    this.#timer = setTimeout(() => this.#deliver(), Math.max(0, first.at - performance.now()));
  }

  #deliver(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (let first = this.#queue[0]; first !== undefined && first.at <= now + 0.5; first = this.#queue[0]) {
      this.#queue.shift();
      if (first.chunk === undefined) this.#to.end();
      else if (!this.#to.write(first.chunk)) this.#from.pause();
    }
    this.#schedule();
  }
}
