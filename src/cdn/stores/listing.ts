import { elements, text } from '../aws/xml.ts';
import type { Listed } from '../store.ts';
import { quoted } from './answer.ts';

/** One page of a listing. */
export interface Page {
  readonly objects: readonly Listed[];
  /** Token of the next page; undefined for the last one. */
  readonly next: string | undefined;
}

/**
 * Reads an answer of ListObjectsV2. Keys are URL-encoded where the store supports it: XML cannot contain all of
 * them.
 */
export function readPage(xml: string): Page {
  const encoded = text(xml, 'EncodingType')?.toLowerCase() === 'url';
  const objects = elements(xml, 'Contents').map((element): Listed => {
    const key = text(element, 'Key') ?? '';
    return {
      key: encoded ? decodeKey(key) : key,
      size: Number(text(element, 'Size') ?? 0),
      etag: quoted(text(element, 'ETag') ?? ''),
    };
  });
  const more = text(xml, 'IsTruncated') === 'true';
  return { objects, next: more ? text(xml, 'NextContinuationToken') : undefined };
}

/** S3 writes a space as `+` and a plus as `%2B`. */
function decodeKey(encoded: string): string {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    return encoded;
  }
}

/** A part of a listing: keys after `after`, up to and including `upTo`. */
export interface Range {
  readonly after: string | undefined;
  readonly upTo: string | undefined;
}

/** @param splits keys, in any order; those outside the prefix are ignored. */
export function rangesOf(prefix: string, splits: readonly string[]): readonly Range[] {
  const cuts = [...new Set(splits)].filter((key) => key.startsWith(prefix) && key !== prefix).sort(byteOrder);
  return [undefined, ...cuts].map((after, at) => ({ after, upTo: cuts[at] }));
}

/** As S3 orders keys: by their UTF-8. JavaScript orders by UTF-16, which differs above U+FFFF. */
export function byteOrder(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Surrogates encode the highest code points. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/**
 * Reads ranges in parallel, page by page; each range is at most one page ahead of the consumer. @param readNext
 * reads one page by the token of the previous one.
 */
export async function* readRanges(
  ranges: readonly Range[],
  readNext: (range: Range, token: string | undefined) => Promise<Page>,
): AsyncGenerator<readonly Listed[]> {
  const reading = new Map<number, Promise<{ at: number; page: Page }>>();
  const read = (at: number, token: string | undefined) => {
    const range = ranges[at] as Range;
    const page = readNext(range, token).then((answer) => ({ at, page: within(answer, range) }));
    // If the consumer stops early, nothing awaits the other pages.
    page.catch(() => {});
    reading.set(at, page);
  };
  for (const at of ranges.keys()) read(at, undefined);
  while (reading.size > 0) {
    const { at, page } = await Promise.race(reading.values());
    if (page.next === undefined) reading.delete(at);
    else read(at, page.next);
    if (page.objects.length > 0) yield page.objects;
  }
}

/** The objects of a page within the range; a key beyond its end is the last. */
function within(page: Page, { upTo }: Range): Page {
  const last = page.objects.at(-1);
  if (upTo === undefined || last === undefined || byteOrder(last.key, upTo) < 0) return page;
  return { objects: page.objects.filter(({ key }) => byteOrder(key, upTo) <= 0), next: undefined };
}
