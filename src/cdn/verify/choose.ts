import type { Entry } from '../model.ts';
import type { Look, Site } from './look.ts';
import { folderOf, pathOf, urlOf } from './url.ts';

export interface Choice {
  /** Root first, then what has changed, then others. */
  readonly pages: readonly Entry[];
  /** Changed files that keep their name and are not pages: a CDN may keep serving the old ones. */
  readonly files: readonly Entry[];
}

/**
 * Chooses the pages and files to request; assets are requested when a page names them. @param most of each
 * kind.
 */
export function choose(
  entries: ReadonlyMap<string, Entry>,
  changed: readonly string[],
  index: string,
  most: number,
): Choice {
  const paths = new Set([index, ...changed]);
  const touched = [...paths].flatMap((path) => entries.get(path) ?? []);
  const pages = touched.filter((entry) => entry.class === 'page').slice(0, most);
  if (pages.length < most) {
    for (const entry of entries.values()) {
      if (entry.class !== 'page' || paths.has(entry.path)) continue;
      pages.push(entry);
      if (pages.length === most) break;
    }
  }
  return { pages, files: touched.filter((entry) => entry.class === 'file').slice(0, most) };
}

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
