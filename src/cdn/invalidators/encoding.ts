import type { Told } from './paths.ts';

/** What browsers leave as it is in a path (https://url.spec.whatwg.org/#path-percent-encode-set). */
const escaped = /[^A-Za-z0-9\-._~!$&'()*+,;=:@/[\]|]/gu;

/** A path as a browser asks for it: what a CDN has cached it under. */
export function encodePath(path: string): string {
  return path.toWellFormed().replace(escaped, encodeURIComponent);
}

/** CloudFront, Developer Guide, “Invalidation paths”. */
export const longestPath = 4_000;

/**
 * Characters that no path tells CloudFront for certain. It wants what RFC 1738 calls unsafe to be encoded and everything
 * else not; but browsers send `~ [ ] |` as they are, so that `%7E` is taken and forgets nothing
 * (https://github.com/aws/aws-sdk/issues/525). `'` and `@` were seen refused, though RFC 1738 has them safe. `*` is the
 * wildcard, and `%2A` another path. `+` is a space for S3, so that some ask for `%2B`; `^` browsers encode of late.
 */
const unsure = /[~[\]|'@*+^]/;

/** A path for CloudFront. One that can't be told exactly is told by what it begins with: it is forgotten with a few others. */
export function tellCloudFront(path: string): Told {
  const at = path.search(unsure);
  const encoded = encodePath(at === -1 ? path : path.slice(0, at));
  if (encoded.length < longestPath) return { path: encoded, below: at !== -1 };
  // One less, for the wildcard; half an escape is none.
  return { path: encoded.slice(0, longestPath - 1).replace(/%.?$/, ''), below: true };
}

export function tellCloudflare(path: string): Told {
  return { path: encodePath(path), below: false };
}
