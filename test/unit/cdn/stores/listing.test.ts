import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  byteOrder,
  type Page,
  type Range,
  rangesOf,
  readPage,
  readRanges,
} from '../../../../src/cdn/stores/listing.ts';

const utf8 = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const anyText = fc.string({ unit: 'binary', maxLength: 6 });
const key = fc.string({
  unit: fc.constantFrom('a', 'b', '/', 'é', '\uffee', '𝒳', '~'),
  minLength: 1,
  maxLength: 5,
});

/** A store with these keys, that lists in pages of this size. */
function lister(keys: readonly string[], pageSize: number) {
  const sorted = [...keys].sort(utf8);
  let pages = 0;
  const readNext = async ({ after }: Range, token: string | undefined): Promise<Page> => {
    pages += 1;
    const from = sorted.findIndex((candidate) => utf8(candidate, token ?? after ?? '') > 0);
    const page = from === -1 ? [] : sorted.slice(from, from + pageSize);
    const last = page.at(-1);
    const more = last !== undefined && last !== sorted.at(-1);
    return {
      objects: page.map((entry) => ({ key: entry, size: 1, etag: '"e"' })),
      next: more ? last : undefined,
    };
  };
  return { readNext, pages: () => pages };
}

async function keysIn(pages: AsyncIterable<readonly { key: string }[]>): Promise<string[]> {
  const found: string[] = [];
  for await (const page of pages) found.push(...page.map((object) => object.key));
  return found;
}

describe('a listing in parts', () => {
  it('has every key once, wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { maxLength: 40 }),
        fc.array(key, { maxLength: 8 }),
        fc.integer({ min: 1, max: 7 }),
        async (keys, splits, pageSize) => {
          const { readNext } = lister(keys, pageSize);
          const found = await keysIn(readRanges(rangesOf('', splits), readNext));
          expect(found.sort(utf8)).toEqual([...keys].sort(utf8));
        },
      ),
    );
  });

  it('reads no more pages than it must, and stops when nobody wants more', async () => {
    const keys = Array.from({ length: 100 }, (_, at) => `k${String(at).padStart(3, '0')}`);
    const whole = lister(keys, 10);
    await keysIn(readRanges(rangesOf('', ['k049', 'k079']), whole.readNext));
    expect(whole.pages()).toBe(10);
    const begun = lister(keys, 10);
    for await (const page of readRanges(rangesOf('', []), begun.readNext)) {
      expect(page).toHaveLength(10);
      break;
    }
    expect(begun.pages()).toBeLessThanOrEqual(2);
  });

  it('fails if a part of it fails', async () => {
    const failing = async ({ after }: Range): Promise<Page> => {
      if (after !== undefined) throw new Error('denied');
      return { objects: [], next: undefined };
    };
    await expect(keysIn(readRanges(rangesOf('', ['m']), failing))).rejects.toThrow('denied');
  });

  it('is cut below its prefix only, once at each place', () => {
    expect(rangesOf('a/', ['b', 'a/x', 'a/', 'a/b', 'a/x'])).toEqual([
      { after: undefined, upTo: 'a/b' },
      { after: 'a/b', upTo: 'a/x' },
      { after: 'a/x', upTo: undefined },
    ]);
  });

  it('orders keys by their bytes, as S3 does', () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        fc.pre(a.isWellFormed() && b.isWellFormed());
        expect(Math.sign(byteOrder(a, b))).toBe(utf8(a, b));
      }),
    );
  });
});

describe('a page of a listing', () => {
  const page = (inner: string) =>
    readPage(`<?xml version="1.0"?><ListBucketResult>${inner}</ListBucketResult>`);

  it('is read as AWS and as Ceph write it', () => {
    const aws =
      '<Name>b</Name><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;1</NextContinuationToken>' +
      '<Contents><Key>a+b%2Bc%2F%C3%A9%25</Key><ETag>&quot;e&quot;</ETag><Size>7</Size></Contents>';
    expect(page(aws)).toEqual({ objects: [{ key: 'a b+c/é%', size: 7, etag: '"e"' }], next: 't&1' });
    const bare =
      '<IsTruncated>false</IsTruncated><Contents><ETag>e</ETag><Key>a+b&amp;%20</Key><Size>0</Size></Contents>';
    expect(page(bare)).toEqual({ objects: [{ key: 'a+b&%20', size: 0, etag: '"e"' }], next: undefined });
    expect(page('<EncodingType>url</EncodingType><Contents><Key>%zz</Key></Contents>').objects[0]?.key).toBe(
      '%zz',
    );
  });
});
