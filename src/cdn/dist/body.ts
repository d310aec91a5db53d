import { readFileSync } from 'node:fs';
import type { SiteFile } from '../model.ts';
import type { Body } from '../store.ts';
import { readWhole } from './digest.ts';
import { encode } from './variants.ts';

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
