import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** A line longer than this is passed on in pieces. */
const longestLine = 64 * 1024;

/** Output while it arrives: lines for a callback, and the last part for the result. */
export interface Output {
  /** The last `keep` bytes, as text. */
  text(): string;
  /** Whether the beginning was dropped. */
  truncated(): boolean;
}

/**
 * Reads a stream to its end.
 *
 * @param keep bytes of the end that are kept.
 * @param onLine gets each line without its newline, the last one even if unfinished.
 */
export function collect(stream: Readable, keep: number, onLine?: (line: string) => void): Output {
  let chunks: Buffer[] = [];
  let size = 0;
  let dropped = false;
  const lines = onLine === undefined ? undefined : splitLines(onLine);
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    // Not trimmed at every chunk, because copying is expensive.
    if (size > 2 * keep) trim();
    lines?.write(chunk);
  });
  stream.once('end', () => lines?.end());
  stream.resume();
  function trim(): void {
    const all = Buffer.concat(chunks);
    if (all.length > keep) dropped = true;
    chunks = [all.subarray(Math.max(0, all.length - keep))];
    size = chunks[0]?.length ?? 0;
  }
  return {
    text: () => {
      trim();
      const kept = chunks[0] ?? Buffer.alloc(0);
      // A cut within a character leaves up to three continuation bytes.
      let start = 0;
      while (dropped && start < 3 && ((kept[start] ?? 0) & 0xc0) === 0x80) start++;
      return kept.toString('utf8', start);
    },
    truncated: () => dropped || size > keep,
  };
}

/** Cuts chunks into lines, and joins characters that are split between chunks. */
export function splitLines(onLine: (line: string) => void): { write(chunk: Buffer): void; end(): void } {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const take = (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
    if (rest.length > longestLine) {
      onLine(rest);
      rest = '';
    }
  };
  return {
    write: (chunk) => take(decoder.write(chunk)),
    end: () => {
      take(decoder.end());
      if (rest !== '') onLine(rest);
      rest = '';
    },
  };
}
