import { setMaxListeners } from 'node:events';
import type { Channel, Client } from 'ssh2';
import { messageOf, UserError } from '../../kernel/errors.ts';
import { ChannelStream } from './channel-stream.ts';
import { openSession, type Session } from './session.ts';

/** The server refused to forward: ssh2 gives the reason code of RFC 4254, section 5.1. */
export class ForwardRefused extends Error {
  /** sshd forbids it; otherwise, it tried and failed. */
  readonly forbidden: boolean;
  constructor(error: Error) {
    super(error.message);
    this.forbidden = (error as { reason?: unknown }).reason === 1;
  }
}

/** One SSH connection, logged in, for all traffic to the host. */
export class Connection {
  readonly label: string;
  readonly #client: Client;
  readonly #lost = new AbortController();
  readonly #over = new AbortController();
  readonly #closed: Promise<void>;
  #closing = false;

  /** @param label the server's name in messages. */
  constructor(client: Client, label: string) {
    this.label = label;
    this.#client = client;
    // Every stream listens to these.
    setMaxListeners(0, this.#lost.signal, this.#over.signal);
    let lastError: Error | undefined;
    client.on('error', (error: Error) => {
      lastError = error;
    });
    this.#closed = new Promise((resolve) => {
      client.once('close', () => {
        const reason = this.#closing ? closedByUs(label) : lostError(label, lastError);
        this.#over.abort(reason);
        if (!this.#closing) this.#lost.abort(reason);
        resolve();
      });
    });
  }

  /** Aborts when the connection breaks, not when Sluice closes it. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Aborts when the connection has ended, either way. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** @throws SessionRefused; UserError `host.connection-lost`, `host.closed`. */
  session(command: string): Promise<Session> {
    return openSession(this.#client, command, this.over);
  }

  /** @throws ForwardRefused; UserError `host.connection-lost`, `host.closed`. */
  unixSocket(path: string): Promise<ChannelStream> {
    return this.#forward((done) => this.#client.openssh_forwardOutStreamLocal(path, done));
  }

  /** @throws ForwardRefused; UserError `host.connection-lost`, `host.closed`. */
  tcp(address: string, port: number): Promise<ChannelStream> {
    return this.#forward((done) => this.#client.forwardOut('127.0.0.1', 0, address, port, done));
  }

  #forward(
    open: (done: (error: Error | undefined, channel: Channel) => void) => void,
  ): Promise<ChannelStream> {
    if (this.over.aborted) return Promise.reject(this.over.reason);
    return new Promise((resolve, reject) => {
      try {
        open((error, channel) => {
          if (error === undefined || error === null) return resolve(new ChannelStream(channel, this.over));
          setImmediate(() => reject(this.over.aborted ? this.over.reason : new ForwardRefused(error)));
        });
      } catch (error) {
        // ssh2 throws "Not connected" before it reports a broken connection.
        setImmediate(() => reject(this.over.aborted ? this.over.reason : lostError(this.label, error)));
      }
    });
  }

  /** Ends the connection; operations in flight fail with `host.closed`. Resolves when the socket is closed. */
  async close(): Promise<void> {
    if (!this.over.aborted) {
      this.#closing = true;
      this.#client.end();
      // Do not wait for a peer that does not respond.
      const timer = setTimeout(() => this.#client.destroy(), 1_000);
      await this.#closed;
      clearTimeout(timer);
    }
  }
}

function lostError(label: string, error: unknown): UserError {
  const why = error === undefined ? 'the host closed it' : reasonOf(messageOf(error));
  return new UserError({
    code: 'host.connection-lost',
    message: `The SSH connection to ${label} was lost: ${why}`,
    hint: 'Check the host and the network, then run the command again: it finishes or reverts the interrupted work.',
    ...(error === undefined ? {} : { cause: error }),
  });
}

function reasonOf(text: string): string {
  return text === 'Keepalive timeout' ? 'the host no longer responds' : text;
}

function closedByUs(label: string): UserError {
  return new UserError({
    code: 'host.closed',
    message: `The SSH connection to ${label} has been closed`,
    hint: 'Run the command again. If the error persists, report it.',
  });
}
