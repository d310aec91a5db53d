import { posix } from 'node:path';
import { Unresolvable } from './unresolvable.ts';

// BuildKit is written in Go, and its notion of a blank is not JavaScript's: U+0085 counts, U+FEFF does not.
const blank = '[\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const leading = new RegExp(`^${blank}+`);
const trailing = new RegExp(`${blank}+$`);
const single = new RegExp(`^${blank}$`);

/** Go's `strings.TrimSpace`. */
export function trimBlanks(text: string): string {
  return trimLeadingBlanks(text).replace(trailing, '');
}

export function trimLeadingBlanks(text: string): string {
  return text.replace(leading, '');
}

/** Go's `unicode.IsSpace`. */
export function isBlank(character: string): boolean {
  return single.test(character);
}

/** Go's `filepath.Clean` on Unix: the shortest path of the same meaning, without a slash at its end. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

/**
 * The text of a file, without a byte order mark.
 *
 * @param what how the reason calls it.
 * @throws Unresolvable if the bytes are not UTF-8.
 */
export function decodeText(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Unresolvable(`${what} is not UTF-8 text`);
  }
}
