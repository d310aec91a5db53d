import { basename, dirname, join } from 'node:path';
import type { SiteSettings } from '../../config/site.ts';
import { UserError, UserErrors } from '../../kernel/errors.ts';
import type { SiteFile } from '../model.ts';
import { missingAssets } from './missing-assets.ts';
import { shown } from './names.ts';
import type { DistFolder } from './read.ts';

/** A smaller page shows nothing: `<!doctype html><title>Books</title><p>Soon.` has 47. */
const smallestIndex = 40;

/** Placeholders of templates that a build fills in: Create React App, SvelteKit, Vite's HTML constants. */
const placeholder = /%(?:PUBLIC_URL|sveltekit\.[a-z]+|(?:VITE|REACT_APP)_[A-Z0-9_]+)%/;

/** Only a development server serves these. */
const source = /<script\b[^<>]*\bsrc\s*=\s*["']?\.{0,2}\/?(src\/[^"'\s>]+\.(?:[cm]?tsx?|jsx|vue|svelte))\b/i;

/**
 * Checks that visitors can use the site: it is the output of a build, with an index page and the files that its
 * pages need. @param pages the pages to read: all, or the new ones. @param readText reads the text of a file.
 * @returns notes; one sentence each.
 * @throws UserErrors `cdn.empty`, `cdn.no-index`, `cdn.not-built`, `cdn.missing-asset`, all at once; the
 *   signal's reason.
 */
export async function checkSite(
  site: DistFolder,
  settings: SiteSettings,
  pages: readonly SiteFile[],
  readText: (file: SiteFile) => string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const faults = faultsOfIndex(site, settings, readText);
  if (faults.length > 0) throw new UserErrors(faults);
  const missing = await missingAssets(site, settings, pages, readText, signal);
  if (missing.faults.length > 0) throw new UserErrors(missing.faults);
  return missing.notes;
}

function faultsOfIndex(
  { files }: DistFolder,
  { dist, index: name }: SiteSettings,
  readText: (file: SiteFile) => string,
): UserError[] {
  if (files.length === 0) {
    return [new UserError({ code: 'cdn.empty', message: `The folder ${dist} has no files to publish` })];
  }
  const paths = new Set(files.map((file) => file.path));
  const sources = sourcesFault(dist, files, paths);
  const index = files.find((file) => file.path === name);
  if (index === undefined) return [...sources, noIndex(dist, name, files)];
  const text = readText(index);
  return [...sources, ...notBuilt(index, text), ...emptyIndex(index, text)];
}

/** `package.json` beside `src/` marks the sources of a front end. */
function sourcesFault(dist: string, files: readonly SiteFile[], paths: ReadonlySet<string>): UserError[] {
  const from = paths.has('package.json') ? files.find((file) => file.path.startsWith('src/')) : undefined;
  if (from === undefined) return [];
  return [
    new UserError({
      code: 'cdn.not-built',
      message: `${dist} contains the sources of a front end (package.json, ${shown(from.path)}), not its build`,
      hint: 'Set cdn.dist to the output folder of the build, such as dist, build or out.',
    }),
  ];
}

function noIndex(dist: string, name: string, files: readonly SiteFile[]): UserError {
  const deeper = files
    .map((file) => file.path)
    .filter((path) => basename(path) === name)
    .sort((a, b) => a.split('/').length - b.split('/').length);
  const [nearest] = deeper;
  const html = files
    .filter((file) => file.class === 'page' && !file.path.includes('/'))
    .map((file) => file.path);
  const hint =
    nearest !== undefined
      ? `Found ${shown(nearest)}. Set cdn.dist to ${join(basename(dist), dirname(nearest))}, if that is the site.`
      : html.length > 0
        ? `Found ${html.slice(0, 3).map(shown).join(', ')}. Set cdn.index to the index page.`
        : 'Check the output of the build, or set cdn.index to the index page.';
  return new UserError({ code: 'cdn.no-index', message: `${dist} has no ${name} at its top`, hint });
}

function notBuilt(index: SiteFile, text: string): UserError[] {
  const named = source.exec(text)?.[1];
  const left = placeholder.exec(text)?.[0];
  const why = named !== undefined ? `it loads the source ${shown(named)}` : left && `it contains ${left}`;
  if (why === undefined) return [];
  return [
    new UserError({
      code: 'cdn.not-built',
      message: `${index.path} is not the output of a build: ${why}`,
      hint: 'Run the build, and set cdn.dist to its output folder.',
      at: { file: index.file, line: lineOf(text, named ?? left ?? '') },
    }),
  ];
}

function lineOf(text: string, part: string): number {
  return text.slice(0, text.indexOf(part)).split('\n').length;
}

function emptyIndex(index: SiteFile, text: string): UserError[] {
  const bytes = text.trim().length;
  const why =
    bytes < smallestIndex ? `has ${bytes} bytes` : /<[a-z!]/i.test(text) ? undefined : 'has no HTML tag';
  if (why === undefined) return [];
  return [
    new UserError({
      code: 'cdn.empty',
      message: `${index.path} ${why}: it is not a page`,
      hint: 'Check the output of the build.',
      at: { file: index.file },
    }),
  ];
}
