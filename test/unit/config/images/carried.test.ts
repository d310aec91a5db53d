import { describe, expect, test } from 'vitest';
import { buildTargets } from '../../../../src/build/targets/targets.ts';
import { tryParseImage } from '../../../../src/config/images/reference.ts';
import {
  carriedDigest,
  carriedReference,
  carriedRegistry,
  isCarried,
} from '../../../../src/config/images/transferred.ts';
import { isFixed } from '../../../../src/deploy/project/images.ts';
import { config, model } from '../../../support/config/fixtures.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('references of carried images', () => {
  test('name the content, and nothing else does', () => {
    const reference = carriedReference('localhost/shop/api', digest);
    expect(reference).toBe(`localhost/shop/api:sha256-${'0123456789abcdef'.repeat(4)}`);
    expect(carriedDigest(reference)).toBe(digest);
    expect(isFixed(reference)).toBe(true);
    for (const other of [
      'localhost/shop/api:main',
      `localhost/shop/api:sha256-${'0'.repeat(63)}`,
      `ghcr.io/shop/api:sha256-${'0'.repeat(64)}`,
      `localhost/shop/api@${digest}`,
      `localhost/a:b/api:sha256-${'0'.repeat(64)}`,
    ]) {
      expect(carriedDigest(other)).toBeUndefined();
    }
  });

  test.each(['shop', 'my-app', 'my__app', 'a-_-b', 'shop-', '0_'])(
    '%s makes a name that images may have',
    (app) => {
      const reference = carriedReference(`${carriedRegistry(app)}/api`, digest);
      expect(tryParseImage(reference)?.registry).toBe('localhost');
      expect(carriedDigest(reference)).toBe(digest);
    },
  );
});

test('with registry: none every image has its place below the app, whatever the compose file calls it', () => {
  const sight = { ...config, registry: carriedRegistry(config.app) };
  expect(isCarried(sight)).toBe(true);
  expect(isCarried({ ...config, registry: 'ghcr.io/acme/shop' })).toBe(false);
  const { targets } = buildTargets(
    model({
      api: { build: './api' },
      web: { image: 'ghcr.io/acme/web:v1', build: './web' },
      worker: { image: 'ghcr.io/acme/web:v1' },
      own: { image: `${config.app}/own`, build: './own' },
      db: { image: 'postgres:17' },
    }),
    sight,
  );
  expect(targets.map(({ repository, services }) => [repository, services])).toEqual([
    [`${sight.registry}/api`, ['api']],
    [`${sight.registry}/acme/web`, ['web', 'worker']],
    [`${sight.registry}/own`, ['own']],
  ]);
});
