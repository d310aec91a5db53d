import { Duplex } from 'node:stream';

/** A stream that Node's HTTP client accepts as its socket. It ignores the settings of a real socket. */
export abstract class SocketLike extends Duplex {
  setTimeout(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  destroySoon(): void {
    if (this.writableFinished) this.destroy();
    else this.end(() => this.destroy());
  }
}

/**
 * A stream that exists at once and opens in the background. http.Agent counts a socket only when it gets it: with sockets
 * that arrive later, forty parallel requests open forty.
 */
export class LateSocket extends SocketLike {
  readonly #opening: Promise<Duplex>;
  #inner: Duplex | undefined;

  constructor(opening: Promise<Duplex>) {
    // Like a TCP socket it closes when the other end does, so that the agent forgets it.
    super({ allowHalfOpen: false });
    this.#opening = opening;
  }

  override _construct(done: (error?: Error | null) => void): void {
    this.#opening.then(
      (inner) => {
        this.#inner = inner;
        inner.on('data', (chunk: Buffer) => {
          if (!this.push(chunk)) inner.pause();
        });
        inner.on('end', () => this.push(null));
        inner.on('error', (error) => this.destroy(error));
        inner.on('close', () => {
          if (!this.readableEnded) this.push(null);
        });
        inner.resume();
        done();
      },
      (error: Error) => done(error),
    );
  }

  override _read(): void {
    this.#inner?.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#inner?.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#inner?.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // Destroyed before it was open: close the stream that has just opened.
    if (this.#inner === undefined) this.#opening.then((inner) => inner.destroy()).catch(() => {});
    this.#inner?.destroy();
    done(error);
  }
}
