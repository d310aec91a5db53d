import type { Entry } from '../model.ts';

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
