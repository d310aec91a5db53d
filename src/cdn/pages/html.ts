import { cssReferencesOf } from './css.ts';
import { type StartTag, startTagsOf } from './html-tokens.ts';

/** A URL that a page names, with entities decoded. */
export interface Reference {
  readonly url: string;
  /** From 1. */
  readonly line: number;
  /** The element, with its `rel`, its `property`, or its `style`: `script`, `link stylesheet`, `img`, `meta og:image`. */
  readonly by: string;
  /** Without it the page looks or works wrong. Icons, manifests, previews and prefetches are not needed. */
  readonly needed: boolean;
}

export interface References {
  /** `<base href>`: base of the other URLs, instead of the page's own. */
  readonly base: string | undefined;
  /** Files that the browser may load with the page: scripts, style sheets, images, media, fonts, icons, … */
  readonly assets: readonly Reference[];
  /** Links: `a`, `area`, `iframe`. */
  readonly links: readonly Reference[];
}

type Found = Pick<Reference, 'url' | 'by' | 'needed'> & { readonly at?: number };

/**
 * All URLs that an HTML page names, in order. Left out: `data:` and other URLs that load nothing, fragments,
 * placeholders of template engines (`{{ … }}`, `${…}`, `<%…%>`), and the content of comments, `template`,
 * `noscript` and scripts. Never fails.
 */
export function referencesOf(html: string): References {
  let base: string | undefined;
  const assets: Reference[] = [];
  const links: Reference[] = [];
  const lineOf = lineCounter(html);
  for (const tag of startTagsOf(html)) {
    const { name, attributes, at, inert } = tag;
    if (inert || (attributes.size === 0 && name !== 'style')) continue;
    if (name === 'base') base ??= attributes.get('href')?.trim();
    else if (name === 'a' || name === 'area' || name === 'iframe') {
      const url = attributes.get(name === 'iframe' ? 'src' : 'href');
      if (url !== undefined && loads(url)) {
        links.push({ url: url.trim(), line: lineOf(at), by: name, needed: false });
      }
    }
    for (const found of assetsOf(tag)) {
      const { url, by, needed } = found;
      if (loads(url)) assets.push({ url: url.trim(), line: lineOf(found.at ?? at), by, needed });
    }
  }
  return { base, assets, links };
}

function loads(url: string): boolean {
  const text = url.trim();
  if (text === '' || text.startsWith('#') || /\{\{|\$\{|<%|\{%/.test(text)) return false;
  return !/^(?!https?:)[a-z][a-z0-9+.-]*:/i.test(text);
}

function assetsOf(tag: StartTag): readonly Found[] {
  const { name, attributes } = tag;
  const found: Found[] = [];
  const add = (url: string | undefined, by = name, needed = true) => {
    if (url !== undefined) found.push({ url, by, needed });
  };
  const sources = sourceAttributes.get(name);
  for (const attribute of sources ?? []) add(attributes.get(attribute));
  if (name === 'script') for (const url of importedBy(tag)) add(url, 'importmap');
  if (name === 'img' || name === 'source') for (const url of candidatesOf(attributes.get('srcset'))) add(url);
  if (name === 'link') found.push(...linkedBy(attributes));
  if (name === 'input' && attributes.get('type')?.toLowerCase() === 'image') add(attributes.get('src'));
  if (name === 'meta') {
    const property = (attributes.get('property') ?? attributes.get('name') ?? '').toLowerCase();
    if (imageProperties.test(property)) add(attributes.get('content'), `meta ${property}`, false);
  }
  if (name === 'style') {
    found.push(
      ...cssReferencesOf(tag.text).map(({ url, at }) => ({
        url,
        by: 'style',
        needed: true,
        at: tag.textAt + at,
      })),
    );
  }
  const style = attributes.get('style');
  if (style !== undefined) for (const { url } of cssReferencesOf(style)) add(url, `${name} style`);
  return found;
}

const sourceAttributes: ReadonlyMap<string, readonly string[]> = new Map([
  ['script', ['src']],
  ['img', ['src']],
  ['source', ['src']],
  ['video', ['src', 'poster']],
  ['audio', ['src']],
  ['track', ['src']],
  ['embed', ['src']],
  ['object', ['data']],
  ['image', ['href', 'xlink:href']],
  ['use', ['href', 'xlink:href']],
  ['feimage', ['href', 'xlink:href']],
]);

const imageProperties =
  /^(?:og:(?:image|video|audio)(?::(?:secure_)?url)?|twitter:image(?::src)?|msapplication-(?:tileimage|config))$/;

const neededLinks = ['stylesheet', 'modulepreload', 'preload'];
const otherLinks = [
  'icon',
  'apple-touch-icon',
  'apple-touch-icon-precomposed',
  'mask-icon',
  'apple-touch-startup-image',
  'manifest',
  'prefetch',
];

function linkedBy(attributes: ReadonlyMap<string, string>): Found[] {
  const relations = (attributes.get('rel') ?? '').toLowerCase().split(/\s+/);
  const rel = [...neededLinks, ...otherLinks].find((link) => relations.includes(link));
  if (rel === undefined) return [];
  const needed = neededLinks.includes(rel);
  const urls = [attributes.get('href'), ...candidatesOf(attributes.get('imagesrcset'))];
  return urls.flatMap((url) => (url === undefined ? [] : [{ url, by: `link ${rel}`, needed }]));
}

/** The URLs of an import map; those of folders end in a slash and load nothing. */
function importedBy({ attributes, text }: StartTag): string[] {
  if (attributes.get('type')?.trim().toLowerCase() !== 'importmap') return [];
  try {
    const map: unknown = JSON.parse(text);
    const { imports, scopes } = Object(map) as { imports?: unknown; scopes?: unknown };
    const maps = [imports, ...Object.values(Object(scopes) as object)];
    const urls = maps.flatMap((value) => Object.values(Object(value) as object) as unknown[]);
    return urls.filter((url) => typeof url === 'string').filter((url) => !url.endsWith('/'));
  } catch {
    return [];
  }
}

/** `a.png 1x, b.png 2x` (HTML standard, “parse a srcset attribute”): commas within a URL belong to it. */
function candidatesOf(srcset: string | undefined): string[] {
  const urls: string[] = [];
  const candidate = /[\s,]*([^\s,]\S*)/y;
  const descriptors = /[^,(]*(?:\([^)]*\)?[^,(]*)*,?/y;
  const text = srcset ?? '';
  for (;;) {
    const url = candidate.exec(text)?.[1];
    if (url === undefined) return urls;
    urls.push(url.replace(/(?<!,),+$/, ''));
    descriptors.lastIndex = candidate.lastIndex;
    if (!url.endsWith(',')) descriptors.exec(text);
    candidate.lastIndex = descriptors.lastIndex;
  }
}

/** Converts offsets to lines. Calls come in nearly ascending order, so each line is counted about once. */
function lineCounter(text: string): (at: number) => number {
  let line = 1;
  let from = 0;
  return (at) => {
    if (at < from) [line, from] = [1, 0];
    for (let next = text.indexOf('\n', from); next >= 0 && next < at; next = text.indexOf('\n', from)) {
      line++;
      from = next + 1;
    }
    return line;
  };
}
