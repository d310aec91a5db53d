/** The address of a site, to resolve URLs. */
export interface SiteAddress {
  /** Public URL; undefined: unknown, then it is assumed to be the top of its host. */
  readonly url: string | undefined;
  /** Name of the index pages. */
  readonly index: string;
}

const unknownSite = 'https://site.invalid/';

/**
 * Resolves a URL to a path of the site.
 *
 * @param page path of the page or style sheet that names it.
 * @param base its `<base href>`.
 * @returns undefined if it is on another host, above the site, or not a location (`mailto:`). Query and
 *   fragment are dropped; a URL with a final slash is the index page there.
 */
export function resolveReference(
  reference: string,
  page: string,
  site: SiteAddress,
  base?: string,
): string | undefined {
  try {
    const top = new URL(site.url ?? unknownSite);
    if (!top.pathname.endsWith('/')) top.pathname += '/';
    const own = new URL(addressOf(page), top);
    const url = new URL(reference, base === undefined ? own : new URL(base, own));
    if (url.host !== top.host || !/^https?:$/.test(url.protocol)) return undefined;
    if (!url.pathname.startsWith(top.pathname)) return undefined;
    const path = decodeURIComponent(url.pathname.slice(top.pathname.length));
    return path === '' || path.endsWith('/') ? path + site.index : path;
  } catch {
    return undefined;
  }
}

/** A path as a URL relative to its site: `a b/c#d.html` → `./a%20b/c%23d.html`. */
export function addressOf(path: string): string {
  return `./${path.split('/').map(encodeURIComponent).join('/')}`;
}
