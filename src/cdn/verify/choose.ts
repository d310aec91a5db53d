import type { Entry } from '../model.ts';

export interface Choice {
  /** Root first, then what has changed, then others. */
  readonly pages: readonly Entry[];
  /** Changed files that keep their name and are no pages: a CDN may go on giving the old ones. */
  readonly files: readonly Entry[];
}

/**
 * What is looked at by itself; assets are looked at when a page names them.
 *
 * @param most at most so many of each.
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
