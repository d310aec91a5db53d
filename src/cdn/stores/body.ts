import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { messageOf, UserError } from '../../kernel/errors.ts';
import type { Body } from '../store.ts';
import type { RequestBody } from './requests.ts';

/** Reading a small file synchronously takes a quarter of the time. */
const small = 256 * 1024;

export function sizeOf(body: Body): number {
  return 'bytes' in body ? body.bytes.byteLength : body.size;
}

/** Bytes to read into memory; 0 for small files. */
export function weightOf(body: Body): number {
  return 'bytes' in body || body.size <= small ? 0 : body.size;
}

/** SHA-256 of the whole in hex. */
export function hashOf(body: Body): string {
  if (body.sha256 !== undefined) return Buffer.from(body.sha256, 'base64url').toString('hex');
  return sha256('bytes' in body ? body.bytes : new Uint8Array());
}

/** The body of a single request. */
export function wholeOf(body: Body): RequestBody {
  const hash = hashOf(body);
  if ('bytes' in body) return { load: () => body.bytes, sha256: hash };
  const { file, size } = body;
  if (size > small) return { load: () => readLarge(file, size), sha256: hash };
  return { load: () => readSmall(file, size), release: releaseBlock, sha256: hash };
}

/** Small files share memory: 100,000 separate buffers leave twice as much garbage as they need. */
const blocks: Buffer[] = [];
const blockSize = 64 * 1024;

function readSmall(file: string, size: number): Uint8Array {
  // One more byte shows whether the file has grown.
  const block =
    size < blockSize ? (blocks.pop() ?? Buffer.allocUnsafeSlow(blockSize)) : Buffer.allocUnsafeSlow(size + 1);
  let read = 0;
  try {
    const handle = openSync(file, 'r');
    try {
      for (let more = -1; more !== 0 && read <= size; read += more) {
        more = readSync(handle, block, read, size + 1 - read, null);
      }
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    throw unreadable(file, error);
  }
  if (read !== size) throw changed(file);
  return block.subarray(0, size);
}

function releaseBlock(bytes: Uint8Array): void {
  if (bytes.buffer.byteLength === blockSize) blocks.push(Buffer.from(bytes.buffer as ArrayBuffer));
}

async function readLarge(file: string, size: number): Promise<Uint8Array> {
  const bytes = await readFile(file).catch((error) => {
    throw unreadable(file, error);
  });
  if (bytes.byteLength !== size) throw changed(file);
  return bytes;
}

/** Reads a body in pieces and verifies it. */
export interface Pieces extends AsyncDisposable {
  /** The next `length` bytes. Rejects with UserError `cdn.dist` if they are missing. */
  next(length: number): Promise<Uint8Array>;
  /** Throws UserError `cdn.dist` if the hash differs. */
  verify(): void;
}

export async function piecesOf(body: Body): Promise<Pieces> {
  const hash = createHash('sha256');
  const file = 'bytes' in body ? undefined : body.file;
  const handle: FileHandle | undefined =
    file === undefined
      ? undefined
      : await open(file).catch((error) => {
          throw unreadable(file, error);
        });
  let at = 0;

  async function next(length: number): Promise<Uint8Array> {
    const bytes = 'bytes' in body ? body.bytes.subarray(at, at + length) : await readPart(length);
    at += length;
    hash.update(bytes);
    return bytes;
  }

  async function readPart(length: number): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(length);
    for (let filled = 0; filled < length; ) {
      const { bytesRead } = await (handle as FileHandle).read(bytes, filled, length - filled, at + filled);
      if (bytesRead === 0) throw changed(file ?? '');
      filled += bytesRead;
    }
    return bytes;
  }

  function verify(): void {
    if (file !== undefined && hash.digest('hex') !== hashOf(body)) throw changed(file);
  }

  return { next, verify, [Symbol.asyncDispose]: async () => handle?.close() };
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function unreadable(file: string, error: unknown): UserError {
  return new UserError({
    code: 'cdn.dist',
    message: `${file} can no longer be read: ${messageOf(error)}`,
    hint: 'Do not write to the folder during a publication. Run the command again after the build.',
  });
}

function changed(file: string): UserError {
  return new UserError({
    code: 'cdn.dist',
    message: `${file} changed during the publication`,
    hint: 'Do not write to the folder during a publication. Run the command again after the build.',
  });
}
