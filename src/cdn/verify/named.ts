import { referencesOf } from '../pages/html.ts';

/** A URL below the site that a page names and a browser loads. */
export interface Named {
  readonly url: URL;
  /** Without it the page looks or works wrong. */
  readonly needed: boolean;
}

/** Each URL once, as a browser requests it. */
export function namedBy(html: string, page: URL, base: URL): Named[] {
  const { assets, base: ownBase } = referencesOf(html);
  const from = ownBase !== undefined && URL.canParse(ownBase, page.href) ? new URL(ownBase, page) : page;
  const named = new Map<string, Named>();
  for (const reference of assets) {
    if (!URL.canParse(reference.url, from.href)) continue;
    const url = new URL(reference.url, from);
    url.hash = '';
    if (url.origin !== base.origin || !url.pathname.startsWith(base.pathname)) continue;
    // Belongs to Cloudflare.
    if (url.pathname.startsWith('/cdn-cgi/')) continue;
    const needed = reference.needed || named.get(url.href)?.needed === true;
    named.set(url.href, { url, needed });
  }
  return [...named.values()];
}
