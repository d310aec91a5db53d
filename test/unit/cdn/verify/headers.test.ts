import { expect, test } from 'vitest';
import {
  headerFaults,
  kindFaults,
  policyWeakness,
  securityFaults,
  wantedFaults,
} from '../../../../src/cdn/verify/headers.ts';
import { entryOf, strictHeaders } from '../../../support/cdn/pages.ts';

test.each<[string, Record<string, string | undefined>, string[]]>([
  ['all are there', {}, []],
  ['HSTS is missing', { 'strict-transport-security': undefined }, ['Strict-Transport-Security is missing']],
  [
    'HSTS holds for a day',
    { 'strict-transport-security': 'max-age=86400; includeSubDomains; preload' },
    ['Strict-Transport-Security has max-age 86400, less than a year (31536000)'],
  ],
  [
    'HSTS says nothing',
    { 'strict-transport-security': 'yes' },
    [
      'Strict-Transport-Security lacks max-age',
      'Strict-Transport-Security lacks includeSubDomains',
      'Strict-Transport-Security lacks preload',
    ],
  ],
  [
    'HSTS in quotes, twice',
    { 'strict-transport-security': 'Max-Age="63072000" ; PRELOAD;includesubdomains, max-age=0' },
    [],
  ],
  ['no policy', { 'content-security-policy': ' ' }, ['Content-Security-Policy is missing']],
  [
    'sniffing',
    { 'x-content-type-options': 'sniff' },
    ['X-Content-Type-Options is “sniff” instead of nosniff'],
  ],
  ['nosniff twice', { 'x-content-type-options': 'NoSniff, nosniff' }, []],
  [
    'frames from one site',
    { 'x-frame-options': 'ALLOW-FROM https://example.com' },
    ['X-Frame-Options is “ALLOW-FROM https://example.com”, which browsers ignore'],
  ],
  [
    'frames by the policy',
    { 'x-frame-options': undefined, 'content-security-policy': "default-src 'self'; frame-ancestors 'none'" },
    [],
  ],
  ['frames of the same origin', { 'x-frame-options': 'sameorigin' }, []],
  ['a referrer policy for old browsers, too', { 'referrer-policy': 'unsafe-url, same-origin, made-up' }, []],
  [
    'a referrer policy that gives all away',
    { 'referrer-policy': 'unsafe-url' },
    ['Referrer-Policy is unsafe-url: it sends full URLs to other sites'],
  ],
  [
    'a misspelt referrer policy',
    { 'referrer-policy': 'same-orign' },
    ['Referrer-Policy is “same-orign”, which is not a valid policy'],
  ],
])('security headers: %s', (_, change, expected) => {
  const all = Object.entries({ ...strictHeaders, ...change }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  expect(securityFaults(Object.fromEntries(all), '', true)).toEqual(expected);
});

test('over http nobody asks for HSTS, and a policy may stand in the page', () => {
  const page =
    '<head><meta charset=utf-8><META HTTP-EQUIV="Content-Security-Policy" content="default-src \'self\'">';
  const { 'strict-transport-security': _, 'content-security-policy': __, ...headers } = strictHeaders;
  expect(securityFaults(headers, page, false)).toEqual([]);
  expect(securityFaults(headers, '', false)).toEqual(['Content-Security-Policy is missing']);
});

test.each<[string, boolean]>([
  ["script-src 'self' 'unsafe-inline'", true],
  ["default-src 'unsafe-inline'", true],
  ["default-src 'unsafe-inline'; script-src 'self'", false],
  ["style-src 'unsafe-inline'; default-src 'self'", false],
  ["script-src 'unsafe-inline' 'nonce-abc'", false],
  ["script-src 'unsafe-inline' 'strict-dynamic'", false],
  ["script-src 'unsafe-inline' 'sha256-abc='", false],
])('%s: inline scripts are allowed: %s', (policy, weak) => {
  expect(policyWeakness({ 'content-security-policy': policy }) !== undefined).toBe(weak);
});

test('headers of the settings must have exactly their value', () => {
  const wanted = { 'X-Robots-Tag': 'noindex', 'Permissions-Policy': 'camera=()', 'X-A': 'b' };
  expect(wantedFaults({ 'x-robots-tag': 'all', 'x-a': 'b' }, wanted)).toEqual([
    'X-Robots-Tag is “all”; expected “noindex”',
    'Permissions-Policy is missing; expected “camera=()”',
  ]);
});

const wantedCache = 'public, max-age=300, must-revalidate';
test.each<[string, string | undefined, boolean, string[]]>([
  ['as published', wantedCache, false, []],
  ['in another order', 'max-age = 300,MUST-REVALIDATE , public', false, []],
  ['other seconds', 'public, max-age=301, must-revalidate', false, ['warn cache never']],
  ['other seconds, just published', 'public, max-age=301, must-revalidate', true, ['warn cache soon']],
  ['missing', undefined, false, ['warn cache never']],
  ['for ever', 'max-age=31536000, immutable', true, ['fail cache release']],
])('Cache-Control of a page: %s', (_, value, changed, expected) => {
  const entry = entryOf('index.html', '');
  const headers = { ...entry.headers, ...(value === undefined ? {} : { 'cache-control': value }) };
  if (value === undefined) delete (headers as Record<string, string>)['cache-control'];
  expect(
    headerFaults(headers, entry, changed).map(({ level, kind, clears }) => `${level} ${kind} ${clears}`),
  ).toEqual(expected);
});

test('a page that was published as immutable is not reported, nor headers that nobody asked for', () => {
  const entry = entryOf('index.html', '', { 'cache-control': 'immutable', 'content-language': 'de' });
  expect(headerFaults({ ...entry.headers, vary: 'Accept-Encoding' }, entry, false)).toEqual([]);
  expect(headerFaults({ ...entry.headers, 'content-language': 'en' }, entry, false)).toMatchObject([
    { level: 'warn', kind: 'content', message: 'Content-Language is “en”; published as “de”' },
  ]);
  const bare = { ...entry, headers: {} };
  expect(headerFaults({ 'content-type': 'x/y', 'cache-control': 'no-store' }, bare, false)).toEqual([]);
});

test.each<[string, string, RegExp | undefined]>([
  ['/a.js', 'text/javascript', undefined],
  ['/a.mjs', 'application/javascript; charset=utf-8', undefined],
  ['/a.js', 'text/plain', /browsers do not accept it as \.js$/],
  ['/a.css', 'text/css', undefined],
  ['/a.css', 'application/octet-stream', /as \.css$/],
  ['/a.png', 'text/html', /serves an HTML page instead of a file/],
  ['/a.png', 'image/webp', undefined],
  ['/frame.html', 'text/html', undefined],
  ['/frame', 'text/html', undefined],
])('%s as %s', (path, type, expected) => {
  const messages = kindFaults({ 'content-type': type }, path).map(({ message }) => message);
  expect(messages).toEqual(expected === undefined ? [] : [expect.stringMatching(expected)]);
});
