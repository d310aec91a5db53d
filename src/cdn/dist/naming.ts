import { basename } from 'node:path/posix';
import type { SiteFile } from '../model.ts';

/** Attributes that may name a file; cheap, with false positives. */
const attribute = /(?:src|href|srcset|poster)\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)/gi;

/** Unchanged pages that may name a removed path. @param readText reads the text of a file. */
export function pagesThatMayName(
  paths: readonly string[],
  files: readonly SiteFile[],
  readText: (file: SiteFile) => string,
): readonly SiteFile[] {
  if (paths.length === 0) return [];
  const names = new Set(paths.map((path) => basename(path)));
  const pages = files.filter(
    (file) => file.class === 'page' && file.headers['content-encoding'] === undefined,
  );
  return pages.filter((page) => {
    for (const [, value = ''] of readText(page).matchAll(attribute)) {
      if (value.split(/[\s"',?#/]+/).some((part) => names.has(decoded(part)))) return true;
    }
    return false;
  });
}

function decoded(part: string): string {
  if (!part.includes('%')) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
