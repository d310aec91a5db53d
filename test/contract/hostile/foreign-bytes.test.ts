import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Manifest } from '../../../src/cdn/model.ts';
import { decodeDraft, encodeDraft } from '../../../src/cdn/plan/draft.ts';
import { decodeManifest, encodeManifest } from '../../../src/cdn/plan/manifest.ts';
import { descendants, readXml } from '../../../src/checks/parse/xml.ts';

/** Bytes that someone else wrote into a bucket or a report: they decide neither what Sluice deletes nor what it costs. */

const release = { number: 1, name: 'v1', at: 1, by: 'x', files: 1, bytes: 1 };
const entry = (path: string) =>
  ({ path, class: 'file', size: 1, sha256: 'x', headers: {}, etag: '"x"' }) as const;
const manifest = (paths: readonly string[], kept: readonly string[] = []): Manifest => ({
  ...{ conditional: true, kept: [], release, history: [] },
  entries: new Map(paths.map((path) => [path, entry(path)])),
  retained: kept.map((at) => ({ ...entry('a.html'), at, last: 1, left: 1 })),
});
const draft = (writes: readonly string[], deletes: readonly string[] = []) => ({
  ...{ number: 1, at: 1, by: 'x', changed: [], due: [] },
  writes: new Map(writes.map((path) => [path, ['"x"']])),
  deletes: deletes.map((path) => ({ path, etags: undefined })),
});

const outside = [
  '',
  '/',
  '/etc/passwd',
  '../other-site/index.html',
  'a/../../b',
  './a',
  'a//b',
  'a/',
  'a\\..\\b',
  'a\nb',
  'a\0b',
  'a\u007fb',
  'x'.repeat(1025),
];

describe.each(outside)('the path %j in a bucket', (path) => {
  const refused = {
    code: 'cdn.manifest',
    message: expect.stringMatching(/^b\/m can’t be read: a path in it /),
  };

  test('makes a manifest none of ours', () => {
    expect(() => decodeManifest(encodeManifest(manifest([path])), 'b/m')).toThrow(
      expect.objectContaining(refused),
    );
    expect(() => decodeManifest(encodeManifest(manifest(['a'], [path])), 'b/m')).toThrow(
      expect.objectContaining(refused),
    );
  });

  test('makes a draft none of ours', () => {
    expect(() => decodeDraft(encodeDraft(draft([path])), 'b/m')).toThrow(expect.objectContaining(refused));
    expect(() => decodeDraft(encodeDraft(draft([], [path])), 'b/m')).toThrow(
      expect.objectContaining(refused),
    );
  });
});

test('a manifest that takes one of Sluice’s own files for a page of the site is refused', () => {
  for (const path of ['.sluice', '.sluice/manifest', '.sluice/releases/1'])
    expect(() => decodeManifest(encodeManifest(manifest([path])), 'b/m')).toThrow('is one of Sluice');
});

test('what a publication writes is read as it was', () => {
  const paths = ['index.html', 'assets/a-1.js', 'ünï/codé 1.html', '..a/b..', '.well-known/x'];
  expect(decodeManifest(encodeManifest(manifest(paths, ['.sluice/blobs/x', 'a.js'])), 'b/m')).toEqual(
    manifest(paths, ['.sluice/blobs/x', 'a.js']),
  );
  expect(decodeDraft(encodeDraft(draft(paths, ['.sluice/blobs/x'])), 'b/d')).toEqual(
    draft(paths, ['.sluice/blobs/x']),
  );
});

test('a few kilobytes that mean a gigabyte are not unpacked', () => {
  // Members of gzip may follow each other: 300 times 1 MiB of zeros is 300 KB.
  const bomb = Buffer.concat(Array.from({ length: 300 }, () => member));
  const before = process.memoryUsage().rss;
  expect(() => decodeManifest(bomb, 'b/m')).toThrow('larger than 256 MiB when it is unpacked');
  expect(() => decodeDraft(bomb, 'b/d')).toThrow('larger than 64 MiB when it is unpacked');
  expect(process.memoryUsage().rss - before).toBeLessThan(1.5 * 1024 ** 3);
});
const member = gzipSync(Buffer.alloc(1024 * 1024));

describe('XML of a report', () => {
  const names = 'abcdefghij';
  const entities = [...names].map((name, at) =>
    at === 0 ? `<!ENTITY a "aaaaaaaaaa">` : `<!ENTITY ${name} "${`&${names[at - 1]};`.repeat(10)}">`,
  );
  test.each([
    ['entities that multiply', `<!DOCTYPE x [${entities.join('')}]><x>&j;</x>`],
    ['a file of this machine', '<!DOCTYPE x [<!ENTITY j SYSTEM "file:///etc/passwd">]><x>&j;</x>'],
  ])('%s are not resolved', (_, xml) => {
    expect(readXml(xml)?.text.trim() ?? '&j;').toBe('&j;');
  });

  test('200,000 levels are no document', () => {
    const top = readXml('<a>'.repeat(200_000) + '</a>'.repeat(200_000));
    expect(top === undefined ? 0 : descendants(top, 'a').length).toBe(0);
  });
});
