import { shown } from '../dist/names.ts';

/** The folder of Sluice's own objects, from the top of the site. No file of a site may be in it. */
const ownFolder = '.sluice/';
export const manifestPath = `${ownFolder}manifest`;
export const draftPath = `${ownFolder}draft`;
export const leasePath = `${ownFolder}lease`;

/** The manifest of an earlier release. */
export function releasePath(number: number): string {
  return `${ownFolder}releases/${number}`;
}

/** Overwritten or removed content, by its SHA-256 (or the ETag of an adopted object). */
export function blobPath(sha256: string): string {
  return `${ownFolder}blobs/${sha256.replaceAll(/[^A-Za-z0-9_-]/g, '-')}`;
}

export function isOwn(path: string): boolean {
  return path.startsWith(ownFolder);
}

/** S3's limit for the key of an object. */
const longestKey = 1024;

/**
 * Checks a path from Sluice's own files in a bucket. Sluice reads, overwrites and deletes objects by it, and
 * anyone with write access to the bucket can change it. So it must be a path that a publication accepts
 * (dist/names.ts).
 *
 * @throws Error that names the path.
 */
export function storedPath(path: unknown): string {
  const refuse = (why: string) => new Error(`a path in it ${why}: ${shown(String(path))}`);
  if (typeof path !== 'string' || path === '') throw refuse('is empty or not a text');
  if (Buffer.byteLength(path) > longestKey) throw refuse(`has more than ${longestKey} bytes`);
  if (/[\x00-\x1f\x7f\\\ufffd]/.test(path) || !path.isWellFormed()) throw refuse('has invalid characters');
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..'))
    throw refuse('has an empty, . or .. part');
  return path;
}

/** {@link storedPath} of a file of the site: never one of Sluice's own. */
export function sitePath(path: unknown): string {
  const checked = storedPath(path);
  if (isOwn(`${checked}/`)) throw new Error(`a path in it is one of Sluice's own: ${shown(checked)}`);
  return checked;
}
