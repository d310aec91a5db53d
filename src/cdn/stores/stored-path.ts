import { shown } from '../dist/names.ts';
import { isOwn } from './places.ts';

/** S3's limit for the key of an object. */
const longestKey = 1024;

/**
 * A path that Sluice's own files in a bucket name: objects are read, overwritten and deleted by it, and whoever can write to the
 * bucket can write it. So it must be one that a publication could have made (dist/names.ts).
 *
 * @throws Error that names the path.
 */
export function storedPath(path: unknown): string {
  const refuse = (why: string) => new Error(`a path in it ${why}: ${shown(String(path))}`);
  if (typeof path !== 'string' || path === '') throw refuse('is none');
  if (Buffer.byteLength(path) > longestKey) throw refuse(`has more than ${longestKey} bytes`);
  if (/[\x00-\x1f\x7f\\\ufffd]/.test(path) || !path.isWellFormed())
    throw refuse('has characters that no path of ours has');
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..'))
    throw refuse('leads out of the site');
  return path;
}

/** {@link storedPath} of a file of the site: never one of Sluice's own. */
export function sitePath(path: unknown): string {
  const checked = storedPath(path);
  if (isOwn(`${checked}/`)) throw new Error(`a path in it is one of Sluice's own: ${shown(checked)}`);
  return checked;
}
