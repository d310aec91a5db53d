import type { Host } from '../../host/model.ts';

/** The admin socket answers within milliseconds; a silent one is a dead edge. */
const answerMs = 5_000;

/** One command, one connection: HAProxy closes it after the answer, so its end is the answer's end. */
export function sendTo(host: Host, socket: string): (command: string) => Promise<string> {
  return async (command) => {
    const stream = await host.unixSocket(socket);
    return new Promise<string>((resolve, reject) => {
      const chunks: Buffer[] = [];
      const timer = setTimeout(() => {
        stream.destroy();
        reject(new Error(`${socket} gave no answer to "${command.split(' ').slice(0, 2).join(' ')}"`));
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
  };
}
