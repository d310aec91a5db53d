import { choose } from './choose.ts';
import type { Look, Site } from './look.ts';
import { folderOf, pathOf, urlOf } from './url.ts';

/**
 * The URLs to check before the pages are read: each page, the folder of each index page (CDNs cache the two
 * separately), and a path that does not exist. @param unknown an unused name.
 */
export function firstLooks(site: Site, changed: ReadonlySet<string>, index: string, unknown: string): Look[] {
  const { pages, files } = choose(site.entries, [...changed], index, site.settings.pages);
  const look = (role: Look['role'], path: string, entry: Look['entry']): Look => ({
    role,
    url: urlOf(site.base, path),
    entry,
    changed: changed.has(entry?.path ?? ''),
  });
  const ofPages = pages.flatMap((entry) => {
    const folder = folderOf(entry.path, index);
    // The root is checked first.
    if (folder === undefined || folder === '') return [look('page', entry.path, entry)];
    return [look('page', entry.path, entry), look('folder', folder, entry)];
  });
  return [
    ...ofPages,
    ...files.map((entry) => look('asset', entry.path, entry)),
    look('unknown', unknown, site.index),
  ];
}

/** A check of a URL that a page names; undefined for the root, which is checked anyway. */
export function lookAtNamed(
  url: URL,
  needed: boolean,
  {
    site,
    changed,
    index,
  }: { readonly site: Site; readonly changed: ReadonlySet<string>; readonly index: string },
): Look | undefined {
  const path = pathOf(site.base, url);
  if (path === '') return undefined;
  const folder = path?.endsWith('/') === true ? site.entries.get(path + index) : undefined;
  const entry = site.entries.get(path ?? '') ?? folder;
  return { role: 'asset', url, entry, changed: changed.has(entry?.path ?? ''), optional: !needed };
}
