import { gunzipSync } from 'node:zlib';

/** The subset of tar(5) that engines write when they save an image, and small archives for uploads. */

export interface TarEntry {
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  /** Target of a link. */
  readonly link: string;
  readonly size: number;
  /** The bytes, readable once; unread bytes are skipped. */
  readonly content: AsyncIterable<Buffer>;
}

const block = 512;
/** Extended headers are small; a larger one is damaged. */
const longestHeader = 1024 * 1024;

/**
 * Reads an archive as a stream, entry by entry.
 *
 * @throws Error if it is truncated or not a tar archive.
 */
export async function readTar(
  source: AsyncIterable<Buffer>,
  onEntry: (entry: TarEntry) => Promise<void>,
): Promise<void> {
  const bytes = new Bytes(source);
  let extended: Readonly<Record<string, string>> = {};
  for (;;) {
    const header = await bytes.take(block, true);
    if (header === undefined || header.every((byte) => byte === 0)) break;
    checkSum(header);
    const type = String.fromCharCode(header[156] ?? 0);
    const size = Number(extended.size ?? numberAt(header, 124, 12));
    if (type === 'x' || type === 'g' || type === 'L' || type === 'K') {
      if (size > longestHeader) throw new Error('tar: an extended header is too long');
      const text = ((await bytes.take(padded(size))) ?? Buffer.alloc(0)).subarray(0, size);
      if (type === 'x') extended = { ...extended, ...paxRecords(text) };
      if (type === 'L') extended = { ...extended, path: textAt(text, 0, size) };
      if (type === 'K') extended = { ...extended, linkpath: textAt(text, 0, size) };
      continue;
    }
    const prefix = textAt(header, 257, 5) === 'ustar' ? textAt(header, 345, 155) : '';
    const name = textAt(header, 0, 100);
    const content = bytes.section(size);
    await onEntry({
      path: extended.path ?? (prefix === '' ? name : `${prefix}/${name}`),
      kind: kinds[type] ?? 'other',
      link: extended.linkpath ?? textAt(header, 157, 100),
      size,
      content,
    });
    for await (const _ of content);
    await bytes.take(padded(size) - size);
    extended = {};
  }
  // Read the last blocks, too, so that the writer can finish.
  await bytes.drain();
}

const kinds: Readonly<Record<string, TarEntry['kind']>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'link',
  '5': 'folder',
};

/** A small archive of files and their parent folders. */
export function tarOf(files: readonly { readonly path: string; readonly content: Buffer }[]): Buffer {
  const parts = files.flatMap(({ path, content }) => {
    const header = Buffer.alloc(block);
    header.write(path, 0, 100);
    header.write('0000644\0', 100);
    header.write('0000000\0', 108);
    header.write('0000000\0', 116);
    header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('00000000000\0', 136);
    header.write('0', 156);
    header.write('ustar\x0000', 257);
    header.write(`${sumOf(header).toString(8).padStart(6, '0')}\0 `, 148);
    return [header, content, Buffer.alloc(padded(content.length) - content.length)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * block)]);
}

function padded(size: number): number {
  return Math.ceil(size / block) * block;
}

function checkSum(header: Buffer): void {
  if (numberAt(header, 148, 8) !== sumOf(header)) throw new Error('tar: not an archive');
}

/** Sum of all bytes of the header, with its checksum field counted as blanks. */
function sumOf(header: Buffer): number {
  return header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0);
}

function textAt(bytes: Buffer, at: number, length: number): string {
  const text = bytes.subarray(at, at + length);
  const end = text.indexOf(0);
  return text.toString('utf8', 0, end < 0 ? text.length : end);
}

/** Octal digits; or, if they do not fit, a binary number that is marked by its first bit. */
function numberAt(header: Buffer, at: number, length: number): number {
  if (((header[at] ?? 0) & 0x80) === 0) return Number.parseInt(textAt(header, at, length).trim() || '0', 8);
  return header.subarray(at + 1, at + length).reduce((sum, byte) => sum * 256 + byte, 0);
}

/** `27 path=blobs/sha256/0123…` and a newline, each with its own length in front. */
function paxRecords(text: Buffer): Record<string, string> {
  const records: Record<string, string> = {};
  for (let at = 0; at < text.length; ) {
    const length = Number.parseInt(text.toString('utf8', at, at + 20), 10);
    if (!(length > 0)) break;
    const [, key = '', value = ''] =
      /^\d+ ([^=]*)=(.*)\n$/s.exec(text.toString('utf8', at, at + length)) ?? [];
    records[key] = value;
    at += length;
  }
  return records;
}

/** Reads chunks in pieces of any length. */
class Bytes {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** @returns undefined at the end, if that is allowed. */
  async take(length: number, mayEnd = false): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    let missing = length;
    for await (const part of this.#upTo(() => missing)) {
      parts.push(part);
      missing -= part.length;
    }
    if (missing === length && mayEnd) return undefined;
    if (missing > 0) throw new Error('tar: the archive is truncated');
    return Buffer.concat(parts);
  }

  /** The next bytes as a stream that can be read once. */
  section(length: number): AsyncIterable<Buffer> {
    let missing = length;
    const upTo = this.#upTo.bind(this);
    return {
      async *[Symbol.asyncIterator]() {
        for await (const part of upTo(() => missing)) {
          missing -= part.length;
          yield part;
        }
        if (missing > 0) throw new Error('tar: the archive is truncated');
      },
    };
  }

  async drain(): Promise<void> {
    while ((await this.#source.next()).done !== true);
  }

  async *#upTo(missing: () => number): AsyncGenerator<Buffer> {
    while (missing() > 0) {
      if (this.#rest.length === 0) {
        const next = await this.#source.next();
        if (next.done === true) return;
        this.#rest = next.value;
        continue;
      }
      const part = this.#rest.subarray(0, missing());
      this.#rest = this.#rest.subarray(part.length);
      yield part;
    }
  }
}

/**
 * Unpacks gzip up to a limit: 1 MB can unpack to 1 GB.
 *
 * @throws Error if it unpacks to more than `most` bytes, or is not gzip.
 */
export function gunzipWithin(bytes: Uint8Array, most: number): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: most });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw error;
    throw new Error(`it is larger than ${most / 1024 / 1024} MiB when it is unpacked`, { cause: error });
  }
}
