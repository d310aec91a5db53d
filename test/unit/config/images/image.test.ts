import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatImage,
  imageName,
  parseImage,
  tryParseImage,
} from '../../../../src/config/images/reference.ts';
import { withImages } from '../../../../src/config/images/service-images.ts';
import { errorsOf, model, shownText } from '../../../support/config/fixtures.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('image references', () => {
  test.each([
    ['postgres', 'docker.io', 'library/postgres', undefined, undefined],
    ['postgres:17', 'docker.io', 'library/postgres', '17', undefined],
    ['acme/app', 'docker.io', 'acme/app', undefined, undefined],
    ['docker.io/postgres', 'docker.io', 'library/postgres', undefined, undefined],
    ['index.docker.io/acme/app', 'docker.io', 'acme/app', undefined, undefined],
    ['ghcr.io/acme/book/backend:v1.2.3', 'ghcr.io', 'acme/book/backend', 'v1.2.3', undefined],
    ['127.0.0.1:5000/app', '127.0.0.1:5000', 'app', undefined, undefined],
    ['localhost/app:x', 'localhost', 'app', 'x', undefined],
    [`localhost:5000/a/b@${digest}`, 'localhost:5000', 'a/b', undefined, digest],
    [`r.example.com:443/a:1@${digest}`, 'r.example.com:443', 'a', '1', digest],
    ['[fd00::1]:5000/app', '[fd00::1]:5000', 'app', undefined, undefined],
    ['a__b/c-d/e.f:T_1.x', 'docker.io', 'a__b/c-d/e.f', 'T_1.x', undefined],
  ])('%s', (text, registry, repository, tag, hash) => {
    const reference = parseImage(text, 'image');
    expect(reference).toEqual({ registry, repository, tag, digest: hash });
    expect(imageName(reference)).toBe(`${registry}/${repository}`);
    expect(tryParseImage(formatImage(reference))).toEqual(reference);
  });

  test.each([
    ['', 'empty'],
    ['Postgres', 'lowercase'],
    ['ghcr.io/Acme/app', 'lowercase'],
    ['https://ghcr.io/acme/app', 'https://'],
    ['app:', 'ends before its tag or digest'],
    ['app@', 'ends before its tag or digest'],
    ['app:a b', 'contains a space'],
    ['app@sha256:abc', 'digest'],
    ['app:-x', 'not a valid image'],
    [`app:${'x'.repeat(129)}`, 'not a valid image'],
    ['/app', 'not a valid image'],
    ['a//b', 'not a valid image'],
    ['a/', 'not a valid image'],
    ['-a', 'not a valid image'],
    ['a:b:c', 'not a valid image'],
    ['app$(id)', 'not a valid image'],
    ['x'.repeat(300), 'not a valid image'],
    ['é', 'not a valid image'],
  ])('refuses %j', async (text, why) => {
    const [error] = await errorsOf(() => parseImage(text, 'services.web.image'));
    expect(error).toMatchObject({
      code: 'compose.image',
      message: expect.stringContaining(`services.web.image: `),
    });
    expect(error?.message).toContain(why);
  });

  test('credentials in a reference are not repeated', async () => {
    expect(await shownText(() => parseImage('https://me:hunter2@ghcr.io/acme/app', 'image'))).not.toContain(
      'hunter2',
    );
  });

  test('any text is parsed or refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => void tryParseImage(text)),
      { numRuns: 3000 },
    );
  }, 60_000);
});

describe('images of a model', () => {
  const services = {
    web: { image: 'acme/web:1', build: '.' },
    db: { image: 'postgres:17' },
    own: { build: './own' },
  };

  test('replaces images and nothing else: what is built stays known as the app’s own', () => {
    const before = model(services);
    const after = withImages(before, { web: `acme/web@${digest}`, own: `acme/own@${digest}` });
    expect(after.services).toEqual({
      web: { image: `acme/web@${digest}`, build: '.' },
      db: { image: 'postgres:17' },
      own: { image: `acme/own@${digest}`, build: './own' },
    });
    expect(before.services['web']).toEqual({ image: 'acme/web:1', build: '.' });
  });

  test('names a service that does not exist', async () => {
    const [error] = await errorsOf(() => withImages(model(services), { wbe: 'x' }));
    expect(error).toMatchObject({
      code: 'config.unknown-service',
      message: expect.stringContaining('did you mean web?'),
    });
    expect(await errorsOf(() => withImages(model(services), { web: 'X Y' }))).toMatchObject([
      { code: 'compose.image' },
    ]);
    expect(await errorsOf(() => withImages(model(services), { constructor: 'x' }))).toMatchObject([
      { code: 'config.unknown-service' },
    ]);
  });
});
