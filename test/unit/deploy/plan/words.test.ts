import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { layoutOf } from '../../../../src/deploy/model.ts';
import { hasDigest, registryLogins, repositoryOf } from '../../../../src/deploy/project/images.ts';
import { quoteWord } from '../../../../src/kernel/quote.ts';
import { digest } from '../../../support/deploy/fixtures.ts';

describe('image references', () => {
  test.each([
    ['nginx', 'nginx'],
    ['nginx:1.27', 'nginx'],
    ['ghcr.io/acme/app:v1', 'ghcr.io/acme/app'],
    ['localhost:5000/app', 'localhost:5000/app'],
    ['localhost:5000/app:v1', 'localhost:5000/app'],
    [`localhost:5000/a/b@${digest}`, 'localhost:5000/a/b'],
    [`app:v1@${digest}`, 'app'],
  ])('%s is of the repository %s', (reference, repository) => {
    expect(repositoryOf(reference)).toBe(repository);
  });

  test('only a whole digest is one', () => {
    expect(hasDigest(`app@${digest}`)).toBe(true);
    expect(hasDigest(`app:v1@${digest}`)).toBe(true);
    for (const reference of [
      'app',
      `app@${digest.slice(0, -1)}`,
      `app@${digest}0`,
      `app:${digest.slice(7)}`,
      `app@${digest.toUpperCase()}`,
    ]) {
      expect(hasDigest(reference)).toBe(false);
    }
  });

  describe('the login at a registry', () => {
    const own = { SLUICE_REGISTRY_USER: 'me', SLUICE_REGISTRY_PASSWORD: 'it’s "secret"' };
    const pair = { username: 'me', password: 'it’s "secret"' };

    test('is a pair or none', () => {
      expect(registryLogins(own, 'r.example.com')('r.example.com/app')).toEqual(pair);
      for (const half of [{ SLUICE_REGISTRY_USER: 'me' }, { ...own, SLUICE_REGISTRY_USER: '' }]) {
        expect(registryLogins(half, 'r.example.com')('r.example.com/app')).toBeUndefined();
      }
    });

    test('goes to the registry of the app’s images, and to no other', () => {
      const logins = registryLogins(own, 'r.example.com:5000');
      expect(logins(`r.example.com:5000/shop/web@${digest}`)).toEqual(pair);
      expect(logins('r.example.com:5000/other')).toEqual(pair);
      for (const other of ['postgres:17', 'docker.io/library/redis', 'r.example.com/shop', 'ghcr.io/a/b']) {
        expect(logins(other)).toBeUndefined();
        expect(registryLogins(own, undefined)(other)).toBeUndefined();
      }
    });

    test('is the job’s token at ghcr.io, unless there is another one', () => {
      const token = { GITHUB_TOKEN: 'tok', GITHUB_ACTOR: 'ada' };
      const logins = registryLogins(token, undefined);
      expect(logins('ghcr.io/acme/web:v1')).toEqual({ username: 'ada', password: 'tok' });
      for (const other of ['postgres:17', 'ghcr.io.example.com/acme/web', 'example.com/ghcr.io/web']) {
        expect(logins(other)).toBeUndefined();
      }
      expect(registryLogins({ ...token, ...own }, 'ghcr.io')('ghcr.io/acme/web')).toEqual(pair);
    });
  });
});

describe('a quoted word', () => {
  test('is one word for a real shell, whatever it contains', () => {
    const text = fc.string({
      unit: fc.constantFrom(...'ab \'"$`\\\n\t*?[]{}()<>|&;!#~=%^-é🚰'),
      maxLength: 30,
    });
    const words = fc.sample(text, 400);
    const script = words.map((word) => `printf '%s\\0' ${quoteWord(word)}`).join('\n');
    const out = execFileSync('sh', ['-s'], { input: script }).toString();
    expect(out.split('\0').slice(0, -1)).toEqual(words);
  });
});

test('where things lie does not depend on how the root is written', () => {
  const layout = layoutOf('/opt/sluice//', 'shop');
  expect(layout).toMatchObject({ app: '/opt/sluice/shop', lease: '/opt/sluice/shop/lease.json' });
  expect(layout.release('v1')).toBe('/opt/sluice/shop/releases/v1');
  expect(layout.edgeSocket('web')).toBe('/opt/sluice/shop/edge/web/run/admin.sock');
});
