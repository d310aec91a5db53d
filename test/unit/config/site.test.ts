import { describe, expect, test } from 'vitest';
import { siteOf } from '../../../src/config/site.ts';
import { parseConfig } from '../../../src/config/sluice-yml/load.ts';

/** The bucket that a target publishes to, or why it does not. */
function bucketOf(cdn: string, target: string | undefined): string {
  const targets = ['production', 'staging', 'qa'].map(
    (name) => `  ${name}: { hosts: [deploy@${name}.example.com] }`,
  );
  const yaml = `app: shop\ntargets:\n${targets.join('\n')}\ncdn: ${cdn}\n`;
  const config = parseConfig(yaml, 'sluice.yml', '/repo');
  try {
    return siteOf(config, target).store.bucket;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('where a target publishes to', () => {
  const shared = '{ dist: dist, store: s3://shop }';
  const one = '{ dist: dist, store: s3://shop, targets: { staging: { store: s3://shop-staging } } }';
  const none =
    '{ dist: dist, targets: { staging: { store: s3://shop-staging }, preview: { store: s3://previews } } }';

  const twins =
    '{ dist: dist, store: s3://shop, targets: { staging: { url: https://s.example.com }, production: {} } }';
  const regions =
    '{ dist: dist, store: s3://shop, targets: { eu: { endpoint: https://eu.io }, us: { endpoint: https://us.io } } }';

  test.each([
    [shared, undefined, 'shop'],
    [shared, 'production', 'shop'],
    [shared, 'staging', 'config.missing-key'],
    [one, 'production', 'shop'],
    [one, 'staging', 'shop-staging'],
    // Neither production nor a site of its own: it must not end up in the one that is shared.
    [one, 'qa', 'config.missing-key'],
    [one, undefined, 'usage.argument'],
    [none, 'preview', 'previews'],
    [none, 'production', 'config.missing-key'],
    [none, 'qa', 'config.missing-key'],
    [twins, 'staging', 'config.value'],
    [regions, 'eu', 'shop'],
    [shared, 'stagign', 'config.unknown-target'],
  ])('%s, %s: %s', (cdn, target, expected) => {
    expect(bucketOf(cdn, target)).toBe(expected);
  });

  test('a repository with nothing but a front end has production alone, as its workflow calls it', () => {
    const config = parseConfig('app: shop\ncdn: { dist: dist, store: s3://shop }\n', 'sluice.yml', '/repo');
    expect(siteOf(config, 'production').store).toEqual(siteOf(config, undefined).store);
    expect(() => siteOf(config, 'staging')).toThrow('Unknown target "staging"');
  });
});
