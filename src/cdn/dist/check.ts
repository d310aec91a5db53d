import { basename, dirname, join } from 'node:path';
import type { SiteSettings } from '../../config/site.ts';
import { UserError, UserErrors } from '../../kernel/errors.ts';
import type { SiteFile } from '../model.ts';
import { missingAssets } from './missing-assets.ts';
import { shown } from './names.ts';
import type { Site } from './read.ts';

/** A page of fewer bytes shows nothing: `<!doctype html><title>Books</title><p>Soon.` has 47. */
const smallestIndex = 40;

/** Left in a page by a template that no build has filled in: Create React App, SvelteKit, Vite's HTML constants. */
const placeholder = /%(?:PUBLIC_URL|sveltekit\.[a-z]+|(?:VITE|REACT_APP)_[A-Z0-9_]+)%/;

/** Only a development server answers these. */
const source = /<script\b[^<>]*\bsrc\s*=\s*["']?\.{0,2}\/?(src\/[^"'\s>]+\.(?:[cm]?tsx?|jsx|vue|svelte))\b/i;

/**
 * Whether the folder is a site that visitors can use: it has an index page, a build made it, and what its pages need is
 * there.
 *
 * @param pages those whose references are followed: all of them, or those that are new.
 * @param readText the text of a file of the site.
 * @returns what a person should know; one sentence each.
 * @throws UserErrors `cdn.empty`, `cdn.no-index`, `cdn.not-built`, `cdn.missing-asset`, all at once; the signal's reason.
 */
export async function checkSite(
  site: Site,
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
  { files }: Site,
  { dist, index: name }: SiteSettings,
  readText: (file: SiteFile) => string,
): UserError[] {
  if (files.length === 0) {
    return [new UserError({ code: 'cdn.empty', message: `The folder ${dist} holds no file to publish` })];
  }
  const paths = new Set(files.map((file) => file.path));
  const sources = sourcesFault(dist, files, paths);
  const index = files.find((file) => file.path === name);
  if (index === undefined) return [...sources, noIndex(dist, name, files)];
  const text = readText(index);
  return [...sources, ...notBuilt(index, text), ...emptyIndex(index, text)];
}

/** `package.json` beside `src/` is where a front end is written. */
function sourcesFault(dist: string, files: readonly SiteFile[], paths: ReadonlySet<string>): UserError[] {
  const from = paths.has('package.json') ? files.find((file) => file.path.startsWith('src/')) : undefined;
  if (from === undefined) return [];
  return [
    new UserError({
      code: 'cdn.not-built',
      message: `${dist} holds the sources of a front end (package.json, ${shown(from.path)}), not what its build makes`,
      hint: 'Name the folder that the build writes in cdn.dist: dist, build, out.',
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
      ? `There is ${shown(nearest)}: is cdn.dist to be ${join(basename(dist), dirname(nearest))}?`
      : html.length > 0
        ? `At its top are ${html.slice(0, 3).map(shown).join(', ')}: name the index page in cdn.index.`
        : 'Look at the build’s output, or name the index page in cdn.index.';
  return new UserError({ code: 'cdn.no-index', message: `${dist} has no ${name} at its top`, hint });
}

function notBuilt(index: SiteFile, text: string): UserError[] {
  const named = source.exec(text)?.[1];
  const left = placeholder.exec(text)?.[0];
  const why = named !== undefined ? `it loads ${shown(named)}, a source` : left && `it has ${left} in it`;
  if (why === undefined) return [];
  return [
    new UserError({
      code: 'cdn.not-built',
      message: `${index.path} is not what a build makes: ${why}`,
      hint: 'Run the build, and name the folder that it writes in cdn.dist.',
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
    bytes < smallestIndex ? `has ${bytes} bytes` : /<[a-z!]/i.test(text) ? undefined : 'has no tag in it';
  if (why === undefined) return [];
  return [
    new UserError({
      code: 'cdn.empty',
      message: `${index.path} ${why}: that is no page`,
      hint: 'Look at the build’s output.',
      at: { file: index.file },
    }),
  ];
}
