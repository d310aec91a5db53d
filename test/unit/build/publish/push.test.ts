import { describe, expect, test } from 'vitest';
import { treeTagOf } from '../../../../src/build/prepare.ts';
import { bytesOf } from '../../../../src/build/publish/layers.ts';
import { judge } from '../../../../src/build/publish/push.ts';
import { isRoot } from '../../../../src/build/publish/smoke.ts';
import { environmentLogins } from '../../../../src/build/registry/logins.ts';
import { buildSecrets } from '../../../../src/build/targets/secrets.ts';
import { builtRegistries, passwordRegistry } from '../../../../src/config/images/app-registry.ts';
import { formatDecimalBytes } from '../../../../src/kernel/figures.ts';
import { target } from '../../../support/build/fixtures.ts';
import { linesOf } from '../../../support/config/fixtures.ts';

describe('what docker says of a push', () => {
  test.each([
    ['denied: permission_denied: write_package', 'registry.denied', false],
    ['unauthorized: authentication required', 'registry.denied', false],
    ['no basic auth credentials', 'registry.denied', false],
    ['unexpected status from HEAD request to http://r/v2/x: 403 Forbidden', 'registry.denied', false],
    ['toomanyrequests: retry later', 'registry.throttled', true],
    ['received unexpected HTTP status: 429 Too Many Requests', 'registry.throttled', true],
    ['received unexpected HTTP status: 500 Internal Server Error', 'registry.unavailable', true],
    ['Put "http://r/v2/x": EOF', 'registry.unavailable', true],
    ['write tcp 127.0.0.1: connection reset by peer', 'registry.unavailable', true],
    ['net/http: TLS handshake timeout', 'registry.unavailable', true],
    ['failed to copy: no space left on device', 'build.push', false],
    ['tag does not exist', 'build.push', false],
  ])('%s', (said, code, again) => {
    const judged = judge('r.example.com/shop/web:tree-1', said, true);
    expect([judged.error.code, judged.again]).toEqual([code, again]);
    expect(judged.error.output).toBe(said);
  });
});

test('bytes of pushed layers, by either of their digests, each once', () => {
  const layer = (digest: string, diffId: string, size: number) => ({
    digest: `sha256:${digest}`,
    diffId: `sha256:${diffId}`,
    size,
  });
  const a = layer('aaaaaaaaaaaa1', 'bbbbbbbbbbbb1', 100);
  const c = layer('cccccccccccc1', 'dddddddddddd1', 20);
  const images = [
    { user: '', layers: [a, c] },
    { user: '', layers: [a] },
  ];
  expect(bytesOf(images, ['aaaaaaaaaaaa'])).toBe(100);
  expect(bytesOf(images, ['dddddddddddd'])).toBe(20);
  expect(bytesOf(images, [])).toBe(0);
  expect([
    formatDecimalBytes(999),
    formatDecimalBytes(20_480),
    formatDecimalBytes(8_000_000),
    formatDecimalBytes(2_460_000_000),
  ]).toEqual(['999 B', '20.5 kB', '8.0 MB', '2.46 GB']);
});

test.each([
  ['', true],
  [undefined, true],
  ['root', true],
  ['0', true],
  ['0:0', true],
  ['root:app', true],
  ['10001', false],
  ['app', false],
  ['rooter', false],
  ['1000:0', false],
])('USER %s is root: %s', (user, root) => {
  expect(isRoot(user)).toBe(root);
});

describe('logins of the environment', () => {
  test('for the registry of the app’s images, and GITHUB_TOKEN for ghcr.io', () => {
    const env = {
      SLUICE_REGISTRY_USER: 'ada',
      SLUICE_REGISTRY_PASSWORD: 'sesame',
      GITHUB_TOKEN: 'ghs_x',
      GITHUB_ACTOR: 'bob',
    };
    expect([...environmentLogins(env, 'r.example.com')]).toEqual([
      ['ghcr.io', { kind: 'password', user: 'bob', password: 'ghs_x' }],
      ['r.example.com', { kind: 'password', user: 'ada', password: 'sesame' }],
    ]);
    expect(environmentLogins(env, 'ghcr.io').get('ghcr.io')).toMatchObject({ user: 'ada' });
    expect(environmentLogins({ GITHUB_TOKEN: '' }, undefined).size).toBe(0);
  });

  const sesame = { SLUICE_REGISTRY_USER: 'ada', SLUICE_REGISTRY_PASSWORD: 'sesame' };
  test.each([
    [['r.example.com', 'r.example.com'], '', undefined, 'r.example.com'],
    [['ghcr.io', 'docker.io'], 'gh', undefined, 'docker.io'],
    [['ghcr.io'], 'gh', undefined, 'ghcr.io'],
    [['docker.io', 'quay.io'], 'gh', 'quay.io/acme', 'quay.io'],
    [['evil.example.com'], 'gh', 'ghcr.io/acme', 'ghcr.io'],
    [[], '', 'r.example.com:5000/shop', 'r.example.com:5000'],
    [['docker.io'], '', 'localhost/shop', undefined],
  ])('of %j with token %j and registry %s one sees the password: %s', (hosts, token, registry, own) => {
    const env = { ...sesame, GITHUB_TOKEN: token };
    expect(passwordRegistry({ app: 'shop', registry }, hosts, env)).toBe(own);
    expect(passwordRegistry({ app: 'shop', registry }, hosts, { ...env, SLUICE_REGISTRY_USER: '' })).toBe(
      undefined,
    );
  });

  test('the registries of an app are those of the images that it builds', () => {
    const services = {
      web: { build: '.', image: `r.example.com:5000/shop/web@sha256:${'1'.repeat(64)}` },
      odd: { build: '.', image: 'acme/api' },
      cron: { build: '.' },
      db: { image: 'evil.example.com/postgres' },
    };
    expect(builtRegistries({ services })).toEqual(['r.example.com:5000', 'docker.io']);
  });

  test.each([
    [['docker.io', 'quay.io'], 'images are in docker.io and quay.io'],
    [['ghcr.io', 'docker.io', 'quay.io'], 'images are in docker.io and quay.io'],
    [[], 'Sluice builds no image here'],
  ])('of %j without registry none is guessed', async (hosts, says) => {
    const env = { ...sesame, GITHUB_TOKEN: 'gh' };
    const lines = await linesOf(() => passwordRegistry({ app: 'shop', registry: undefined }, hosts, env));
    expect(lines).toEqual([
      expect.stringMatching(new RegExp(`registry is missing: ${says}.*\\[config.missing-key\\]`)),
    ]);
  });
});

test('build secrets are found before the build, and missing ones are told all at once', async () => {
  const web = target({
    name: 'web',
    secrets: [
      { id: 'npm', env: 'NPM_TOKEN' },
      { id: 'key', file: '/nowhere/key' },
    ],
  });
  const npm = target({ secrets: [{ id: 'npm', env: 'NPM_TOKEN' }] });
  const given = buildSecrets([{ target: npm }], [npm], { NPM_TOKEN: 'x' });
  expect(given.variables).toEqual({ BUILD_SECRET_0: 'x' });
  expect(given.planned[0]?.target.secrets).toEqual([{ id: 'npm', env: 'BUILD_SECRET_0' }]);
  expect(await linesOf(() => buildSecrets([{ target: web }], [web], {}))).toEqual([
    'web needs the build secret npm, but NPM_TOKEN is not set [build.secret]',
    'web needs the build secret key, but the file /nowhere/key does not exist [build.secret]',
  ]);
});

test('the tag of a tree depends on the attestations, too', () => {
  const tags = [
    treeTagOf('a', { sbom: false, provenance: false }),
    treeTagOf('a', { sbom: true, provenance: false }),
    treeTagOf('a', { sbom: false, provenance: true }),
    treeTagOf('b', { sbom: false, provenance: false }),
    treeTagOf('a', { sbom: false, provenance: false }, { network: 'host' }),
  ];
  expect(new Set(tags).size).toBe(5);
  for (const tag of tags) expect(tag).toMatch(/^tree-[0-9a-f]{32}$/);
});
