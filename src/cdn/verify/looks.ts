import { choose } from './choose.ts';
import type { Look, Site } from './look.ts';
import { folderOf, pathOf, urlOf } from './url.ts';

/**
 * What is looked at before it is known what the pages name: each page at its own place and, if it is the index page of a
 * folder, at that of the folder (CDNs cache the two by themselves), and a path that nobody has.
 *
 * @param unknown a name that is not in use.
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
    // The root has been looked at.
    if (folder === undefined || folder === '') return [look('page', entry.path, entry)];
    return [look('page', entry.path, entry), look('folder', folder, entry)];
  });
  return [
    ...ofPages,
    ...files.map((entry) => look('asset', entry.path, entry)),
    look('unknown', unknown, site.index),
  ];
}

/** A look at what a page names; undefined for the top of the site, which is looked at anyway. */
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
