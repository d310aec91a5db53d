import { describe, expect, test } from 'vitest';
import { headersBy } from '../../../../src/cdn/dist/headers.ts';
import { isCompressible, mediaTypeOf } from '../../../../src/cdn/dist/media-types.ts';
import { pathTest } from '../../../../src/cdn/dist/pattern.ts';
import { builtFolder, page } from '../../../support/cdn/dist-fixtures.ts';

describe('patterns', () => {
  test.each([
    ['*.pdf', 'a.pdf docs/a.pdf .pdf', 'a.PDF a.pdf/x.txt a.pdfx'],
    ['/robots.txt', 'robots.txt', 'docs/robots.txt arobots.txt robots_txt'],
    ['docs/**', 'docs/a docs/a/b.txt', 'docs x/docs/a docsx/a'],
    ['docs/*.pdf', 'docs/a.pdf', 'docs/x/a.pdf x/docs/a.pdf'],
    ['**/draft.html', 'draft.html a/draft.html a/b/draft.html', 'adraft.html'],
    ['a/**/z', 'a/z a/b/z a/b/c/z a/z/y', 'az a/bz'],
    ['drafts', 'drafts drafts/a x/drafts/a/b', 'draft xdrafts drafts.html'],
    ['drafts/', 'drafts/a', 'draft'],
    ['./a.js', 'a.js x/a.js', 'b.js'],
    ['/*.html', 'index.html', 'a/index.html'],
    ['*.{html,htm,{x,y}ml}', 'a.html b/a.htm a.xml a.yml', 'a.css a.ml a.html,htm'],
    ['img?.[jp][pn]g', 'img1.jpg img2.png', 'img.jpg img12.jpg img1.gng img/.jpg'],
    ['[a-c!]*.[!a]', 'ax.b !.z', 'dx.b ax.a'],
    ['a+(b).[c', 'a+(b).[c', 'aab.c'],
    ['x{a', 'x{a', 'xa'],
    ['a,b', 'a,b', 'a b'],
    ['\\*.txt', '*.txt', 'a.txt'],
    ['[z-a].txt', '[z-a].txt', 'z.txt'],
    ['?.txt', '\u{1f600}.txt ü.txt', 'ab.txt'],
    ['*', 'a a/b .env', ''],
    ['', '', 'a a/b'],
  ])('%s', (pattern, matching, others) => {
    const isMeant = pathTest([pattern]);
    const split = (text: string) => text.split(' ').filter((path) => path !== '');
    expect(split(matching).filter((path) => !isMeant(path))).toEqual([]);
    expect(split(others).filter(isMeant)).toEqual([]);
  });

  test('several mean each of them, and none nothing', () => {
    expect(['a.pdf', 'x/y', 'z'].filter(pathTest(['*.pdf', 'x/**']))).toEqual(['a.pdf', 'x/y']);
    expect(pathTest([])('a')).toBe(false);
  });
});

test.each([
  ['a.HTML', 'text/html; charset=utf-8', true],
  ['a.mjs', 'text/javascript; charset=utf-8', true],
  ['x.y/a.json', 'application/json', true],
  ['a.js.map', 'application/json', true],
  ['site.webmanifest', 'application/manifest+json', true],
  ['a.svg', 'image/svg+xml', true],
  ['sitemap.xml', 'application/xml', true],
  ['a.wasm', 'application/wasm', true],
  ['a.ttf', 'font/ttf', true],
  ['a.woff2', 'font/woff2', false],
  ['a.avif', 'image/avif', false],
  ['a.pdf', 'application/pdf', false],
  ['a.toString', 'application/octet-stream', false],
  ['x.js/LICENSE', 'text/plain; charset=utf-8', true],
  ['.nojekyll', 'application/octet-stream', false],
  ['.well-known/apple-app-site-association', 'application/json', true],
])('%s is %s', (path, type, compressible) => {
  expect([mediaTypeOf(path), isCompressible(mediaTypeOf(path))]).toEqual([type, compressible]);
});

describe('headers', () => {
  const year = 'public, max-age=31536000, immutable';
  test('of unhashed files by what an old copy would break', async () => {
    using folder = builtFolder(
      Object.fromEntries(
        [
          'index.html',
          'app.js',
          'sw.js',
          'api/data.json',
          'feed.xml',
          'llms.md',
          'logo.png',
          'a.woff2',
          'a.mp4',
          'a.pdf',
          'a.zip',
        ].map((path) => [path, page]),
      ),
    );
    const { files } = await folder.read();
    const byCache = Object.groupBy(files, ({ headers }) => headers['cache-control'] ?? '');
    expect(
      Object.fromEntries(
        Object.entries(byCache).map(([cache, some]) => [cache, some?.map(({ path }) => path)]),
      ),
    ).toEqual({
      'public, max-age=300, must-revalidate': ['index.html'],
      'public, no-cache': ['api/data.json', 'app.js', 'feed.xml', 'llms.md', 'sw.js'],
      'public, max-age=3600': ['a.mp4', 'a.pdf', 'a.woff2', 'a.zip', 'logo.png'],
    });
  });

  const rules = [
    { match: ['*.js'], set: { 'cache-control': 'private', 'content-language': 'en' } },
    { match: ['/app.js', 'docs/**'], set: { 'cache-control': 'no-store' } },
    { match: ['*.bin'], set: { 'cache-control': '', 'content-type': 'text/x-own' } },
  ];
  const type = 'text/javascript; charset=utf-8';
  test.each([
    ['app.js', 'asset', { 'cache-control': 'no-store', 'content-language': 'en', 'content-type': type }],
    ['x/app.js', 'asset', { 'cache-control': 'private', 'content-language': 'en', 'content-type': type }],
    ['docs/a.mjs', 'asset', { 'cache-control': 'no-store', 'content-type': type }],
    ['a.mjs', 'asset', { 'cache-control': year, 'content-type': type }],
    ['a.bin', 'file', { 'content-type': 'text/x-own' }],
  ] as const)('rules, later over earlier ones, are over the defaults: %s', (path, kind, headers) => {
    expect(headersBy(rules)({ path, class: kind, type })).toEqual(headers);
  });

  test('a compressed copy has those of its original', () => {
    const headersOf = headersBy(rules);
    const copy = { of: 'app.js', encoding: 'br' } as const;
    expect(headersOf({ path: 'app.js.br', class: 'file', type, copy })).toEqual({
      ...headersOf({ path: 'app.js', class: 'file', type }),
      'content-encoding': 'br',
    });
  });

  test('are one object for all files that have the same', () => {
    const headersOf = headersBy(rules);
    const of = (path: string) => headersOf({ path, class: 'asset', type });
    expect(of('a/1.js')).toBe(of('a/2.js'));
    expect(of('a/1.js')).not.toBe(of('docs/2.js'));
  });
});
