import { describe, expect, test } from 'vitest';
import type { AwsKeys } from '../../../src/cdn/aws/sign.ts';
import { UserError } from '../../../src/kernel/errors.ts';
import {
  type CloudFrontOptions,
  cloudFrontBusy,
  cloudFrontKnowsReference,
  cloudFrontThrottled,
} from '../../support/cdn/invalidators/fake-cloudfront.ts';
import { account, changed, cloudFront, many, minute } from '../../support/cdn/invalidators/invalidators.ts';

describe('CloudFront', () => {
  test('is told in one request what has changed, and what that costs is known before', async () => {
    const forgotten: string[] = [];
    const { api, invalidator, tell } = await cloudFront({
      onInvalidate: (paths) => forgotten.push(...paths),
    });
    const names = ['index.html', 'a&b <c>"d".txt', 'ä/1 2.html', 'js/vendors~main.js', "it's.css"];
    const plan = invalidator.plan(changed(names));
    expect(plan.cost).toBe('7 of the 1,000 free paths per month, then $0.035');
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
      /^it answered ServiceUnavailable: “CloudFront encountered .+” \(retried for 4 m/,
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
      why: expect.stringMatching(/^it had too many invalidations in progress \(retried for 5 m 00 s\)\.$/),
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
      why: expect.stringMatching(/^it was still in progress \(retried for 15 m 00 s\)\.$/),
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
      /^it has no distribution E1 in this account\.$/,
    ],
    [
      'a missing permission',
      { denied: ['CreateInvalidation'] },
      {},
      /^it denied access: “User: .+ perform: cloudfront:CreateInvalidation .+”\.$/,
    ],
    [
      'a wrong secret',
      {},
      { secretAccessKey: 'another secret' },
      /^it rejected the keys: SignatureDoesNotMatch\.$/,
    ],
    ['a wrong key', {}, { accessKeyId: 'AKIAOTHER' }, /^it rejected the keys: InvalidClientTokenId\.$/],
    ['a session that is over', {}, { sessionToken: 'old' }, /^it rejected the keys: ExpiredToken\.$/],
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
    const why = 'it was not called: There are no keys.';
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
      why: expect.stringMatching(/cancelled\.$/),
    });
    expect(await hanging.tell(['a.js'])).toMatchObject({ outcome: 'failed', requests: 0 });
  });

  test('is soon given up at an address where nobody is', async () => {
    const { api, tell } = await cloudFront();
    await api[Symbol.asyncDispose]();
    const why = 'it cannot be reached (ECONNREFUSED).';
    expect(await tell(['a.js'])).toMatchObject({ outcome: 'failed', requests: 4, why });
  });

  test('has its time to answer', async () => {
    const { api, tell } = await cloudFront({}, {}, { timeoutMs: 100 });
    api.fail('hang');
    expect(await tell(['a.js'])).toMatchObject({ outcome: 'accepted', requests: 2 });
  });
});
