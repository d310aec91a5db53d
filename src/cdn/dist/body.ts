import { readFileSync } from 'node:fs';
import type { SiteFile } from '../model.ts';
import type { Body } from '../store.ts';
import { readWhole } from './digest.ts';
import { encode } from './variants.ts';

/** Compressed copies as reading the site has made them; they go when the site does. */
const encoded = new WeakMap<SiteFile, Buffer>();

/** Saves compressing a copy again for its upload. */
export function keepBytes(file: SiteFile, bytes: Buffer): void {
  encoded.set(file, bytes);
}

/**
 * The bytes of a file of the site, for the store. The SHA-256 is that of the reading: a store that verifies it takes
 * nothing that has changed since.
 *
 * @throws UserError `cdn.dist` for a file that is to be compressed and is gone.
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
