import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { verifySite } from '../../../src/cdn/verify/verify.ts';
import { type Contents, entriesOf, entryOf, settingsOf } from '../../support/cdn/pages.ts';
import {
  app,
  closeAll,
  gives,
  headersOf,
  home,
  page,
  site,
  started,
  status,
  told,
  verify,
} from '../../support/cdn/visitor.ts';
import { type Answerer, answerWith, serve } from '../../support/cdn/web-server.ts';

afterEach(closeAll);

test('a page that is old for a while: only it is asked again, then its assets', async () => {
  const old = page('home', '/assets/app-00000000.js');
  const server = await started(
    serve(site, {
      '/': (request, response, times) =>
        times < 3
          ? void response.writeHead(200, { ...headersOf('index.html'), age: '9' }).end(old)
          : answerWith(site, request, response),
      [app]: (request, response, times) =>
        times < 2 ? status(404)(request, response, times) : answerWith(site, request, response),
    }),
  );
  const before = { number: 1, entries: entriesOf({ 'index.html': old }) };
  const settings = settingsOf({ forMs: 60_000 });
  // A clock on which every pause is over at once.
  let now = 0;
  const slept: number[] = [];
  const clock = {
    now: () => now,
    elapsed: () => now,
    sleep: async (ms: number) => {
      slept.push(ms);
      now += ms;
    },
  };
  const said: string[] = [];
  const input = {
    url: server.url,
    entries: entriesOf(site),
    changed: ['index.html'],
    index: 'index.html',
    spa: false,
  };
  const { signal } = new AbortController();
  const report = await verifySite(
    { ...input, settings, before },
    { clock, signal, log: { detail: (text) => void said.push(text) } },
  );
  expect(told(report)).toEqual([]);
  expect(slept).toEqual([500, 1000]);
  expect(said).toEqual([
    expect.stringContaining('2 URLs not up to date yet'),
    expect.stringContaining('1 URL not up to date yet'),
  ]);
  const count = (line: string) => server.asked.filter((candidate) => candidate === line).length;
  expect([
    count('GET /'),
    count(`GET ${app}`),
    count('GET /assets/app-5e6f7a8b.css'),
    count('GET /about.html'),
  ]).toEqual([3, 2, 1, 1]);
  expect(server.asked).not.toContain('GET /assets/app-00000000.js');
});

test('a page that stays old: the finding says of which release', async () => {
  const old = page('home');
  const server = await started(serve(site, { '/': gives(old, { age: '9', 'cf-cache-status': 'HIT' }) }));
  const before = { number: 11, entries: entriesOf({ 'index.html': old }) };
  expect(told(await verify(server.url, { before }))).toEqual([
    'fail content /: still has the content of release 11: the CDN serves it from its cache (Age 9 s, cf-cache-status: HIT)',
  ]);
});

test('200 MB where a page should be are given up', async () => {
  let sent = 0;
  const endless: Answerer = (_, response) => {
    response.writeHead(200, headersOf('index.html'));
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    const more = () => {
      while (sent < 200 && !response.destroyed) {
        sent++;
        if (!response.write(chunk)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  };
  const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024), { level: 1 });
  const server = await started(
    serve(site, { '/about.html': endless, '/index.html': gives(bomb, { 'content-encoding': 'gzip' }) }),
  );
  expect(told(await verify(server.url))).toEqual([
    'fail content /index.html: differs from the published content: far more than the expected 161 B',
    'fail content /about.html: differs from the published content: far more than the expected 47 B',
  ]);
  expect(sent).toBeLessThan(50);
});

test('large assets are asked for their size, or as far as needed by servers without HEAD', async () => {
  const contents = {
    'index.html': page('home', 'assets/a.js', 'assets/b.js'),
    'assets/a.js': Buffer.alloc(2 ** 21),
    'assets/b.js': Buffer.alloc(2 ** 21),
  };
  const server = await started(
    serve(contents, {
      '/assets/b.js': (request, response) =>
        request.method === 'HEAD'
          ? void response.writeHead(405).end()
          : answerWith({ 'assets/b.js': Buffer.alloc(2 ** 21 + 1) }, request, response),
    }),
  );
  expect(told(await verify(server.url, { entries: entriesOf(contents) }))).toEqual([
    'fail content /assets/b.js: has 2097153 bytes; 2097152 were published',
  ]);
  expect([...new Set(server.asked.filter((line) => line.includes('.js')))]).toEqual([
    'HEAD /assets/a.js',
    'HEAD /assets/b.js',
    'GET /assets/b.js',
  ]);
});

test('odd paths are asked for as what they are', async () => {
  const names = [
    'a b.html',
    'ü/ñ.html',
    '1+1=2.html',
    '100%.html',
    '100%25.html',
    'what?.html',
    '#1.html',
    "it's (a) [b] & c;d,e@f:g.html",
    'a\\b.html',
    '日本/index.html',
    '"<x>".html',
    'tab\there.html',
  ];
  const contents = Object.fromEntries(['index.html', ...names].map((path) => [path, page(path)]));
  const server = await started(serve(contents));
  const report = await verify(server.url, { entries: entriesOf(contents) });
  expect(told(report)).toEqual([]);
  expect(report.pages).toBe(13);
  expect(server.asked).toContain('GET /1%2B1=2.html');
  expect(server.asked).toContain('GET /100%2525.html');
});

test('what a page names is found in all places, and what it does without is a warning', async () => {
  const contents: Contents = {
    'index.html':
      '<base href="/sub/"><link rel="icon" href="icon.svg"><img srcset="a.svg 1x, b.svg 2x"><style>p { background: url(c.svg) }</style>',
    'sub/a.svg': '<svg/>',
    'sub/c.svg': '<svg/>',
  };
  const server = await started(serve(contents));
  expect(told(await verify(server.url, { entries: entriesOf(contents) }))).toEqual([
    'fail content /sub/b.svg: answers 404: the object does not exist',
    'warn content /sub/icon.svg: answers 404: the object does not exist',
  ]);
});

test('what is stored encoded comes as it is, and is read by what it means', async () => {
  const packed = brotliCompressSync(page('home', '/assets/gone.js'));
  const headers = { 'content-encoding': 'br' };
  const entries = new Map([['index.html', entryOf('index.html', packed, headers)]]);
  const right = await started(
    serve({ 'index.html': packed }, { '/': gives(packed, headers), '/index.html': gives(packed, headers) }),
  );
  expect(told(await verify(right.url, { entries }))).toEqual([
    'fail content /assets/gone.js: answers 404: the object does not exist',
  ]);
  const bare = await started(serve({ 'index.html': packed }));
  expect(told(await verify(bare.url, { entries }))).toEqual([
    'fail content /: lacks its Content-Encoding (br): browsers cannot read it (and /index.html)',
  ]);
});

test('a page that Cloudflare changes is a warning as long as it names this release', async () => {
  const rocket =
    '<script src="/cdn-cgi/scripts/7d0fa10a/cloudflare-static/rocket-loader.min.js" data-cf-settings="x"></script>';
  const cases: [string, RegExp][] = [
    [home + rocket, /^warn content \/: differs from the published bytes: Cloudflare defers its scripts/],
    [
      home.replace('type="module"', 'type="x-module"') + rocket,
      /^warn content \/: cannot be compared .* every file it names is part of this release$/,
    ],
    [
      page('home', '/assets/app-00000000.js') + rocket,
      /^fail content \/: differs from the published page: Cloudflare defers .* files that are not part of/,
    ],
  ];
  for (const [body, expected] of cases) {
    const server = await started(serve(site, { '/': gives(body) }));
    const findings = told(await verify(server.url));
    expect(findings).toEqual([expect.stringMatching(expected)]);
  }
});

test('a page that names files without end', async () => {
  const contents = { 'index.html': page('home', 'a.js', 'b.js', 'c.js', 'd.js'), 'a.js': 'a', 'b.js': 'b' };
  const server = await started(serve(contents));
  const report = await verify(server.url, { entries: entriesOf(contents) }, { limits: { urls: 3 } });
  expect(told(report)).toEqual([
    'warn content /: names too many files to check them all (limit: 3 URLs) (and /index.html)',
  ]);
});
