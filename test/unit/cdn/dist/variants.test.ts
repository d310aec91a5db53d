import { hash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { openBody } from '../../../../src/cdn/dist/variants.ts';
import type { SiteFile } from '../../../../src/cdn/model.ts';
import { builtFolder, faultsOf, page } from '../../../support/cdn/dist-fixtures.ts';

const text = 'const books = "books"; '.repeat(100);
const year = 'public, max-age=31536000, immutable';
const both = { variants: ['br', 'gzip'] } as const;

async function bytesOf(file: SiteFile): Promise<Uint8Array> {
  const body = await openBody(file);
  if (!('bytes' in body)) throw new Error(`${file.path} is sent as it is`);
  expect(body.sha256).toBe(file.sha256);
  return body.bytes;
}

describe('compressed copies', () => {
  test('have the type, the class and the cache of what they are copies of', async () => {
    using folder = builtFolder({ 'index.html': page.padEnd(2000, '\n'), 'app-DkT3eZPq.js': text });
    const { files } = await folder.read(both);
    expect(files.map(({ path, class: kind, encoding }) => [path, kind, encoding])).toEqual([
      ['app-DkT3eZPq.js', 'asset', undefined],
      ['app-DkT3eZPq.js.br', 'asset', 'br'],
      ['app-DkT3eZPq.js.gz', 'asset', 'gzip'],
      ['index.html', 'page', undefined],
      ['index.html.br', 'page', 'br'],
      ['index.html.gz', 'page', 'gzip'],
    ]);
    expect(files[1]?.headers).toEqual({
      'cache-control': year,
      'content-encoding': 'br',
      'content-type': 'text/javascript; charset=utf-8',
    });
  });

  test('are what size and hash say, each time, and unpack to the original', async () => {
    using folder = builtFolder({ 'app.js': text });
    const { files } = await folder.read(both);
    const [original, br, gz] = files;
    if (!original || !br || !gz) throw new Error('three files');
    expect((await folder.read(both)).files).toEqual(files);
    for (const [file, unpack] of [
      [br, brotliDecompressSync],
      [gz, gunzipSync],
    ] as const) {
      const bytes = await bytesOf(file);
      // Another object for the same file: nothing is kept for it.
      expect(await bytesOf({ ...file })).toEqual(bytes);
      expect([bytes.length, hash('sha256', bytes, 'base64url')]).toEqual([file.size, file.sha256]);
      expect(unpack(bytes).toString()).toBe(text);
    }
    expect(await openBody(original)).toEqual({
      file: original.file,
      size: text.length,
      sha256: original.sha256,
    });
  });

  test('are made of text from 1 KiB, and where they are smaller', async () => {
    const noise = Array.from({ length: 40 }, (_, n) => hash('sha256', `${n}`, 'buffer'));
    using folder = builtFolder({
      'small.js': 'x'.repeat(1023),
      'large.js': 'x'.repeat(1024),
      'photo.png': 'x'.repeat(5000),
      'noise.js': Buffer.concat(noise),
      'draft.js.br': 'alone',
    });
    const { files } = await folder.read(both);
    expect(files.map(({ path }) => path)).toEqual([
      'draft.js.br',
      'large.js',
      'large.js.br',
      'large.js.gz',
      'noise.js',
      'photo.png',
      'small.js',
    ]);
    expect(files[0]?.headers).toEqual({
      'cache-control': 'public, max-age=3600',
      'content-type': 'application/octet-stream',
    });
  });

  test('that the build made are used as they are, with and without variants', async () => {
    using folder = builtFolder({
      'app-DkT3eZPq.js': text,
      'app-DkT3eZPq.js.br': 'own',
      'a.tar': text,
      'a.tar.gz': 'own',
    });
    const headers = {
      'cache-control': year,
      'content-encoding': 'br',
      'content-type': 'text/javascript; charset=utf-8',
    };
    for (const variants of [[], ['br']] as const) {
      const { files } = await folder.read({ variants });
      expect(files.find(({ path }) => path === 'app-DkT3eZPq.js.br')).toEqual({
        path: 'app-DkT3eZPq.js.br',
        class: 'asset',
        size: 3,
        sha256: hash('sha256', 'own', 'base64url'),
        headers,
        file: `${folder.dist}/app-DkT3eZPq.js.br`,
      });
      expect(files.find(({ path }) => path === 'a.tar.gz')?.headers['content-encoding']).toBeUndefined();
    }
  });

  test('of a file that is gone by then are refused', async () => {
    using folder = builtFolder({ 'app.js': text });
    const { files } = await folder.read({ variants: ['br'] });
    rmSync(`${folder.dist}/app.js`);
    const [, copy] = files;
    expect(await faultsOf(openBody({ ...copy } as SiteFile))).toEqual([
      expect.stringMatching(/^cdn.dist: .*\/app.js can no longer be read: ENOENT/),
    ]);
  });

  test('whose key is too long are refused', async () => {
    using folder = builtFolder({ 'app.js': text });
    const store = { ...folder.settings().store, prefix: 'x'.repeat(1024 - 'app.js.br'.length + 1) };
    expect(await folder.faults({ store })).toEqual([]);
    expect(await folder.faults({ store, variants: ['br', 'gzip'] })).toEqual([
      expect.stringMatching(/^cdn.dist: app.js.br cannot be published: its key has 1025 bytes/),
      expect.stringMatching(/^cdn.dist: app.js.gz cannot be published: its key has 1025 bytes/),
    ]);
  });
});
