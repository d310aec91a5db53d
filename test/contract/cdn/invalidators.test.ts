import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createSigner } from '../../../src/cdn/aws/sign.ts';
import { openInvalidators } from '../../../src/cdn/invalidators/all.ts';
import { virtualClock } from '../../support/cdn/invalidators/fake-api.ts';
import { startCloudflare, zoneIdOf } from '../../support/cdn/invalidators/fake-cloudflare.ts';
import { startCloudFront } from '../../support/cdn/invalidators/fake-cloudfront.ts';
import { account, changed, effectsFor, many, token } from '../../support/cdn/invalidators/invalidators.ts';

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
  const results = await Promise.all(
    invalidators.map((invalidator) => invalidator.apply(invalidator.plan(changed(['a.html'])), 'site-1')),
  );
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
