import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { SiteFile } from '../model.ts';
import type { Body } from '../store.ts';
import { readWhole } from './digest.ts';
import { isCompressible, unknownType } from './media-types.ts';

export type Encoding = 'br' | 'gzip';

/** A compressed copy of a file. */
export interface Variant {
  readonly original: SiteFile;
  readonly path: string;
  readonly encoding: Encoding;
  readonly size: number;
  readonly sha256: string;
  /** Kept for its upload, within a limit. */
  readonly bytes: Buffer | undefined;
}

const endings: Readonly<Record<Encoding, string>> = { br: 'br', gzip: 'gz' };

/** Smaller files fit in one packet anyway. */
const smallest = 1024;

/** Brotli 11 takes 2 s per MiB; for larger files level 9 takes a tenth of that. */
const largestForBest = 2 ** 20;

/** Most bytes of kept copies; others are compressed again for the upload. */
const room = 32 * 2 ** 20;

/** libuv has four threads by default. */
const atOnce = 4;

const brotli = promisify(brotliCompress);
const zip = promisify(gzip);

/** The encoding of an extension. */
export function encodingOf(path: string): Encoding | undefined {
  if (path.endsWith('.br')) return 'br';
  return path.endsWith('.gz') ? 'gzip' : undefined;
}

/** Deterministic for one version of Node's zlib and brotli. */
async function encode(bytes: Buffer, encoding: Encoding): Promise<Buffer> {
  if (encoding === 'gzip') return await zip(bytes, { level: 9 });
  return await brotli(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: bytes.length <= largestForBest ? 11 : 9,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
}

/**
 * Compresses text files from 1 KiB, where that is smaller. Existing copies of the build are used as they are.
 *
 * @throws the signal's reason on abort; UserError `cdn.dist` for a missing file.
 */
export async function variantsOf(
  files: readonly SiteFile[],
  encodings: readonly Encoding[],
  signal: AbortSignal,
): Promise<readonly Variant[]> {
  const taken = new Set(files.map((file) => file.path));
  const jobs = files
    .filter((file) => file.size >= smallest && isPlainText(file))
    .flatMap((original) =>
      encodings.map((encoding) => ({ original, encoding, path: `${original.path}.${endings[encoding]}` })),
    )
    .filter(({ path }) => !taken.has(path))
    .values();
  const variants: Variant[] = [];
  let kept = 0;
  const work = async () => {
    for (const job of jobs) {
      signal.throwIfAborted();
      const bytes = await encode(await readWhole(job.original.file), job.encoding);
      if (bytes.length >= job.original.size) continue;
      const size = bytes.length;
      const keeps = kept + size <= room;
      if (keeps) kept += size;
      const sha256 = hash('sha256', bytes, 'base64url');
      variants.push({ ...job, size, sha256, bytes: keeps ? bytes : undefined });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  // They finish in any order.
  return variants.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function isPlainText({ headers }: SiteFile): boolean {
  return headers['content-encoding'] === undefined && isCompressible(headers['content-type'] ?? unknownType);
}

/** Compressed copies made while reading the folder; they are freed with it. */
const encoded = new WeakMap<SiteFile, Buffer>();

/** Keeps a compressed copy for its upload. */
export function keepBytes(file: SiteFile, bytes: Buffer): void {
  encoded.set(file, bytes);
}

/**
 * The bytes of a file for the store, with the SHA-256 computed on reading: a store that verifies it rejects a
 * changed file.
 *
 * @throws UserError `cdn.dist` for a missing file to compress.
 */
export async function openBody(of: SiteFile): Promise<Body> {
  const { file, encoding, size, sha256 } = of;
  const bytes = encoded.get(of);
  if (bytes !== undefined) return { bytes, sha256 };
  if (encoding === undefined) return { file, size, sha256 };
  return { bytes: await encode(await readWhole(file), encoding), sha256 };
}

/** The text of a page or a style sheet. */
export function readText({ file }: SiteFile): string {
  return readFileSync(file, 'utf8');
}
