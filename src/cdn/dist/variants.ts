import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { SiteFile } from '../model.ts';
import { readWhole } from './digest.ts';
import { isCompressible, unknownType } from './media-types.ts';

export type Encoding = 'br' | 'gzip';

/** A compressed copy of a file of the site. */
export interface Variant {
  readonly original: SiteFile;
  readonly path: string;
  readonly encoding: Encoding;
  readonly size: number;
  readonly sha256: string;
  /** Kept for its upload, while there is room. */
  readonly bytes: Buffer | undefined;
}

const endings: Readonly<Record<Encoding, string>> = { br: 'br', gzip: 'gz' };

/** Smaller files are one packet either way. */
const smallest = 1024;

/** Brotli 11 takes 2 s a MiB; above this size it would hold up the release for nobody's gain, and 9 takes a tenth. */
const largestForBest = 2 ** 20;

/** Of all copies together, what is kept: more is made a second time when it is uploaded. */
const room = 32 * 2 ** 20;

/** libuv has four threads unless told otherwise. */
const atOnce = 4;

const brotli = promisify(brotliCompress);
const zip = promisify(gzip);

/** The encoding that an ending stands for. */
export function encodingOf(path: string): Encoding | undefined {
  if (path.endsWith('.br')) return 'br';
  return path.endsWith('.gz') ? 'gzip' : undefined;
}

/** Always the same bytes for the same content, as long as Node's zlib and brotli are the same. */
export async function encode(bytes: Buffer, encoding: Encoding): Promise<Buffer> {
  if (encoding === 'gzip') return await zip(bytes, { level: 9 });
  return await brotli(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: bytes.length <= largestForBest ? 11 : 9,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
}

/**
 * The compressed copies that a site gets: of text from 1 KiB, where they are smaller. A copy that the build has made
 * itself is used as it is.
 *
 * @throws the signal's reason on abort; UserError `cdn.dist` for a file that is gone.
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
  // Whichever was done first.
  return variants.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function isPlainText({ headers }: SiteFile): boolean {
  return headers['content-encoding'] === undefined && isCompressible(headers['content-type'] ?? unknownType);
}
