import type { Readable } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
import { ChannelStream } from './channel-stream.ts';

/** How a remote command ended. Neither is set if its session ended without a status. */
export interface Exit {
  readonly code: number | undefined;
  /** `SIGTERM` … if a signal killed it. */
  readonly signal: string | undefined;
}

/** One command on the host, as sshd started it: its standard streams and its end. */
export interface Session {
  readonly stdio: ChannelStream;
  readonly stderr: Readable;
  /** Resolves when the command has ended and all its output has been read. Never rejects. */
  readonly exit: Promise<Exit>;
  /** Resolves when the command has ended, even if its output is unread. Never rejects. */
  readonly closed: Promise<Exit>;
  /** Asks sshd to signal the command's process group (OpenSSH 7.9 and later). It may have no effect. */
  signal(name: 'TERM' | 'KILL'): void;
}

/** The server refused a session: over MaxSessions, or sessions are forbidden. */
export class SessionRefused extends Error {}

/**
 * The internals of ssh2 that send the open request and the exec request. Client.exec() returns the channel only after the
 * server has answered the exec request, one round trip later than necessary (decision 0004). The contract tests fail if an
 * update changes these internals.
 */
interface Internals {
  readonly _chanMgr: { add(onOpen: OnOpen): number };
  readonly _protocol: {
    session(local: number, window: number, packetSize: number): void;
    exec(remote: number, command: string, wantReply: boolean): void;
    signal(remote: number, name: string): void;
  };
}
interface OpenChannel extends ClientChannel {
  readonly outgoing: { readonly id: number; readonly state: string };
  readonly _callbacks: ((failed: boolean) => void)[];
}
interface OnOpen {
  (error: Error | undefined, channel: OpenChannel): void;
  type?: string;
}

// The defaults of ssh2's channels (lib/Channel.js).
const window = 2 * 1024 * 1024;
const packetSize = 32 * 1024;

/**
 * Opens a session and starts a command in it, in one and a half round trips: data written to `stdio` is sent directly after
 * the exec request.
 *
 * @param over aborts when the connection has ended.
 * @throws SessionRefused; the reason of `over`.
 */
export function openSession(client: Client, command: string, over: AbortSignal): Promise<Session> {
  if (over.aborted) return Promise.reject(over.reason);
  const { _chanMgr: channels, _protocol: protocol } = client as unknown as Internals;
  return new Promise((resolve, reject) => {
    const onOpen: OnOpen = (error, channel) => {
      if (error) {
        // Pending requests fail before the loss of the connection is reported.
        setImmediate(() => reject(over.aborted ? over.reason : new SessionRefused(error.message)));
        return;
      }
      channel._callbacks.push((failed) => {
        if (failed) channel.close();
      });
      protocol.exec(channel.outgoing.id, command, true);
      resolve(sessionOf(channel, protocol, over));
    };
    onOpen.type = 'session';
    const local = channels.add(onOpen);
    if (local === -1) return reject(new SessionRefused('no free channel number'));
    try {
      protocol.session(local, window, packetSize);
    } catch (error) {
      reject(over.aborted ? over.reason : error);
    }
  });
}

function sessionOf(channel: OpenChannel, protocol: Internals['_protocol'], over: AbortSignal): Session {
  const stdio = new ChannelStream(channel, over);
  const { stderr } = channel;
  let code: number | undefined;
  let signal: string | undefined;
  channel.on('exit', (exitCode: number | null, name?: string) => {
    code = exitCode ?? undefined;
    signal = name;
  });
  const ended = new Promise<void>((resolve) => {
    // The reader of stdio determines its end; a destroyed stream only closes.
    stdio.once('end', resolve);
    stdio.once('close', resolve);
    stdio.on('error', () => resolve());
  });
  const quiet = new Promise<void>((resolve) => {
    stderr.once('end', resolve);
    stderr.once('close', resolve);
    over.addEventListener('abort', () => resolve(), { once: true });
    stdio.once('close', resolve);
  });
  const closed = new Promise<void>((resolve) => {
    channel.once('close', () => resolve());
    over.addEventListener('abort', () => resolve(), { once: true });
  });
  return {
    stdio,
    stderr,
    exit: Promise.all([ended, quiet, closed]).then(() => ({ code, signal })),
    closed: closed.then(() => ({ code, signal })),
    signal: (name) => {
      if (channel.outgoing.state === 'closed' || over.aborted) return;
      try {
        protocol.signal(channel.outgoing.id, name);
      } catch {
        // The connection is breaking.
      }
    },
  };
}
