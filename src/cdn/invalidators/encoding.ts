import type { Told } from './paths.ts';

/** Characters that browsers do not encode in a path (https://url.spec.whatwg.org/#path-percent-encode-set). */
const escaped = /[^A-Za-z0-9\-._~!$&'()*+,;=:@/[\]|]/gu;

/** A path as a browser requests it, which is the key in the cache of a CDN. */
export function encodePath(path: string): string {
  return path.toWellFormed().replace(escaped, encodeURIComponent);
}

/** CloudFront, Developer Guide, “Invalidation paths”. */
export const longestPath = 4_000;

/**
 * Characters that no invalidation path matches reliably. CloudFront requires characters to be encoded that RFC
 * 1738 calls unsafe, and no others. But browsers send `~ [ ] |` as they are, so `%7E` is accepted and
 * invalidates nothing (https://github.com/aws/aws-sdk/issues/525). CloudFront refused `'` and `@`, though RFC
 * 1738 calls them safe. `*` is the wildcard, and `%2A` another path. `+` is a space for S3, so some request
 * `%2B`. Newer browsers encode `^`.
 */
const unsure = /[~[\]|'@*+^]/;

/** A path for CloudFront. Where an exact path is unreliable, its beginning invalidates it with a few others. */
export function tellCloudFront(path: string): Told {
  const at = path.search(unsure);
  const encoded = encodePath(at === -1 ? path : path.slice(0, at));
  if (encoded.length < longestPath) return { path: encoded, below: at !== -1 };
  // One less, for the wildcard; without half an escape.
  return { path: encoded.slice(0, longestPath - 1).replace(/%.?$/, ''), below: true };
}

export function tellCloudflare(path: string): Told {
  return { path: encodePath(path), below: false };
}
