import fc from 'fast-check';
import { expect, test } from 'vitest';
import { choose } from '../../../../src/cdn/verify/choose.ts';
import { isSameBefore, rewriterOf } from '../../../../src/cdn/verify/content.ts';
import { findingsOf, odd, troubleOf, wrong } from '../../../../src/cdn/verify/faults.ts';
import { bestOf, timingFaults } from '../../../../src/cdn/verify/root.ts';
import { createPatience } from '../../../../src/cdn/verify/rounds.ts';
import { baseOf, folderOf, pathOf, shortened, shown, urlOf } from '../../../../src/cdn/verify/url.ts';
import { entriesOf, entryOf, settingsOf } from '../../../support/cdn/pages.ts';

test('the root first, then what has changed, then others, and no more than wanted', () => {
  const paths = ['a.html', 'assets/x-1.js', 'b.html', 'c/index.html', 'index.html', 'robots.txt', 'sw.js'];
  const entries = entriesOf(Object.fromEntries(paths.map((path) => [path, path])));
  const chosen = (changed: string[], most: number) => {
    const { pages, files } = choose(entries, changed, 'index.html', most);
    return [pages.map(({ path }) => path).join(' '), files.map(({ path }) => path).join(' ')];
  };
  expect(chosen([], 20)).toEqual(['index.html a.html b.html c/index.html', '']);
  expect(chosen(['c/index.html', 'gone.html', 'sw.js', 'assets/x-1.js'], 3)).toEqual([
    'index.html c/index.html a.html',
    'sw.js',
  ]);
  expect(chosen(['b.html', 'c/index.html', 'robots.txt', 'sw.js'], 1)).toEqual(['index.html', 'robots.txt']);
});

test('a path and its URL are one and the same', () => {
  const base = baseOf('https://example.com/shop?x#y');
  expect(base.href).toBe('https://example.com/shop/');
  const segment = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((text) => !/^\.{1,2}$|\//.test(text) && text.isWellFormed());
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), (segments) => {
      const path = segments.join('/');
      const url = urlOf(base, path);
      expect(url.href).toMatch(/^https:\/\/example\.com\/shop\/[!-~]+$/);
      expect(pathOf(base, new URL(url.href))).toBe(path);
    }),
    { numRuns: 500 },
  );
  expect(pathOf(base, new URL('https://example.com/other/a'))).toBeUndefined();
  expect(pathOf(base, new URL('https://cdn.example.com/shop/a'))).toBeUndefined();
  expect(pathOf(base, new URL('https://example.com/shop/%ff'))).toBeUndefined();
});

test('an index page stands for its folder', () => {
  expect(folderOf('index.html', 'index.html')).toBe('');
  expect(folderOf('a/b/index.html', 'index.html')).toBe('a/b/');
  expect(folderOf('a/my-index.html', 'index.html')).toBeUndefined();
});

test('URLs are shown without passwords', () => {
  expect(shown(new URL('https://ann:secret@example.com/ü'))).toBe('https://example.com/%C3%BC');
});

test('fails come first, and the same of many URLs is one finding', () => {
  const warning = odd('security', 'Referrer-Policy is missing');
  const all = ['/', '/a', '/b'].map((url) => ({
    url: new URL(url, 'http://x'),
    faults: [warning, ...(url === '/b' ? [wrong('answers 404')] : [])],
  }));
  expect(findingsOf([...all, { url: new URL('http://x/'), faults: [warning] }])).toEqual([
    { level: 'fail', kind: 'content', url: 'http://x/b', message: 'answers 404' },
    { level: 'warn', kind: 'security', url: 'http://x/', message: 'Referrer-Policy is missing (and /a, /b)' },
  ]);
});

test('patience: longer pauses to the end, warnings not for long, settings not at all', async () => {
  let now = 1000;
  const slept: number[] = [];
  const clock = {
    now: () => now,
    elapsed: () => now,
    sleep: async (ms: number) => {
      slept.push(ms);
      now += ms;
    },
  };
  const patience = createPatience(20_000, clock, new AbortController().signal);
  const soon = { ...odd('cache', 'x'), clears: 'soon' } as const;
  const rounds: string[] = [];
  while (patience.again([wrong('x')])) {
    rounds.push(`${patience.again([soon])} ${patience.again([odd('content', 'x')])}`);
    await patience.pause();
  }
  expect(slept).toEqual([500, 1000, 2000, 4000, 5000, 5000, 2500]);
  expect(rounds).toEqual([...Array(5).fill('true false'), ...Array(2).fill('false false')]);
});

test('a timing is judged by phase; of several the best counts', () => {
  const { budget: none } = settingsOf();
  const timing = { lookup: 20, connect: 50, tls: 100, firstByte: 400, total: 1500 };
  expect(timingFaults(timing, none)).toEqual([]);
  expect(timingFaults(timing, { lookup: 15, connect: 45, tls: 120, firstByte: 180, total: 1000 })).toEqual([
    'The DNS lookup took 20 ms; the budget is 15 ms',
    'The connection took 50 ms; the budget is 45 ms',
    'The first byte took 400 ms; the budget is 180 ms',
    'The whole root page took 1.5 s; the budget is 1.0 s',
  ]);
  expect(bestOf(timing, { connect: 60, firstByte: 100, total: 900 })).toEqual({
    lookup: 20,
    connect: 50,
    tls: 100,
    firstByte: 100,
    total: 900,
  });
});

test.each<[string, unknown, string]>([
  [
    'http://x',
    Object.assign(new Error('x'), { code: 'ENOTFOUND' }),
    'dns has a host name that does not exist in DNS',
  ],
  [
    'http://x',
    new AggregateError([Object.assign(new Error('x'), { code: 'ECONNREFUSED' })]),
    'connect refuses connections: nothing listens on that port',
  ],
  [
    'http://x',
    new AggregateError([Object.assign(new Error('x'), { code: 'ETIMEDOUT' })]),
    'late does not answer: the connection timed out',
  ],
  [
    'https://x',
    Object.assign(new Error('x'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }),
    'tls has a certificate for another host name',
  ],
  ['https://x', Object.assign(new Error('x'), { code: 'EPROTO' }), 'tls fails the TLS handshake (EPROTO)'],
  [
    'https://x',
    Object.assign(new Error('x'), { code: 'HPE_INVALID_CONSTANT' }),
    'broken sends an invalid HTTP response (HPE_INVALID_CONSTANT)',
  ],
  [
    'http://x',
    Object.assign(new Error('x'), { code: 'HPE_HEADER_OVERFLOW' }),
    'broken sends more than 16 KiB of headers',
  ],
  ['https://x', 'odd', 'broken does not complete its response (odd)'],
])('%s: %s', (url, error, expected) => {
  const { trouble, message } = troubleOf(error, new URL(url));
  expect(`${trouble} ${message}`).toBe(expected);
});

test('what Cloudflare changes in a page is seen, and taken back', () => {
  const page = (contact: string, end = '') => `<html><body><p>${contact}</p>${end}</body></html>`;
  const published = page('<a href="mailto:a@b.co">a@b.co</a>');
  const { sha256 } = entryOf('index.html', published);
  // a@b.co under the key 0x2a, as Cloudflare writes it.
  const hex = Buffer.from([0x2a, ...Buffer.from('a@b.co').map((byte) => byte ^ 0x2a)]).toString('hex');
  const span = `<span class="__cf_email__" data-cfemail="${hex}">[email&#160;protected]</span>`;
  const script =
    '<script data-cfasync="false" src="/cdn-cgi/scripts/5c5dd728/cloudflare-static/email-decode.min.js"></script>';
  const hidden = page(`<a href="/cdn-cgi/l/email-protection#${hex}">${span}</a>`, script);
  expect(rewriterOf(hidden)).toMatch(/email/);
  expect(isSameBefore(hidden, sha256)).toBe(true);
  const beacon =
    '<script defer src="https://static.cloudflareinsights.com/beacon.min.js/vcd15" data-cf-beacon=\'{"token":"x"}\'></script>\n';
  expect(isSameBefore(published.replace('</body>', `${beacon}</body>`), sha256)).toBe(true);
  expect(isSameBefore(hidden.replace('<p>', '<p>old '), sha256)).toBe(false);
  expect(isSameBefore(published, sha256)).toBe(false);
  expect(rewriterOf(published)).toBeUndefined();
});

test('a long URL is shortened in the middle for a progress line', () => {
  const url = new URL(`https://example.com/${'a'.repeat(200)}/app.js`);
  expect(shortened(url)).toHaveLength(60);
  expect(shortened(url)).toMatch(/^https:\/\/example\.com\/a+…a+\/app\.js$/);
  expect(shortened(new URL('https://example.com/app.js'))).toBe('https://example.com/app.js');
});
