import { oneLine } from '../../report/text.ts';

/**
 * The URL of a path of the site as a browser writes it. Escaped are the signs with a meaning in a URL: `%`,
 * `?`, `#`, and `+`, which S3 reads as a space, also behind CloudFront
 * (https://github.com/rust-lang/crates.io/issues/4891).
 *
 * @param base the top of the site, with a slash at its end.
 */
export function urlOf(base: URL, path: string): URL {
  const escaped = path.replace(/[%?#+\\\u0000-\u001f]/g, (sign) => encodeURIComponent(sign));
  // `new URL(path, base)` reads two leading slashes as a host and a colon as a protocol, and drops dots.
  const url = new URL(base);
  url.pathname = `${base.pathname}${escaped}`;
  return url;
}

/** The top of the site, with a slash at its end; what follows a `?` or `#` is not part of it. */
export function baseOf(url: string): URL {
  const base = new URL(url);
  base.search = '';
  base.hash = '';
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return base;
}

/** The path of the site that a URL requests; undefined outside the site. */
export function pathOf(base: URL, url: URL): string | undefined {
  if (url.origin !== base.origin || !url.pathname.startsWith(base.pathname)) return undefined;
  try {
    return decodeURIComponent(url.pathname.slice(base.pathname.length));
  } catch {
    return undefined;
  }
}

/** The URL that visitors use for the index page of a folder: the folder. */
export function folderOf(path: string, index: string): string | undefined {
  if (path === index) return '';
  return path.endsWith(`/${index}`) ? path.slice(0, -index.length) : undefined;
}

/** A URL to show: without a password, on one line. */
export function shown(url: URL): string {
  const copy = new URL(url);
  copy.username = '';
  copy.password = '';
  return oneLine(copy.href, 300);
}

/** A URL for a progress line, shortened in the middle. */
export function shortened(url: URL, most = 60): string {
  const text = shown(url);
  if (text.length <= most) return text;
  const tail = Math.floor((most - 1) / 2);
  return `${text.slice(0, most - 1 - tail)}…${text.slice(-tail)}`;
}
