import type { HeaderRule } from '../../config/site.ts';
import type { FileClass, ObjectHeaders } from '../model.ts';
import { endingOf } from './media-types.ts';
import { type PathTest, pathTest } from './pattern.ts';

/** The properties of a file that its headers depend on. */
export interface Described {
  readonly path: string;
  readonly class: FileClass;
  readonly type: string;
  /** Set for a compressed copy: rules for the original apply to it too. */
  readonly copy?: { readonly of: string; readonly encoding: 'br' | 'gzip' };
}

/** Browsers use them for a year without revalidation: RFC 8246. */
const immutable = 'public, max-age=31536000, immutable';
const page = 'public, max-age=300, must-revalidate';
/** Cached, but revalidated each time: an old copy breaks new pages. */
const asked = 'public, no-cache';
const other = 'public, max-age=3600';

/** Code and data that keep their name when their content changes. */
const codeAndData = new Set(
  'js mjs cjs css json map wasm webmanifest txt xml rss atom xsl jsonld geojson md csv vtt yaml yml toml'.split(
    ' ',
  ),
);

/**
 * Headers of files: the defaults of their class with the rules of sluice.yml over them, later rules over
 * earlier ones. An empty value removes a header. Files with the same headers share one object: a site may have
 * 100,000 files.
 */
export function headersBy(rules: readonly HeaderRule[]): (file: Described) => ObjectHeaders {
  const tests = rules.map(({ match }) => pathTest(match));
  const numbers = tests.map((_, number) => number);
  const known = new Map<string, ObjectHeaders>();
  return (file) => {
    const matching = numbers.filter((number) => isMeant(tests[number], file));
    const cache = cacheControlOf(file);
    const encoding = file.copy?.encoding;
    const key = `${file.type}\n${encoding}\n${cache}\n${matching.join()}`;
    const shared = known.get(key);
    if (shared !== undefined) return shared;
    const set = Object.assign(
      { 'content-type': file.type, 'cache-control': cache },
      encoding === undefined ? {} : { 'content-encoding': encoding },
      ...matching.map((number) => rules[number]?.set),
    ) as Record<string, string>;
    const made = Object.freeze(
      Object.fromEntries(
        Object.entries(set)
          .filter(([, value]) => value !== '')
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      ),
    );
    known.set(key, made);
    return made;
  };
}

function isMeant(test: PathTest | undefined, { path, copy }: Described): boolean {
  return test?.(path) === true || (copy !== undefined && test?.(copy.of) === true);
}

function cacheControlOf({ path, class: kind, copy }: Described): string {
  if (kind === 'asset') return immutable;
  if (kind === 'page') return page;
  const ending = endingOf(copy?.of ?? path);
  return ending === '' || codeAndData.has(ending) ? asked : other;
}
