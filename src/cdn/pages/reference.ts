/** Where a site is, as far as its addresses need it. */
export interface SiteAddress {
  /** Public URL of its top; undefined: not known, then it is taken to be the top of a host of its own. */
  readonly url: string | undefined;
  /** Name of the pages that stand for their folder. */
  readonly index: string;
}

const unknownSite = 'https://site.invalid/';

/**
 * The path in the site that an address means.
 *
 * @param page path of the page or style sheet that names it.
 * @param base its `<base href>`.
 * @returns undefined if it lies elsewhere: on another host, above the site's top, or in no place at all (`mailto:`).
 * Query and fragment are dropped; an address that ends in a slash is the index page there.
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

/** A path as an address relative to the top of its site: `a b/c#d.html` → `./a%20b/c%23d.html`. */
export function addressOf(path: string): string {
  return `./${path.split('/').map(encodeURIComponent).join('/')}`;
}
