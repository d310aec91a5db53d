import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ObjectStore } from '../../../src/cdn/store.ts';
import { type EdgeCache, type EdgeOptions, startEdgeCache } from '../../support/cdn/edge-cache.ts';
import { entriesOf, settingsOf } from '../../support/cdn/pages.ts';
import { openBucket, putAll } from '../../support/cdn/stores/bucket.ts';
import type { S3Server } from '../../support/cdn/stores/server.ts';
import { startVersity } from '../../support/cdn/stores/versitygw.ts';
import { page, site, told, verify } from '../../support/cdn/visitor.ts';
import { makeCertificate } from '../../support/cdn/web-server.ts';

/** A real store behind a cache that does what CloudFront does. */
let server: S3Server;
let store: ObjectStore;
let buckets = 0;
let bucket = '';
let edge: EdgeCache;

beforeAll(async () => {
  server = await startVersity();
});
afterAll(() => server.stop());
afterEach(() => edge.close());

async function start(options: Omit<EdgeOptions, 'origin'> = {}, prefix = ''): Promise<void> {
  bucket = `edge-${++buckets}`;
  store = await openBucket(server, bucket, prefix);
  await putAll(store, site);
  edge = await startEdgeCache({ origin: { ...server, bucket, prefix }, ...options });
}

/** Enough to be compressed. */
const long = 'User-agent: *\n'.repeat(100);
const strict = settingsOf({ security: 'fail' });

test('over https, all headers right: nothing to say', async () => {
  const certificate = makeCertificate();
  setDefaultCACertificates([...getCACertificates('default'), certificate.cert]);
  await start({ certificate, folders: true, compress: true }, 'shop/');
  await putAll(store, { 'robots.txt': long });
  const entries = entriesOf({ ...site, 'robots.txt': long });
  const report = await verify(edge.url, { entries, settings: strict, changed: ['robots.txt'] });
  expect(told(report)).toEqual([]);
  expect(report.timing).toMatchObject({ tls: expect.any(Number), firstByte: expect.any(Number) });
});

test('what was overwritten is old until the edge is told, and the finding says so', async () => {
  let now = Date.now();
  await start({ now: () => now, untilPurged: true });
  const release1 = entriesOf(site);
  const settings = settingsOf({ pages: 1 });
  expect(told(await verify(edge.url, { settings, changed: ['robots.txt'] }))).toEqual([]);
  const release2 = {
    ...site,
    'index.html': page('release 2', '/assets/app-1a2b3c4d.js'),
    'robots.txt': 'Disallow: /',
  };
  await putAll(store, release2);
  now += 4_000_000;
  const second = {
    entries: entriesOf(release2),
    changed: ['index.html', 'robots.txt'],
    settings,
    before: { number: 1, entries: release1 },
  };
  const stale =
    'still has the content of release 1: the CDN serves it from its cache (Age 4000 s, x-cache: Hit from sluice-edge)';
  expect(told(await verify(edge.url, second))).toEqual([
    `fail content /: ${stale} (and /index.html, /robots.txt)`,
  ]);
  edge.purge(['/', '/robots.txt']);
  // CloudFront keeps the root by both of its names.
  expect(told(await verify(edge.url, second))).toEqual([`fail content /index.html: ${stale}`]);
  edge.purge(['/*']);
  expect(told(await verify(edge.url, second))).toEqual([]);
});

test('it expires by Cache-Control, and is asked for again with its ETag', async () => {
  let now = Date.now();
  await start({ now: () => now });
  const get = async (path: string) => {
    const answer = await fetch(new URL(path, edge.url));
    return [answer.status, answer.headers.get('x-cache')?.split(' ')[0], (await answer.text()).length > 0];
  };
  expect(await get('about.html')).toEqual([200, 'Miss', true]);
  now += 299_000;
  expect(await get('about.html')).toEqual([200, 'Hit', true]);
  now += 2_000;
  expect(await get('about.html')).toEqual([200, 'RefreshHit', true]);
  expect(await get('about.html')).toEqual([200, 'Hit', true]);
  now += 31_000_000_000;
  expect(await get('assets/app-1a2b3c4d.js')).toEqual([200, 'Miss', true]);
  expect(edge.fetched()).toBe(3);
});

test('an app of one page: the fallback serves it, and hides what is missing', async () => {
  await start({ fallback: '/index.html' });
  expect(told(await verify(edge.url, { spa: true, settings: settingsOf() }))).toEqual([
    'warn content /blog/: serves the root page instead: the CDN does not serve index pages of folders, so links must name them',
  ]);
  await store.remove(['assets/app-5e6f7a8b.css', 'about.html']);
  edge.purge(['/*']);
  expect(told(await verify(edge.url, { spa: true, settings: settingsOf() }))).toEqual([
    'fail content /about.html: serves the root page instead: the CDN treats it as an unknown path (and /assets/app-5e6f7a8b.css)',
    expect.stringMatching(/^warn content \/blog\/: serves the root page instead/),
  ]);
});

test('without the policy for headers every page lacks them, which is told once', async () => {
  await start({ headers: {}, folders: true });
  const findings = told(await verify(edge.url, { settings: settingsOf({ security: 'warn' }) }));
  expect(findings).toHaveLength(4);
  expect(findings).toContain(
    'warn security /: Content-Security-Policy is missing (and /index.html, /blog/index.html, /about.html)',
  );
});

test('a plus in a path: its page is found, a reference that does not escape it is not', async () => {
  await start({ headers: {} });
  const contents = {
    'index.html': page('home', 'assets/a+b.js', 'assets/c%2Bd.js'),
    'assets/a+b.js': 'a',
    'assets/c+d.js': 'c',
    '1+1.html': '2',
  };
  await putAll(store, contents);
  const settings = settingsOf({ security: 'off' });
  expect(told(await verify(edge.url, { entries: entriesOf(contents), settings }))).toEqual([
    'fail content /assets/a+b.js: answers 404: S3 reads the + in this URL as a space; write it as %2B',
  ]);
});
