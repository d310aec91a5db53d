import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { jsonSchema } from '../../../../src/config/reference/reference.ts';
import { loadConfig, parseConfig, targetOf } from '../../../../src/config/sluice-yml/load.ts';
import { errorsOf, linesOf } from '../../../support/config/fixtures.ts';

const shortest = 'app: shop\ntargets: { production: { hosts: [deploy@prod] } }\n';

describe('parseConfig', () => {
  test('the shortest config has all defaults', () => {
    const config = parseConfig(shortest, 'sluice.yml', '/repo');
    expect(config).toMatchObject({
      file: '/repo/sluice.yml',
      folder: '/repo',
      app: 'shop',
      compose: ['compose.yml'],
      registry: undefined,
      migrate: undefined,
      backup: undefined,
      watch: {
        forMs: 30_000,
        max5xx: 0.01,
        min5xx: 10,
        maxP95Ms: undefined,
        url: undefined,
        deadlineMs: 60_000,
      },
      notify: { slack: undefined },
      build: { platforms: [], cache: 'auto', sbom: false, provenance: false, smoke: {} },
      edge: { image: 'haproxy:3.0' },
      keep: 3,
      previous: 'stopped',
      drainMs: 30_000,
    });
    expect(config.targets['production']).toEqual({
      name: 'production',
      hosts: [
        {
          name: 'deploy@prod',
          user: 'deploy',
          address: 'prod',
          port: 22,
          services: undefined,
          env: {},
          hostKey: undefined,
          jump: undefined,
          root: '/opt/sluice',
        },
      ],
      env: [],
      requireTag: false,
      url: undefined,
      batch: undefined,
    });
  });

  test('reads every key', () => {
    const config = parseConfig(
      `
app: bookreader
compose: [compose.yml, compose.prod.yml]
registry: ghcr.io/acme/bookreader
checks: { scan: { fail-on: HIGH } }
services:
  backend: { strategy: blue-green, port: 8000, mode: http, health: /api/health, pool: 30, processes: 4, shared-volumes: [uploads] }
  celery-beat: { strategy: singleton }
  constructor: {}
migrate: { service: backend, command: [alembic, upgrade, head], lock-timeout: 2s, timeout: 1h, revision: alembic current }
backup: { postgres: db, keep: 7, restore-test: false, timeout: 1h }
watch: { for: 1m, max-5xx: 0.02, min-5xx: 5, max-p95: 800ms, url: https://shop.example.com/health, deadline: 90s }
targets:
  staging:
    hosts: [deploy@staging]
    env-file: .env.staging
  production:
    hosts:
      - deploy@[fd00::1]:2222
      - host: deploy@prod-2
        services: [backend]
        env: { ZONE: b, WORKERS: 4, DEBUG: false }
        host-key: SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDwCqZrzWmrCHjIXXs
        jump: { host: jump@bastion, host-key: SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDwCqZrzWmrCHjIXXs }
        root: /srv/apps/
    env: [SECRET_KEY]
    env-file: [.env.common, .env.production]
    host-env-file: /etc/shop.env
    env-secret: PROD_ENV
    require-tag: true
    url: https://shop.example.com
    batch: 1
cdn: { dist: frontend/dist }
notify: { slack: SLACK_WEBHOOK_URL }
edge: { image: "127.0.0.1:5000/haproxy:3.0" }
build: { platforms: [linux/arm64], cache: gha, sbom: true, smoke: { backend: "python -V" } }
keep: 5
previous: warm
drain: 10s
`,
      'sluice.yml',
      '/repo',
    );
    expect(config.services).toEqual({
      backend: {
        strategy: 'blue-green',
        port: 8000,
        mode: 'http',
        health: '/api/health',
        pool: 30,
        processes: 4,
        sharedVolumes: ['uploads'],
      },
      'celery-beat': { strategy: 'singleton' },
      constructor: {},
    });
    expect(config).toMatchObject({
      migrate: {
        command: ['alembic', 'upgrade', 'head'],
        lockTimeoutMs: 2000,
        timeoutMs: 3_600_000,
        revision: 'alembic current',
      },
      backup: { engine: 'postgres', service: 'db', keep: 7, restoreTest: false, timeoutMs: 3_600_000 },
      watch: { forMs: 60_000, max5xx: 0.02, min5xx: 5, maxP95Ms: 800, deadlineMs: 90_000 },
      build: {
        platforms: ['linux/arm64'],
        cache: 'gha',
        sbom: true,
        provenance: false,
        smoke: { backend: 'python -V' },
      },
      edge: { image: '127.0.0.1:5000/haproxy:3.0' },
      keep: 5,
      previous: 'warm',
      drainMs: 10_000,
    });
    const production = config.targets['production'];
    expect(production?.env).toEqual([
      { kind: 'file', path: '.env.common' },
      { kind: 'file', path: '.env.production' },
      { kind: 'secret-file', variable: 'PROD_ENV' },
      { kind: 'host-file', path: '/etc/shop.env' },
      { kind: 'variables', names: ['SECRET_KEY'] },
    ]);
    expect(production?.hosts).toMatchObject([
      { name: 'deploy@[fd00::1]:2222', address: 'fd00::1', port: 2222 },
      {
        services: ['backend'],
        env: { ZONE: 'b', WORKERS: '4', DEBUG: 'false' },
        hostKey: 'SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDwCqZrzWmrCHjIXXs',
        jump: { user: 'jump', address: 'bastion', port: 22, hostKey: expect.stringMatching(/^SHA256:/) },
        root: '/srv/apps',
      },
    ]);
    expect(config.places?.['services.backend']).toEqual({ file: 'sluice.yml', line: 7, column: 3 });
    expect(config.places?.['targets.production.hosts[1]']).toMatchObject({ line: 20 });
  });

  test('anchors, merge keys, comments, CRLF and a byte order mark are fine', () => {
    expect(parseConfig(`\uFEFF${shortest.replaceAll('\n', '\r\n')}# end`, 'sluice.yml').app).toBe('shop');
    const merged = parseConfig(
      'app: shop\ntargets:\n  a: &a { hosts: [d@a], require-tag: true }\n  b: { <<: *a, hosts: [d@b] }\n',
      'sluice.yml',
    );
    expect(merged.targets['b']).toMatchObject({ requireTag: true, hosts: [{ name: 'd@b' }] });
  });

  test('a quoted number is a number', () => {
    const text = `${shortest}keep: "5"
services:
  web: { port: "8000", pool: '10', processes: "2", health: { path: /up, port: "8001" } }
backup: { postgres: db, keep: "7" }
edge: { max-connections: "500" }
watch: { min-5xx: "3" }
cdn: { dist: dist, keep: "4", verify: { pages: "9" }, max-removed: { files: "0" } }
`.replace('[deploy@prod]', '[deploy@prod], batch: "2"');
    const { keep, services, backup, edge, watch, targets, cdn } = parseConfig(text, 'sluice.yml');
    expect(services.web).toEqual({
      port: 8000,
      pool: 10,
      processes: 2,
      health: '/up',
      healthRequest: { port: 8001 },
    });
    expect([keep, backup?.keep, edge.maxConnections, watch.min5xx, targets.production?.batch]).toEqual([
      5, 7, 500, 3, 2,
    ]);
    expect([cdn?.keep, cdn?.verify.pages, cdn?.['max-removed'].files]).toEqual([4, 9, 0]);
    const { properties } = jsonSchema() as { properties?: Record<string, unknown> };
    expect(properties?.keep).toMatchObject({ anyOf: [{ type: 'integer' }, { type: 'string' }] });
  });

  test('a target that does not exist is told with those that do', async () => {
    const config = parseConfig(shortest, 'sluice.yml');
    expect(targetOf(config, 'production').name).toBe('production');
    expect(await linesOf(() => targetOf(config, 'prodcution'))).toEqual([
      'sluice.yml:2:12 Unknown target "prodcution"; did you mean production? [config.unknown-target]',
    ]);
    expect(await errorsOf(() => targetOf(config, '__proto__'))).toHaveLength(1);
    expect(await errorsOf(() => targetOf(config, 'constructor'))).toHaveLength(1);
  });
});

describe('the revision of Alembic', () => {
  test.each([
    ['alembic upgrade head', 'alembic current'],
    ['cd backend && alembic upgrade head', 'cd backend && alembic current'],
    [
      'uv run --no-dev alembic -c db/alembic.ini upgrade head',
      'uv run --no-dev alembic -c db/alembic.ini current',
    ],
    ['/opt/venv/bin/alembic upgrade head', '/opt/venv/bin/alembic current'],
    ['bin/rails db:migrate', undefined],
  ])('of %s is asked by %s', (command, revision) => {
    const text = `${shortest}migrate: { service: api, command: ${JSON.stringify(command)} }\n`;
    expect(parseConfig(text, 'sluice.yml', '/repo').migrate?.revision).toBe(revision);
  });
});

describe('loadConfig', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'config-load-'));
    mkdirSync(join(folder, '.git'));
    mkdirSync(join(folder, 'a/b'), { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const put = (path: string, text: string | Buffer = '') => writeFileSync(join(folder, path), text);

  test('finds the file in the folders above, up to the top of the repository', async () => {
    put('sluice.yml', shortest);
    put('compose.yml', 'services: {}');
    const config = await loadConfig(undefined, join(folder, 'a/b'));
    expect(config).toMatchObject({ file: join(folder, 'sluice.yml'), folder, compose: ['compose.yml'] });
  });

  test('takes sluice.yaml, and the compose file that is there', async () => {
    put('sluice.yaml', shortest);
    put('docker-compose.yaml', 'services: {}');
    expect((await loadConfig(undefined, folder)).compose).toEqual(['docker-compose.yaml']);
    put('sluice.yml', shortest);
    expect(await linesOf(() => loadConfig(undefined, folder))).toEqual([
      expect.stringContaining('a sluice.yml and a sluice.yaml'),
    ]);
  });

  test('does not look above the repository, and says how to make one', async () => {
    mkdirSync(join(folder, 'a/.git'));
    put('sluice.yml', shortest);
    const [error] = await errorsOf(() => loadConfig(undefined, join(folder, 'a/b')));
    expect(error).toMatchObject({
      code: 'config.missing',
      hint: 'Run `sluice init` to create one, or name it with --config.',
    });
  });

  test('names compose files that do not exist', async () => {
    put('sluice.yml', `${shortest}compose: [compose.yml, compose.prd.yml, a]`);
    put('compose.yml');
    put('compose.prod.yml');
    expect(await linesOf(() => loadConfig(undefined, folder))).toEqual([
      'sluice.yml:3:10 compose: compose.prd.yml does not exist; did you mean compose.prod.yml? [config.compose-missing]',
      'sluice.yml:3:10 compose: a is not a file [config.compose-missing]',
    ]);
  });

  test('says what is wrong with a file that cannot be read', async () => {
    put('latin1.yml', Buffer.from('app: caf\xe9', 'latin1'));
    put('utf16.yml', Buffer.from('\ufeffapp: shop', 'utf16le'));
    put('binary.yml', Buffer.from('app: a\0b'));
    put('huge.yml', '#'.repeat(600 * 1024));
    symlinkSync(join(folder, 'loop.yml'), join(folder, 'loop.yml'));
    const message = async (path: string) => (await linesOf(() => loadConfig(path, folder))).join();
    expect(await message('none.yml')).toBe('none.yml The file does not exist [config.missing]');
    expect(await message('latin1.yml/x')).toContain('does not exist [config.missing]');
    expect(await message('a')).toBe('a This is a folder, not a file [config.unreadable]');
    expect(await message('latin1.yml')).toBe('latin1.yml The file is not UTF-8 text [config.unreadable]');
    expect(await message('utf16.yml')).toContain('UTF-16');
    expect(await message('binary.yml')).toContain('NUL');
    expect(await message('huge.yml')).toContain('larger than 512 KiB');
    expect(await message('loop.yml')).toContain('cannot be read (ELOOP)');
    expect(await message('/dev/null')).toContain('not a regular file');
  });
});
