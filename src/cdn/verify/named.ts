/** URLs of the site that a page names and a browser loads by itself. */
export function namedBy(html: string, page: URL, base: URL): URL[] {
  const urls = new Map<string, URL>();
  for (const [, tag = '', attributes = ''] of html.matchAll(
    /<(script|link|img|source|video|audio)\b([^>]*)>/gi,
  )) {
    if (
      /^link$/i.test(tag) &&
      !/rel\s*=\s*["']?(?:stylesheet|icon|modulepreload|preload|manifest)/i.test(attributes)
    )
      continue;
    const reference = /\b(?:src|href)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i.exec(attributes);
    const value = reference?.[1] ?? reference?.[2] ?? reference?.[3];
    if (value === undefined || !URL.canParse(value, page.href)) continue;
    const url = new URL(value, page);
    url.hash = '';
    if (url.origin === base.origin && url.pathname.startsWith(base.pathname)) urls.set(url.href, url);
  }
  return [...urls.values()];
}
