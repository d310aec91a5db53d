import { basename } from 'node:path/posix';
import type { SiteSettings } from '../../config/site.ts';
import { UserError } from '../../kernel/errors.ts';
import { counted } from '../../kernel/figures.ts';
import type { SiteFile } from '../model.ts';
import { type Reference, referencesOf } from '../pages/html.ts';
import { resolveReference } from '../pages/reference.ts';
import { shown } from './names.ts';
import { pathTest } from './pattern.ts';
import { createPauses } from './pauses.ts';
import type { DistFolder } from './read.ts';

/** A missing file and the page that names it. */
interface Missing {
  readonly path: string;
  readonly page: SiteFile;
  readonly reference: Reference;
  pages: number;
}

/** Most reported files; the rest is counted. */
const most = 10;

/**
 * Finds files that pages name and the folder lacks. A needed file is a fault, an icon or a preview a note. URLs
 * on other hosts or above the site, and links to pages are not checked: other servers may serve those.
 */
export async function missingAssets(
  site: DistFolder,
  settings: SiteSettings,
  pages: readonly SiteFile[],
  readText: (file: SiteFile) => string,
  signal: AbortSignal,
): Promise<{ readonly faults: readonly UserError[]; readonly notes: readonly string[] }> {
  const present = presence(site, settings.url === undefined);
  const isElsewhere = pathTest(settings.elsewhere);
  const has = (path: string) => present(path) || isElsewhere(path);
  const missing = new Map<string, Missing>();
  const pause = createPauses(signal);
  for (const page of pages) {
    await pause();
    if (page.class !== 'page' || page.headers['content-encoding'] !== undefined) continue;
    for (const [path, reference] of pathsNamedBy(page, readText(page), settings)) {
      if (has(path)) continue;
      const known = missing.get(path);
      if (known !== undefined) known.pages++;
      // A file that any page needs is needed.
      if (known === undefined || (reference.needed && !known.reference.needed)) {
        missing.set(path, { path, page, reference, pages: known?.pages ?? 1 });
      }
    }
  }
  const all = [...missing.values()];
  const needed = all.filter(({ reference }) => reference.needed);
  const others = all.filter(({ reference }) => !reference.needed);
  return { faults: faultsOf(needed), notes: others.slice(0, most).map(sentenceOf) };
}

/**
 * Whether the folder has a path. Without a public URL the folder of its host is unknown: `/app/main.js` may be
 * `main.js`.
 */
function presence({ files }: DistFolder, anyTop: boolean): (path: string) => boolean {
  const paths = new Set(files.map((file) => file.path));
  return (path) => {
    if (paths.has(path) || !anyTop) return paths.has(path);
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      if (paths.has(path.slice(slash + 1))) return true;
    }
    return false;
  };
}

/** By path, so that each counts once per page. */
function pathsNamedBy(page: SiteFile, html: string, settings: SiteSettings): ReadonlyMap<string, Reference> {
  const { base, assets } = referencesOf(html);
  const named = new Map<string, Reference>();
  for (const reference of assets) {
    const path = resolveReference(reference.url, page.path, settings, base);
    if (path !== undefined && (reference.needed || !named.has(path))) named.set(path, reference);
  }
  return named;
}

function faultsOf(missing: readonly Missing[]): readonly UserError[] {
  const told = missing.slice(0, most).map(
    (missingFile) =>
      new UserError({
        code: 'cdn.missing-asset',
        message: sentenceOf(missingFile),
        hint: 'Fix the build or the reference. If another server serves that path, add it to cdn.elsewhere.',
        at: { file: missingFile.page.file, line: missingFile.reference.line },
      }),
  );
  const rest = missing.length - told.length;
  if (rest === 0) return told;
  const message = `${counted(rest, 'more required file')} ${rest === 1 ? 'is' : 'are'} missing in the folder`;
  return [...told, new UserError({ code: 'cdn.missing-asset', message })];
}

function sentenceOf({ path, page, reference, pages }: Missing): string {
  const others = pages === 1 ? '' : ` (and ${counted(pages - 1, 'more page')})`;
  return `${shown(page.path)}${others} refers to ${shown(path)} (${reference.by}), which is missing in the folder`;
}

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
