import type { Duplex } from 'node:stream';
import type { Host } from '../../host/model.ts';

/** The admin socket answers within milliseconds, so a silent edge is dead. */
const answerMs = 5_000;
/** HAProxy closes an idle connection after 10 s (`stats timeout`). */
const spareMs = 5_000;
/** Answer of a process that was replaced after the connection was made, see commands.lua. */
const replaced = 'refused: this process is ending';

export interface SendOptions {
  /** Opens the next connection in advance, so that a command costs one round trip instead of two. */
  readonly ahead?: boolean;
}

interface Spare {
  readonly opening: Promise<Duplex>;
  readonly openedAt: number;
}

/** One command, one connection: HAProxy closes it after the answer, so its end is the answer's end. */
export function sendTo(
  host: Pick<Host, 'unixSocket'>,
  socket: string,
  options: SendOptions = {},
): (command: string) => Promise<string> {
  let spare: Spare | undefined;
  const takeSpare = async (): Promise<Duplex | undefined> => {
    const taken = spare;
    spare = undefined;
    if (taken === undefined) return undefined;
    const stream = await taken.opening.catch(() => undefined);
    if (stream === undefined || performance.now() - taken.openedAt > spareMs || stream.destroyed) {
      stream?.destroy();
      return undefined;
    }
    return stream;
  };
  const openSpare = () => {
    if (options.ahead !== true || spare !== undefined) return;
    const opening = host.unixSocket(socket);
    // The next command reports an edge that is gone.
    opening.then((stream) => stream.on('error', () => {})).catch(() => {});
    spare = { opening, openedAt: performance.now() };
  };
  return async (command) => {
    const waiting = await takeSpare();
    const stream = waiting ?? (await host.unixSocket(socket));
    openSpare();
    const answer = await ask(stream, socket, command);
    // An edge that ended before it read the command gives an empty answer.
    const stale = waiting !== undefined && (answer === '' || answer.startsWith(replaced));
    return stale ? await ask(await host.unixSocket(socket), socket, command) : answer;
  };
}

function ask(stream: Duplex, socket: string, command: string): Promise<string> {
  return new Promise<string>((resolve, reject) => {
    const chunks: Buffer[] = [];
    const timer = setTimeout(() => {
      stream.destroy();
      reject(new Error(`${socket} did not answer "${command.split(' ').slice(0, 2).join(' ')}"`));
    }, answerMs);
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      finish();
    };
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => settle(() => resolve(Buffer.concat(chunks).toString('utf8'))));
    stream.on('error', (error) => settle(() => reject(error)));
    stream.end(`${command}\n`);
  });
}
