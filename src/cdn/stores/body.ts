import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { messageOf, UserError } from '../../kernel/errors.ts';
import type { Body } from '../store.ts';
import type { RequestBody } from './requests.ts';

/** Reading a small file at once takes a quarter of what waiting for it does. */
const small = 256 * 1024;

export function sizeOf(body: Body): number {
  return 'bytes' in body ? body.bytes.byteLength : body.size;
}

/** Bytes that are read into memory for it, if that is worth counting. */
export function weightOf(body: Body): number {
  return 'bytes' in body || body.size <= small ? 0 : body.size;
}

/** SHA-256 of the whole in hex. */
export function hashOf(body: Body): string {
  if (body.sha256 !== undefined) return Buffer.from(body.sha256, 'base64url').toString('hex');
  return sha256('bytes' in body ? body.bytes : new Uint8Array());
}

/** A body that is sent in one request. */
export function wholeOf(body: Body): RequestBody {
  const hash = hashOf(body);
  if ('bytes' in body) return { load: () => body.bytes, sha256: hash };
  const { file, size } = body;
  if (size > small) return { load: () => readLarge(file, size), sha256: hash };
  return { load: () => readSmall(file, size), release: giveBack, sha256: hash };
}

/** Memory for small files is used again: 100,000 buffers of their own leave twice as much behind as all of them need. */
const blocks: Buffer[] = [];
const blockSize = 64 * 1024;

function readSmall(file: string, size: number): Uint8Array {
  // One byte more than there should be, to see whether the file has grown.
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

function giveBack(bytes: Uint8Array): void {
  if (bytes.buffer.byteLength === blockSize) blocks.push(Buffer.from(bytes.buffer as ArrayBuffer));
}

async function readLarge(file: string, size: number): Promise<Uint8Array> {
  const bytes = await readFile(file).catch((error) => {
    throw unreadable(file, error);
  });
  if (bytes.byteLength !== size) throw changed(file);
  return bytes;
}

/** Reads a body from its beginning to its end, in pieces, and tells whether it was the one that was meant. */
export interface Pieces extends AsyncDisposable {
  /** The next `length` bytes. Rejects with UserError `cdn.dist` if they are not there. */
  next(length: number): Promise<Uint8Array>;
  /** Rejects with UserError `cdn.dist` if what was read is not what the hash was made of. */
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
    message: `${file} cannot be read any more: ${messageOf(error)}`,
    hint: 'Nothing may write to the folder while it is published; run again once the build is done.',
  });
}

function changed(file: string): UserError {
  return new UserError({
    code: 'cdn.dist',
    message: `${file} has changed while it was being published`,
    hint: 'Nothing may write to the folder while it is published; run again once the build is done.',
  });
}
