import type { Channel } from 'ssh2';
import { SocketLike } from '../engine/socket-like.ts';

/**
 * A channel of the SSH connection as an ordinary stream. ssh2's own differs: after the remote end has closed it, a write
 * never calls back, and `destroy(error)` drops the error.
 *
 * Data written after the remote end has closed is dropped silently, so that the full output of a program that does not
 * read all of its input can be read. When the connection is lost, the stream fails with the reason.
 */
export class ChannelStream extends SocketLike {
  readonly #channel: Channel;
  #waiting: (() => void) | undefined;
  #closed = false;
  #verdict: Promise<Error | undefined> | undefined;

  /** @param over aborts when the connection has ended, with the reason. */
  constructor(channel: Channel, over: AbortSignal) {
    super({ allowHalfOpen: true });
    this.#channel = channel;
    channel.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) channel.pause();
    });
    channel.on('end', () => this.#endOfInput());
    const onOver = () => this.destroy(over.reason);
    channel.once('close', () => {
      over.removeEventListener('abort', onOver);
      // A lost connection closes its channels before it is reported: wait for the reason.
      setImmediate(() => {
        if (over.aborted) this.destroy(over.reason);
        else this.#onClose();
      });
    });
    if (over.aborted) queueMicrotask(onOver);
    else over.addEventListener('abort', onOver, { once: true });
  }

  /** Delays the end of input until it is known whether it is an end or a failure. */
  holdEnd(verdict: Promise<Error | undefined>): void {
    this.#verdict = verdict;
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#waiting = done;
    if (this.#closed) {
      // Deferred: an endless source would block the event loop.
      setImmediate(() => this.#written());
      return;
    }
    try {
      this.#channel.write(chunk, () => this.#written());
    } catch {
      // The connection broke; `over` will abort with the reason.
      this.#written();
    }
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#attempt(() => this.#channel.end());
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#attempt(() => this.#channel.destroy());
    this.#channel.resume();
    this.#written();
    done(error);
  }

  #written(): void {
    const done = this.#waiting;
    this.#waiting = undefined;
    done?.();
  }

  #endOfInput(): void {
    if (this.#verdict === undefined) this.#pushEnd();
    else void this.#verdict.then((error) => (error === undefined ? this.#pushEnd() : this.destroy(error)));
  }

  #pushEnd(): void {
    if (!this.destroyed && !this.readableEnded) this.push(null);
  }

  #onClose(): void {
    this.#closed = true;
    this.#endOfInput();
    this.#written();
    if (!this.writableEnded) this.end();
  }

  #attempt(action: () => unknown): void {
    if (this.#closed) return;
    try {
      action();
    } catch {
      // Nothing to close on a connection that is gone.
    }
  }
}
