import { createHash } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type AwsKeys, createSigner } from '../../src/cdn/aws/sign.ts';
import type { ChangedSite } from '../../src/cdn/invalidator.ts';
import { type InvalidatorEffects, invalidateAll, openInvalidators } from '../../src/cdn/invalidators/all.ts';
import { UserError } from '../../src/kernel/errors.ts';
import { createMask } from '../../src/kernel/mask.ts';
import { virtualClock } from '../cdn/fake-api.ts';
import {
  type CloudflareOptions,
  cloudflareBusy,
  cloudflareFailedQuietly,
  startCloudflare,
  zoneIdOf,
} from '../cdn/fake-cloudflare.ts';
import {
  type CloudFrontOptions,
  cloudFrontBusy,
  cloudFrontKnowsReference,
  cloudFrontThrottled,
  startCloudFront,
} from '../cdn/fake-cloudfront.ts';

const account = {
  accessKeyId: 'AKIAEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG',
  sessionToken: 'token/of+session',
};
const token = 'cf-token_0123456789';
const minute = 60_000;

function changed(paths: readonly string[], more: Partial<ChangedSite> = {}): ChangedSite {
  return {
    url: 'https://www.example.com/',
    paths,
    total: 1_000_000,
    index: 'index.html',
    fallback: undefined,
    ...more,
  };
}

function many(count: number, name: (index: number) => string): readonly string[] {
  return Array.from({ length: count }, (_, index) => name(index));
}

function effectsFor(
  env: InvalidatorEffects['env'],
  more: Partial<InvalidatorEffects> = {},
): InvalidatorEffects {
  const keys = async () => account;
  const signal = new AbortController().signal;
  return { clock: virtualClock(), mask: createMask(), signal, env, keys, random: () => 0, ...more };
}

/** A distribution with its invalidator, on one clock. */
async function cloudFront(
  options: Partial<CloudFrontOptions> = {},
  { wait = false, keys }: { wait?: boolean; keys?: () => Promise<AwsKeys> } = {},
  more: Partial<InvalidatorEffects> = {},
) {
  const clock = virtualClock();
  const api = await startCloudFront({ distributions: ['E1'], account, clock, ...options });
  onTestFinished(() => api[Symbol.asyncDispose]());
  const effects = effectsFor(
    { AWS_ENDPOINT_URL_CLOUDFRONT: api.url },
    { clock, ...more, ...(keys === undefined ? {} : { keys }) },
  );
  const [invalidator] = openInvalidators(
    { cloudfront: ['E1'], cloudflare: [], wait, url: undefined },
    effects,
  );
  if (invalidator === undefined) throw new Error('there is none');
  const tell = (paths: readonly string[], reference = 'site-1') =>
    invalidator.apply(invalidator.plan(changed(paths)), reference);
  return { api, clock, invalidator, tell };
}

/** A zone with its invalidator, on one clock. */
async function cloudflare(
  options: Partial<CloudflareOptions> = {},
  { zone = 'example.com', env = {} }: { zone?: string; env?: InvalidatorEffects['env'] } = {},
) {
  const clock = virtualClock();
  const api = await startCloudflare({ zones: ['example.com'], token, clock, ...options });
  onTestFinished(() => api[Symbol.asyncDispose]());
  const effects = effectsFor(
    { CLOUDFLARE_API_BASE_URL: api.url, CLOUDFLARE_API_TOKEN: `${token}\n`, ...env },
    { clock },
  );
  const url = 'https://www.example.com/';
  const [invalidator] = openInvalidators({ cloudfront: [], cloudflare: [zone], wait: false, url }, effects);
  if (invalidator === undefined) throw new Error('there is none');
  const tell = (paths: readonly string[], more?: Partial<ChangedSite>) =>
    invalidator.apply(invalidator.plan(changed(paths, more)), 'site-1');
  return { api, clock, invalidator, effects, tell };
}

describe('CloudFront', () => {
  test('is told in one request what has changed, and what that costs is known before', async () => {
    const forgotten: string[] = [];
    const { api, invalidator, tell } = await cloudFront({
      onInvalidate: (paths) => forgotten.push(...paths),
    });
    const names = ['index.html', 'a&b <c>"d".txt', 'ä/1 2.html', 'js/vendors~main.js', "it's.css"];
    const plan = invalidator.plan(changed(names));
    expect(plan.cost).toBe('7 of the 1,000 free paths of a month, $0.035 once those are used up');
    const result = await tell(names);
    expect(result).toMatchObject({ cdn: 'CloudFront E1', outcome: 'accepted', requests: plan.requests });
    expect(result.paths).toEqual(plan.paths);
    expect(forgotten).toEqual(plan.paths);
    expect(api.requests).toHaveLength(1);
  });

  test('is not asked when nothing has changed', async () => {
    const { api, tell } = await cloudFront();
    expect(await tell([])).toMatchObject({ outcome: 'none', requests: 0, paths: [] });
    expect(api.requests).toEqual([]);
  });

  test('makes one invalidation of the same publication, however often it is told', async () => {
    const { api, tell } = await cloudFront({ takesMs: minute });
    api.fail('lose');
    expect(await tell(['a.js'])).toMatchObject({ outcome: 'accepted', requests: 2 });
    expect(await tell(['a.js'])).toMatchObject({ outcome: 'accepted', requests: 1 });
    expect(api.invalidations).toHaveLength(1);
    await tell(['a.js', 'b.js']);
    await tell(['a.js'], 'site-2');
    expect(api.invalidations.map(({ paths }) => paths.length)).toEqual([1, 2, 1]);
    api.fail(cloudFrontKnowsReference);
    expect(await tell(['a.js'])).toMatchObject({ outcome: 'accepted', requests: 1 });
  });

  test('is asked again after what passes', async () => {
    const { api, tell } = await cloudFront();
    api.fail(
      cloudFrontBusy,
      cloudFrontThrottled,
      'drop',
      { status: 502, body: '<html>bad gateway' },
      cloudFrontBusy,
    );
    expect(await tell(['a.js'])).toMatchObject({ outcome: 'accepted', requests: 6 });
    expect(api.invalidations).toHaveLength(1);
  });

  test('is given up when it does not pass, in a bounded time', async () => {
    const { api, clock, tell } = await cloudFront();
    api.fail(...Array.from({ length: 100 }, () => cloudFrontBusy));
    const result = await tell(['a.js']);
    expect(result.outcome).toBe('failed');
    expect(result.why).toMatch(
      /^CloudFront answered ServiceUnavailable: “CloudFront encountered .+”, after 4 m/,
    );
    expect(clock.elapsed()).toBeLessThanOrEqual(5 * minute);
    expect(api.requests).toHaveLength(result.requests);
  });

  test('is asked again when others’ invalidations are done, for as long as that may take', async () => {
    const { api, tell } = await cloudFront();
    const crowd = many(15, (index) => `/${index}/*`);
    api.occupy('E1', crowd, minute);
    expect(await tell(['js/a~b.js'])).toMatchObject({ outcome: 'accepted', requests: 7 });
    api.occupy(
      'E1',
      many(3_000, (index) => `/${index}`),
      60 * minute,
    );
    expect(await tell(['b.js'])).toMatchObject({
      outcome: 'failed',
      why: expect.stringMatching(/^CloudFront had too many invalidations in progress, after 5 m 00 s/),
    });
    // Files and wildcards are counted apart.
    expect(await tell(['js/c~d.js'])).toMatchObject({ outcome: 'accepted' });
  });

  test('is waited for, if that is wanted', async () => {
    const { tell, clock } = await cloudFront({ takesMs: 42_000 }, { wait: true });
    expect(await tell(['a.js'])).toMatchObject({ outcome: 'completed', requests: 11 });
    expect(clock.elapsed()).toBe(45_000);
  });

  test('is not waited for without an end', async () => {
    const { tell } = await cloudFront({ takesMs: 60 * minute }, { wait: true });
    const result = await tell(['a.js']);
    expect(result).toMatchObject({
      outcome: 'accepted',
      why: expect.stringMatching(/^CloudFront was still at it, after 15 m/),
    });
  });

  test('is signed for with its time, if ours is wrong', async () => {
    const { tell } = await cloudFront({ skewMs: -60 * minute });
    expect(await tell(['a.js'])).toMatchObject({ outcome: 'accepted', requests: 2 });
  });

  test.each<[string, Partial<CloudFrontOptions>, Partial<AwsKeys>, RegExp]>([
    [
      'a distribution that there is not',
      { distributions: ['E2'] },
      {},
      /^CloudFront has no distribution E1 in the account/,
    ],
    [
      'a missing permission',
      { denied: ['CreateInvalidation'] },
      {},
      /^CloudFront doesn’t allow it: “User: .+ perform: cloudfront:CreateInvalidation .+”\. docs\/cdn\.md/,
    ],
    [
      'a wrong secret',
      {},
      { secretAccessKey: 'another secret' },
      /^CloudFront doesn’t accept the keys: SignatureDoesNotMatch$/,
    ],
    [
      'a wrong key',
      {},
      { accessKeyId: 'AKIAOTHER' },
      /^CloudFront doesn’t accept the keys: InvalidClientTokenId$/,
    ],
    [
      'a session that is over',
      {},
      { sessionToken: 'old' },
      /^CloudFront doesn’t accept the keys: ExpiredToken$/,
    ],
  ])('says what is wrong at once: %s', async (_, options, keys, why) => {
    const { api, tell } = await cloudFront(options, { keys: async () => ({ ...account, ...keys }) });
    expect(await tell(['a.js'])).toMatchObject({
      outcome: 'failed',
      requests: 1,
      why: expect.stringMatching(why),
    });
    expect(api.invalidations).toEqual([]);
  });

  test('is accepted although the keys may not ask how far it is', async () => {
    const { tell } = await cloudFront({ denied: ['GetInvalidation'] }, { wait: true });
    const why = expect.stringMatching(/cloudfront:GetInvalidation/);
    expect(await tell(['a.js'])).toMatchObject({ outcome: 'accepted', why });
  });

  test('is not asked without keys', async () => {
    const none = new UserError({ code: 'cdn.credentials', message: 'There are no keys' });
    const { tell } = await cloudFront({}, { keys: () => Promise.reject(none) });
    const why = 'CloudFront was not asked: There are no keys';
    expect(await tell(['a.js'])).toMatchObject({ outcome: 'failed', requests: 0, why });
  });

  test('does not hold up a run that was cancelled', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const hanging = await cloudFront({}, {}, { signal });
    hanging.api.fail('hang');
    const result = hanging.tell(['a.js']);
    while (hanging.api.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    controller.abort();
    expect(await result).toMatchObject({
      outcome: 'failed',
      requests: 1,
      why: expect.stringMatching(/cancelled$/),
    });
    expect(await hanging.tell(['a.js'])).toMatchObject({ outcome: 'failed', requests: 0 });
  });

  test('has its time to answer', async () => {
    const { api, tell } = await cloudFront({}, {}, { timeoutMs: 100 });
    api.fail('hang');
    expect(await tell(['a.js'])).toMatchObject({ outcome: 'accepted', requests: 2 });
  });
});

describe('Cloudflare', () => {
  test('is told URLs, thirty a request, after its zone was found by name', async () => {
    const forgotten: string[] = [];
    const { api, invalidator, tell } = await cloudflare({ onPurge: ({ files }) => forgotten.push(...files) });
    const names = [...many(59, (index) => `f${index}.js`), 'ä/index.html', 'a~[b] c.js'];
    const plan = invalidator.plan(changed(names));
    expect(plan.cost).toBe(
      'nothing; 3 of the 25 purges that the Free plan has at once (5 a minute come back)',
    );
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
      /^Cloudflare let no more requests through, after 0 ms, and would have to be asked again in 10 m 00 s; 1 of 2 requests went through before$/,
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
    const why = 'Cloudflare answered 200: “Unable to purge. Please try again.” (1134)';
    expect(await tell(['a.js'])).toMatchObject({ outcome: 'failed', requests: 1, why });
  });

  test.each<[string, Partial<CloudflareOptions>, string, RegExp]>([
    [
      'a wrong token',
      { token: 'another' },
      'example.com',
      /“Invalid access token” \(9109\)\. CLOUDFLARE_API_TOKEN needs “Zone: Cache Purge” for example\.com$/,
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
      /^Cloudflare has no zone example\.com that this token may see; .+by its ID$/,
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
    expect(await tell(['a.js'])).toMatchObject({ why: 'Cloudflare answered 400: “no *** here” (1)' });
    expect(effects.mask.scrub(`is ${token}`)).toBe('is ***');
  });

  test.each([
    ['no token', undefined, 'https://www.example.com/', 'cdn.cloudflare', /^CLOUDFLARE_API_TOKEN is not set/],
    [
      'something that is no token',
      'two words',
      'https://www.example.com/',
      'cdn.cloudflare',
      /^CLOUDFLARE_API_TOKEN is no API token/,
    ],
    ['no URL', token, undefined, 'config.missing-key', /^cdn: url is missing/],
  ])('can’t be told with %s, which is said before anything is published', (_, given, url, code, message) => {
    const effects = effectsFor({ CLOUDFLARE_API_TOKEN: given });
    const open = () =>
      openInvalidators({ cloudfront: [], cloudflare: ['example.com'], wait: false, url }, effects);
    expect(open).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
    if (given !== undefined && url !== undefined) expect(effects.mask.scrub(given)).toBe('***');
  });
});

test('several CDNs are told side by side, and one that fails keeps no other from it', async () => {
  const clock = virtualClock();
  await using front = await startCloudFront({ distributions: ['E1', 'E3'], account, clock });
  await using flare = await startCloudflare({ zones: ['example.com'], token, clock });
  const effects = effectsFor(
    { AWS_ENDPOINT_URL: front.url, CLOUDFLARE_API_BASE_URL: flare.url, CLOUDFLARE_API_TOKEN: token },
    { clock },
  );
  const url = 'https://www.example.com/';
  const settings = { cloudfront: ['E1', 'E2', 'E3'], cloudflare: ['example.com'], wait: false, url };
  const invalidators = openInvalidators(settings, effects);
  const plans = invalidators.map((each) => each.plan(changed(['a.html'])));
  const results = await invalidateAll(invalidators, plans, 'site-1');
  expect(results.map(({ cdn, outcome }) => `${cdn} ${outcome}`)).toEqual([
    'CloudFront E1 accepted',
    'CloudFront E2 failed',
    'CloudFront E3 accepted',
    'Cloudflare example.com completed',
  ]);
});

describe('the stand-in for CloudFront refuses what CloudFront refuses', () => {
  async function post(body: string, keys = account) {
    await using api = await startCloudFront({ distributions: ['E1'], account });
    const path = '/2020-05-31/distribution/E1/invalidation';
    const clock = { ...virtualClock(), now: () => Date.now() };
    const sign = createSigner({ keys: async () => keys, region: 'us-east-1', service: 'cloudfront', clock });
    const sha256 = createHash('sha256').update(body).digest('hex');
    const request = {
      method: 'POST',
      host: new URL(api.url).host,
      path,
      query: {},
      headers: { 'content-type': 'text/xml' },
      sha256,
    };
    const { host: _, ...headers } = await sign(request);
    const response = await fetch(`${api.url}${path}`, { method: 'POST', headers, body });
    return `${response.status} ${/<Code>(.+?)</.exec(await response.text())?.[1] ?? 'no error'}`;
  }
  const batch = (
    paths: readonly string[],
    quantity = paths.length,
    more = '<CallerReference>r</CallerReference>',
  ) =>
    `<InvalidationBatch xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Paths><Quantity>${quantity}</Quantity><Items>${paths
      .map((path) => `<Path>${path}</Path>`)
      .join('')}</Items></Paths>${more}</InvalidationBatch>`;

  test.each<[string, string, string]>([
    ['nothing that is right', batch(['/a', '/b%20c/*']), '201 no error'],
    ['no slash in front', batch(['a']), '400 InvalidArgument'],
    ['a wildcard within', batch(['/a*b']), '400 InvalidArgument'],
    ['unsafe characters', batch(['/a~b']), '400 InvalidArgument'],
    ['half an escape', batch(['/a%2']), '400 InvalidArgument'],
    ['more than ASCII', batch(['/ä']), '400 InvalidArgument'],
    ['a path that is too long', batch([`/${'a'.repeat(4_000)}`]), '400 InvalidArgument'],
    ['no path', batch([]), '400 InvalidArgument'],
    ['another count', batch(['/a'], 2), '400 InconsistentQuantities'],
    ['too many at once', batch(many(3_001, (index) => `/${index}`)), '413 BatchTooLarge'],
    ['too many wildcards', batch(many(16, (index) => `/${index}*`)), '400 TooManyInvalidationsInProgress'],
    ['no reference', batch(['/a'], 1, ''), '400 MalformedXML'],
    ['no body', '', '400 MissingBody'],
  ])('%s', async (_, body, answer) => {
    expect(await post(body)).toBe(answer);
  });

  test('a signature with another secret', async () => {
    expect(await post(batch(['/a']), { ...account, secretAccessKey: 'x' })).toBe('403 SignatureDoesNotMatch');
  });
});

describe('the stand-in for Cloudflare refuses what Cloudflare refuses', () => {
  test.each<[string, unknown, number, number | undefined]>([
    ['nothing that is right', { purge_everything: true }, 200, undefined],
    ['31 URLs', { files: many(31, (index) => `https://example.com/${index}`) }, 400, 1094],
    ['a path', { files: ['/a'] }, 400, 1016],
    ['another zone’s URL', { files: ['https://example.org/'] }, 400, 1016],
    ['a prefix with a scheme', { prefixes: ['https://example.com/a'] }, 400, 1016],
    ['a prefix with a query', { prefixes: ['example.com/a?b'] }, 400, 1016],
    ['two kinds at once', { files: ['https://example.com/'], prefixes: ['example.com'] }, 400, 1012],
    ['one that is no list', { files: 'https://example.com/' }, 400, 1014],
  ])('%s', async (_, order, status, code) => {
    await using api = await startCloudflare({ zones: ['example.com'], token });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const address = `${api.url}/zones/${zoneIdOf('example.com')}/purge_cache`;
    const response = await fetch(address, { method: 'POST', headers, body: JSON.stringify(order) });
    const { success, errors } = (await response.json()) as { success: boolean; errors: { code: number }[] };
    expect([response.status, success, errors[0]?.code]).toEqual([status, code === undefined, code]);
  });
});
