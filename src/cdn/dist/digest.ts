import { createHash, hash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { messageOf } from '../../kernel/errors.ts';
import { distFault } from './names.ts';

/** `sha256` in base64url. */
export interface Digest {
  readonly size: number;
  readonly sha256: string;
}

/** One buffer for all files: 100,000 separate ones are gigabytes of garbage. */
const piece = Buffer.allocUnsafeSlow(2 ** 20);
const most = 16;

/**
 * Size and SHA-256 of a file. Small files are read synchronously, four times as fast (20,000 files of 10 KiB:
 * 0.39 s, with `fs/promises` 1.7 s). @param pause called regularly for files of many MiB. @param look gets the
 * first bytes (at most 1 MiB), valid during the call. @throws errors of the file system.
 */
export async function digestFile(
  file: string,
  pause: () => Promise<void>,
  look?: (start: Buffer) => void,
): Promise<Digest> {
  const small = digestSmall(file, look);
  return small ?? (await digestLarge(file, pause));
}

/** @returns undefined if the file exceeds the buffer. */
function digestSmall(file: string, look?: (start: Buffer) => void): Digest | undefined {
  const handle = openSync(file, 'r');
  try {
    const size = readSync(handle, piece, 0, piece.length, 0);
    const bytes = piece.subarray(0, size);
    look?.(bytes);
    return size === piece.length ? undefined : { size, sha256: hash('sha256', bytes, 'base64url') };
  } finally {
    closeSync(handle);
  }
}

async function digestLarge(file: string, pause: () => Promise<void>): Promise<Digest> {
  const handle = openSync(file, 'r');
  try {
    const digest = createHash('sha256');
    let size = 0;
    for (let pieces = 1; ; pieces++) {
      const read = readSync(handle, piece, 0, piece.length, size);
      if (read === 0) return { size, sha256: digest.digest('base64url') };
      digest.update(piece.subarray(0, read));
      size += read;
      if (pieces % most === 0) await pause();
    }
  } finally {
    closeSync(handle);
  }
}

/** @throws UserError `cdn.dist` if the file is gone. */
export async function readWhole(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw distFault(
      `${file} can no longer be read: ${messageOf(error)}`,
      'Do not write to the folder during a publication.',
      error,
    );
  }
}
