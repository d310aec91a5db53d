import { randomBytes } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { kindOf, Unanswered, versionOf } from './ask.ts';
import { monotonic } from './clock.ts';
import { closeCode, encodeClose, encodeFrame, FrameReader, opcodes } from './frames.ts';
import type { Asked } from './model.ts';
import type { Tally } from './tally.ts';

const handshakeMs = 10_000;
const echoEveryMs = 1_000;
/** An echo that takes longer is lost, although the socket is open. */
const echoMs = 5_000;

export interface WebSocketOptions {
  readonly url: string;
  /** Which of the WebSocket clients at this URL. */
  readonly who: number;
  readonly tally: Tally;
  readonly stop: AbortSignal;
  /** The socket is ended from this side after so long; it stays open until the stop otherwise. */
  readonly forMs?: number;
}

/** Opens one WebSocket and talks on it until it ends. Returns without an error, whatever happens. */
export async function talk(options: WebSocketOptions): Promise<void> {
  const { url, who, tally, stop } = options;
  const started = monotonic();
  const asked: Asked = { client: 'websocket', url, who, at: started };
  let opened: Opened;
  try {
    opened = await open(url);
  } catch (error) {
    if (error instanceof Unanswered) tally.bad(asked, { ...error, detail: error.message });
    else throw error;
    return;
  }
  tally.good(asked, opened.version);
  tally.socketOpened();
  const ours =
    options.forMs === undefined ? stop : AbortSignal.any([stop, AbortSignal.timeout(options.forMs)]);
  const end = await converse(opened, asked, tally, ours);
  if (end === 'ours') tally.socketClosed();
  else tally.socketClosed({ url, version: opened.version, ageMs: monotonic() - started, code: end.code });
}

interface Opened {
  readonly socket: Socket;
  readonly head: Buffer;
  readonly version: string | undefined;
}

function open(base: string): Promise<Opened> {
  const { promise, resolve, reject } = Promise.withResolvers<Opened>();
  const asking = request(new URL('/api/ws', base), {
    agent: false,
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
    },
  });
  const timer = setTimeout(() => {
    reject(new Unanswered('timeout', `no handshake in ${handshakeMs} ms`));
    asking.destroy();
  }, handshakeMs);
  asking.on('upgrade', (response: IncomingMessage, socket: Socket, head: Buffer) => {
    clearTimeout(timer);
    resolve({ socket, head, version: versionOf(response) });
  });
  asking.on('response', (response) => {
    clearTimeout(timer);
    response.resume();
    const status = response.statusCode ?? 0;
    reject(new Unanswered(kindOf(status), `handshake answered ${status}`, versionOf(response)));
  });
  asking.on('error', (error: Error & { code?: string }) => {
    clearTimeout(timer);
    const kind = error.code === 'ECONNREFUSED' ? 'refused' : 'reset';
    reject(new Unanswered(kind, `${error.code ?? ''} ${error.message}`.trim()));
  });
  asking.end();
  return promise;
}

/** Echoes and ticks until one side ends. @returns who did, and with which close code. */
function converse(
  opened: Opened,
  client: Asked,
  tally: Tally,
  ours: AbortSignal,
): Promise<'ours' | { code: number | undefined }> {
  const { socket, head, version } = opened;
  const reader = new FrameReader();
  const { promise, resolve } = Promise.withResolvers<'ours' | { code: number | undefined }>();
  let number = 0;
  let waitingSince: number | undefined;
  let code: number | undefined;

  const say = () => {
    if (waitingSince !== undefined) {
      if (monotonic() - waitingSince < echoMs) return;
      const asked = { ...client, at: waitingSince };
      tally.bad(asked, { kind: 'echo', version, detail: `no echo in ${echoMs} ms` });
    }
    number += 1;
    waitingSince = monotonic();
    socket.write(encodeFrame(opcodes.text, Buffer.from(`${number}`)));
  };
  const hear = (chunk: Buffer) => {
    for (const frame of reader.push(chunk)) {
      if (frame.opcode === opcodes.ping) socket.write(encodeFrame(opcodes.pong, frame.payload));
      if (frame.opcode === opcodes.close) {
        code = closeCode(frame);
        socket.end(encodeClose(1000));
      }
      if (frame.opcode !== opcodes.text) continue;
      const text = frame.payload.toString('utf8');
      if (text.startsWith('tick ')) tally.tick();
      if (text !== `echo ${number}`) continue;
      tally.echo();
      waitingSince = undefined;
    }
  };
  const timer = setInterval(say, echoEveryMs);
  const leave = () => {
    clearInterval(timer);
    socket.write(encodeClose(1000));
    // The other side answers with its own close frame; a dead one must not keep us.
    setTimeout(() => socket.destroy(), 1_000).unref();
  };
  if (ours.aborted) leave();
  else ours.addEventListener('abort', leave, { once: true });
  socket.on('data', hear);
  socket.on('error', () => {});
  socket.on('close', () => {
    clearInterval(timer);
    ours.removeEventListener('abort', leave);
    resolve(ours.aborted ? 'ours' : { code });
  });
  if (head.length > 0) hear(head);
  return promise;
}
