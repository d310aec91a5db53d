import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { entriesOf } from '../../support/cdn/pages.ts';
import {
  app,
  changes,
  closeAll,
  gives,
  home,
  page,
  site,
  started,
  status,
  told,
  verify,
} from '../../support/cdn/visitor.ts';
import { type Answerer, answerWith, listen, serve } from '../../support/cdn/web-server.ts';

afterEach(closeAll);

test('a site that is as published has no findings, and is asked once for everything', async () => {
  const server = await started(serve(site));
  const report = await verify(server.url, { changed: ['about.html', 'robots.txt', 'gone.txt'] });
  expect(told(report)).toEqual([]);
  expect(report).toMatchObject({ pages: 3, assets: 3, timing: { connect: expect.any(Number) } });
  const [random = ''] = server.asked.filter((line) => line.includes('sluice-'));
  expect([...server.asked].sort()).toEqual(
    [
      'GET /',
      'GET /about.html',
      'GET /assets/app-1a2b3c4d.js',
      'GET /assets/app-5e6f7a8b.css',
      'GET /blog/',
      'GET /blog/index.html',
      'GET /index.html',
      'GET /robots.txt',
      random,
    ].sort(),
  );
  expect(server.connections()).toBeLessThanOrEqual(9);
});

describe('one fault, one finding', () => {
  test.each<[string, Record<string, Answerer>, RegExp]>([
    [
      'a page is missing',
      { '/about.html': status(404) },
      /^fail content \/about.html: answers 404: the object does not exist$/,
    ],
    [
      'a page is forbidden',
      { '/about.html': status(403) },
      /^fail .*answers 403: the object does not exist, or the CDN has no permission to read it/,
    ],
    [
      'the store fails',
      { '/about.html': status(503) },
      /^fail .*answers 503: the CDN or its origin is failing/,
    ],
    [
      'a bot check is in the way',
      { '/about.html': status(403, { 'cf-mitigated': 'challenge' }) },
      /^fail .*Cloudflare requires a browser challenge/,
    ],
    ['an asset is missing', { [app]: status(404) }, /^fail content \/assets\/app-1a2b3c4d.js: answers 404/],
    [
      'an asset has other bytes',
      { [app]: gives('console.log("release 1");', { 'content-type': 'text/javascript; charset=utf-8' }) },
      /^fail content \/assets\/app-1a2b3c4d.js: differs from the published content \(25 bytes as expected, with other content\): does this/,
    ],
    [
      'a script comes as a page',
      { [app]: changes({ 'content-type': 'text/html' }) },
      /^fail content .*js: Content-Type is “text\/html”; published as “text\/javascript; charset=utf-8”$/,
    ],
    [
      'only the charset is missing',
      { '/about.html': changes({ 'content-type': 'text/html' }) },
      /^warn content .*Content-Type is “text\/html”; published as “text\/html; charset=utf-8”/,
    ],
    [
      'a cache has kept another copy',
      { '/about.html': gives('<p>old', { age: '1234', 'x-cache': 'Hit from cloudfront' }) },
      /^fail content \/about.html: .*: the CDN serves another copy from its cache \(Age 1234 s, x-cache: Hit from cloudfront\)$/,
    ],
    [
      'the CDN has caching rules of its own',
      { '/about.html': changes({ 'cache-control': 'max-age=14400' }) },
      /^warn cache \/about.html: Cache-Control is “max-age=14400”; published as “public, max-age=300, must-revalidate”/,
    ],
    [
      'a page is kept for a year',
      { '/about.html': changes({ 'cache-control': 'public, max-age=31536000, immutable' }) },
      /^fail cache \/about.html: .*browsers that load this page never request/,
    ],
    [
      'a header of the settings is missing',
      { '/about.html': changes({ 'x-frame-options': undefined }) },
      /^fail security \/about.html: X-Frame-Options and frame-ancestors in Content-Security-Policy are missing/,
    ],
    [
      'scripts may stand in the page',
      { '/about.html': changes({ 'content-security-policy': "script-src 'unsafe-inline'" }) },
      /^warn security \/about.html: .*allows inline scripts/,
    ],
    [
      'folders have no index page',
      { '/blog/': status(404) },
      /^warn content \/blog\/: answers 404: the CDN does not serve index/,
    ],
    [
      'a folder shows the root',
      { '/blog/': gives(home) },
      /^warn content \/blog\/: serves the root page instead/,
    ],
    [
      'a page shows the root',
      { '/about.html': gives(home) },
      /^fail content \/about.html: serves the root page instead/,
    ],
    [
      'a page breaks off',
      {
        '/about.html': (_, response) => {
          response.writeHead(200, { 'content-length': 500 }).write('<p>');
          setTimeout(() => response.destroy(), 20);
        },
      },
      /^fail .*: closed the connection during the response$/,
    ],
    [
      'a server speaks something else',
      { '/about.html': (request) => void request.socket.end('220 mail.example.com ESMTP\r\n') },
      /^fail .*: sends an invalid HTTP response \(HPE_\w+\); try https$/,
    ],
    [
      'a circle of redirects',
      { '/about.html': status(302, { location: '/b' }), '/b': status(301, { location: '/about.html' }) },
      /^fail content \/about.html: redirects in a loop through http:/,
    ],
    [
      'a redirect to nowhere',
      { '/about.html': status(302, { location: 'javascript:alert(1)' }) },
      /^fail .*: redirects to javascript:alert\(1\), which is not an HTTP URL$/,
    ],
    [
      'bytes that are not encoded as they say',
      { '/about.html': changes({ 'content-encoding': 'br' }) },
      /^fail .*: has Content-Encoding br, but its bytes are not encoded/,
    ],
  ])('%s', async (_, faults, expected) => {
    const server = await started(serve(site, faults));
    const findings = told(await verify(server.url));
    expect(findings).toEqual([expect.stringMatching(expected)]);
  });
});

describe('fine all the same', () => {
  test.each<[string, Record<string, Answerer>]>([
    [
      'gzip that nobody asked for',
      { '/about.html': gives(gzipSync(String(site['about.html'])), { 'content-encoding': 'gzip' }) },
    ],
    ['brotli, too', { '/': gives(brotliCompressSync(home), { 'content-encoding': 'br' }) }],
    ['a page that is sent on to its folder', { '/blog/index.html': status(308, { location: '/blog/' }) }],
    [
      'Cache-Control in other words',
      { '/about.html': changes({ 'cache-control': 'Must-Revalidate,max-age=300, public' }) },
    ],
    [
      'a policy in the page instead of X-Frame-Options',
      {
        '/about.html': changes({
          'x-frame-options': undefined,
          'content-security-policy': "frame-ancestors 'none'",
        }),
      },
    ],
  ])('%s', async (_, faults) => {
    const server = await started(serve(site, faults));
    expect(told(await verify(server.url))).toEqual([]);
  });
});

describe('unknown paths', () => {
  const fallback = (answer: Answerer) =>
    started(
      listen((request, response) => {
        const { pathname } = new URL(request.url ?? '', 'http://site');
        if (/sluice-/.test(pathname)) answer(request, response, 1);
        else answerWith(site, request, response);
      }),
    );
  test.each<[string, boolean, Answerer, string[]]>([
    ['a single-page app', true, gives(home), []],
    [
      'one without its fallback',
      true,
      status(404),
      [
        'fail spa /?: answers 404; in a single-page app (cdn.spa) an unknown path must answer 200 with the index page',
      ],
    ],
    [
      'one with the page and the wrong status',
      true,
      (_, response) => void response.writeHead(404).end(home),
      [
        'fail spa /?: answers 404 with the index page: browsers show it, search engines ignore it; in a single-page app (cdn.spa) an unknown path must answer 200 with the index page',
      ],
    ],
    [
      'a soft 404',
      false,
      gives('<p>Oops'),
      ['warn spa /?: answers 200 for a path that does not exist (a soft 404), which hides missing files'],
    ],
    ['a forbidden path', false, status(403), []],
  ])('%s', async (_, spa, answer, expected) => {
    const { url } = await fallback(answer);
    const findings = told(await verify(url, { spa })).map((line) =>
      line.replace(/sluice-[-0-9a-f]{36}/, '?'),
    );
    expect(findings).toEqual(expected);
  });

  test('hide missing assets, which is seen', async () => {
    const contents = { 'index.html': page('home', '/assets/gone-1a2b3c4d.js') };
    const server = await started(
      serve(contents, { '/assets/gone-1a2b3c4d.js': gives(contents['index.html']) }),
    );
    expect(told(await verify(server.url, { entries: entriesOf(contents) }))).toEqual([
      'fail content /assets/gone-1a2b3c4d.js: serves an HTML page instead of a file: the CDN treats it as an unknown path',
    ]);
    expect(server.asked).toContain('HEAD /assets/gone-1a2b3c4d.js');
  });
});
