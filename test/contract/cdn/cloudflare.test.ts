import { describe, expect, test } from 'vitest';
import type { ChangedSite } from '../../../src/cdn/invalidator.ts';
import { openInvalidators } from '../../../src/cdn/invalidators/all.ts';
import {
  type CloudflareOptions,
  cloudflareBusy,
  cloudflareFailedQuietly,
  zoneIdOf,
} from '../../support/cdn/invalidators/fake-cloudflare.ts';
import { changed, cloudflare, effectsFor, many, token } from '../../support/cdn/invalidators/invalidators.ts';

describe('Cloudflare', () => {
  test('is told URLs, thirty a request, after its zone was found by name', async () => {
    const forgotten: string[] = [];
    const { api, invalidator, tell } = await cloudflare({ onPurge: ({ files }) => forgotten.push(...files) });
    const names = [...many(59, (index) => `f${index}.js`), 'ä/index.html', 'a~[b] c.js'];
    const plan = invalidator.plan(changed(names));
    expect(plan.cost).toBe('nothing; 3 purges (the Free plan allows 25 at once, then 5 per minute)');
    const result = await tell(names);
    expect(result).toMatchObject({
      cdn: 'Cloudflare example.com',
      outcome: 'completed',
      requests: plan.requests,
    });
    expect(api.requests).toHaveLength(4);
    expect(forgotten).toEqual(plan.paths);
    expect(forgotten).toHaveLength(63);
    expect(forgotten).toContain('https://www.example.com/a~[b]%20c.js');
    expect(forgotten).toContain('https://www.example.com/%C3%A4/');
  });

  test('needs no lookup for a zone that is named by its ID', async () => {
    const { api, invalidator, tell } = await cloudflare({}, { zone: zoneIdOf('example.com') });
    expect(invalidator.plan(changed(['a.js'])).requests).toBe(1);
    expect(await tell(['a.js'])).toMatchObject({ outcome: 'completed', requests: 1 });
    expect(api.purges).toEqual([
      { files: ['https://www.example.com/a.js'], prefixes: [], everything: false },
    ]);
  });

  test.each<[string, readonly string[], Partial<ChangedSite>, readonly string[], readonly string[]]>([
    ['folders', [...many(200, (i) => `blog/${i}.js`), 'a.js'], {}, ['/a.js'], ['www.example.com/blog']],
    ['a folder with its page', many(60, (i) => `blog/${i}/index.html`), {}, [], ['www.example.com/blog']],
    ['the whole site', ['index.html'], { fallback: 'index.html' }, [], ['www.example.com']],
    [
      'the whole of a site that is a folder',
      ['index.html'],
      { fallback: 'index.html', url: 'https://www.example.com/app/' },
      [],
      ['www.example.com/app'],
    ],
    [
      'a folder that is too deep to be told',
      many(200, (i) => `${'d/'.repeat(40)}${i}.js`),
      {},
      [],
      [`www.example.com${'/d'.repeat(31)}`],
    ],
  ])('is told prefixes without a scheme: %s', async (_, paths, site, files, prefixes) => {
    const { api, tell } = await cloudflare();
    expect(await tell(paths, site)).toMatchObject({ outcome: 'completed' });
    expect(api.purges.flatMap((purge) => purge.prefixes)).toEqual(prefixes);
    expect(api.purges.flatMap((purge) => purge.files)).toEqual(
      files.map((path) => `https://www.example.com${path}`),
    );
  });

  test('is asked when it lets requests through again', async () => {
    const { clock, tell } = await cloudflare({ bucket: { size: 1, aMinute: 5 } });
    // One at once, two after 12 s each; each of them was refused once.
    expect(await tell(many(90, (index) => `${index}.js`))).toMatchObject({
      outcome: 'completed',
      requests: 6,
    });
    expect(clock.elapsed()).toBe(24_000);
  });

  test('is given up at once when that takes too long, and what was done before is said', async () => {
    const { clock, tell } = await cloudflare({ bucket: { size: 1, aMinute: 0.1 } });
    const result = await tell(many(31, (index) => `${index}.js`));
    expect(result).toMatchObject({ outcome: 'failed', requests: 3 });
    expect(result.why).toMatch(
      /^it limited the rate of requests, and asked to retry after 10 m 00 s; 1 of 2 requests succeeded\.$/,
    );
    expect(clock.elapsed()).toBe(0);
  });

  test('is asked again after what passes', async () => {
    const { api, tell } = await cloudflare();
    api.fail(cloudflareBusy, 'drop');
    expect(await tell(['a.js'])).toMatchObject({ outcome: 'completed', requests: 4 });
  });

  test('may fail with status 200', async () => {
    const { api, tell } = await cloudflare({}, { zone: zoneIdOf('example.com') });
    api.fail(cloudflareFailedQuietly);
    const why = 'it answered 200: “Unable to purge. Please try again.” (1134).';
    expect(await tell(['a.js'])).toMatchObject({ outcome: 'failed', requests: 1, why });
  });

  test.each<[string, Partial<CloudflareOptions>, string, RegExp]>([
    [
      'a wrong token',
      { token: 'another' },
      'example.com',
      /“Invalid access token” \(9109\)\. CLOUDFLARE_API_TOKEN needs “Zone: Cache Purge” for example\.com\.$/,
    ],
    [
      'a token that may not purge',
      { mayPurge: false },
      'example.com',
      /“Authentication error” \(10000\)\. CLOUDFLARE_API_TOKEN needs/,
    ],
    [
      'a zone that the token does not see',
      { zones: [] },
      'example.com',
      /^it has no zone example\.com that this token can read; .+to the zone ID\.$/,
    ],
    ['an ID that there is not', {}, 'f'.repeat(32), /“Authentication error” \(10000\)/],
  ])('says what is wrong at once: %s', async (_, options, zone, why) => {
    const { api, tell } = await cloudflare(options, { zone });
    expect(await tell(['a.js'])).toMatchObject({ outcome: 'failed', why: expect.stringMatching(why) });
    expect(api.purges).toEqual([]);
  });

  test('never shows the token, whatever quotes it', async () => {
    const { api, effects, tell } = await cloudflare({}, { zone: zoneIdOf('example.com') });
    api.fail({
      status: 400,
      body: JSON.stringify({ success: false, errors: [{ code: 1, message: `no ${token}\nhere` }] }),
    });
    expect(await tell(['a.js'])).toMatchObject({ why: 'it answered 400: “no *** here” (1).' });
    expect(effects.mask.scrub(`is ${token}`)).toBe('is ***');
  });

  test.each([
    ['no token', undefined, 'https://www.example.com/', 'cdn.cloudflare', /^CLOUDFLARE_API_TOKEN is not set/],
    [
      'something that is no token',
      'two words',
      'https://www.example.com/',
      'cdn.cloudflare',
      /^CLOUDFLARE_API_TOKEN is not a valid API token/,
    ],
    ['no URL', token, undefined, 'config.missing-key', /^cdn: url is missing/],
  ])('can’t be told with %s, which is said before anything is published', (_, given, url, code, message) => {
    const effects = effectsFor({ CLOUDFLARE_API_TOKEN: given });
    const open = () =>
      openInvalidators({ cloudfront: [], cloudflare: ['example.com'], wait: false, url }, effects);
    expect(open).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
    if (given !== undefined && url !== undefined) expect(effects.mask.scrub(given)).toBe('***');
  });

  test.each([
    ['AWS_ENDPOINT_URL_CLOUDFRONT', 'cdn.cloudfront', 'not a url'],
    ['AWS_ENDPOINT_URL', 'cdn.cloudfront', 'localhost:4566'],
    ['CLOUDFLARE_API_BASE_URL', 'cdn.cloudflare', 'api.cloudflare.com'],
    ['CLOUDFLARE_API_BASE_URL', 'cdn.cloudflare', 'ftp://api.cloudflare.com'],
  ])('%s that is no web address is %s before anything is published: %s', (name, code, value) => {
    const [cloudfront, zones] = code === 'cdn.cloudfront' ? [['E1'], []] : [[], ['example.com']];
    const effects = effectsFor({ CLOUDFLARE_API_TOKEN: token, [name]: value });
    const url = 'https://www.example.com/';
    expect(() => openInvalidators({ cloudfront, cloudflare: zones, wait: false, url }, effects)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(name) }),
    );
  });
});
