import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtImages } from '../../src/config/built-images.ts';
import { withImages } from '../../src/config/images.ts';
import type { ComposeModel, ComposeService } from '../../src/config/model.ts';
import { planServices } from '../../src/config/strategies.ts';
import { config, volume } from './config-fixtures.ts';

/** Whole apps as they are found in the world, and what becomes of each of their services. */

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-apps-'));
});
afterEach(async () => await rm(folder, { recursive: true }));

type Files = Readonly<Record<string, string>>;

async function plansOf(
  services: Readonly<Record<string, ComposeService>>,
  files: Files = {},
  more: { registry?: string; images?: Readonly<Record<string, string>> } = {},
) {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const absolute = Object.entries(services).map(([name, service]) => [
    name,
    typeof service.build === 'object'
      ? { ...service, build: { ...service.build, context: join(folder, service.build.context ?? '') } }
      : service,
  ]);
  const model: ComposeModel = { name: 'shop', services: Object.fromEntries(absolute) };
  const images = await builtImages(model);
  const deployed = withImages(model, more.images ?? {});
  const plans = planServices(deployed, { ...config, registry: more.registry }, { images });
  return Object.fromEntries(plans.map((plan) => [plan.name, plan]));
}

async function strategiesOf(...args: Parameters<typeof plansOf>): Promise<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(await plansOf(...args)).map(([name, plan]) => [name, plan.strategy]),
  );
}

const port = (target: number, published = `${target}`) => ({ target, published });
const words = (line: string) => line.split(' ');

describe('no service loses its name', () => {
  test('helpers of someone else stay as they are; the app is switched', async () => {
    const services = {
      site: {
        build: { context: 'site' },
        ports: [port(3000, '8080')],
        environment: { PDF: 'http://pdf:3001' },
      },
      pdf: { image: 'gotenberg/gotenberg:8' },
      smtp: { image: 'vendor/relay:4' },
      pool: { image: 'edoburu/pgbouncer:1.23', expose: ['6432'] },
    };
    const plans = await plansOf(services, {
      'site/Dockerfile': 'FROM node:24-slim\nCMD ["node", "server.js"]\n',
    });
    expect(plans['site']).toMatchObject({ strategy: 'blue-green' });
    for (const helper of ['pdf', 'smtp', 'pool'])
      expect(plans[helper]).toMatchObject({
        strategy: 'recreate',
        reason: expect.stringContaining('in place'),
      });
  });

  test('an own service that others call has an edge at the port they call', async () => {
    const plans = await plansOf(
      {
        web: {
          build: { context: 'web' },
          ports: [port(8000)],
          environment: { THUMBS_URL: 'http://thumbs:7777/' },
        },
        thumbs: { build: { context: 'thumbs' }, command: ['./serve'] },
      },
      { 'web/Dockerfile': 'FROM python:3.13\nEXPOSE 8000\n', 'thumbs/Dockerfile': 'FROM golang:1.25\n' },
    );
    expect(plans['thumbs']).toMatchObject({ strategy: 'blue-green', ports: [{ port: 7777 }] });
  });

  test('one that is called at a port nobody tells keeps its name as a worker, and the plan says so', async () => {
    const plans = await plansOf(
      {
        web: { build: { context: '.' }, ports: [port(8000)], environment: { QUEUE_HOST: 'mailer' } },
        mailer: { build: { context: 'mailer' }, command: ['./mailer'] },
      },
      { Dockerfile: 'FROM python:3.13\n', 'mailer/Dockerfile': 'FROM golang:1.25\n' },
    );
    expect(plans['mailer']).toMatchObject({
      strategy: 'workers',
      reason: expect.stringContaining('web calls it'),
    });
  });

  test('EXPOSE counts for the service that runs the image as it is meant', async () => {
    const files = {
      Dockerfile: 'FROM python:3.13-slim\nWORKDIR /srv\nCOPY . .\nEXPOSE 5050\nCMD ["./run.sh"]\n',
    };
    const shared = { build: { context: '.' }, restart: 'always' };
    const plans = await plansOf(
      {
        door: { image: 'nginx:1.27', ports: [port(80)] },
        server: { ...shared, command: ['./run.sh'] },
        worker: { ...shared, command: ['./work.sh'] },
        mailer: { ...shared, command: ['./mail.sh'] },
      },
      files,
    );
    expect(plans['server']).toMatchObject({ strategy: 'blue-green', ports: [{ port: 5050 }] });
    expect(plans['worker']).toMatchObject({ strategy: 'workers' });
    expect(plans['mailer']).toMatchObject({ strategy: 'workers' });
    expect(plans['door']).toMatchObject({ strategy: 'recreate' });
  });

  test('a command of its own does not take EXPOSE away from the one service of an image', async () => {
    const files = { Dockerfile: 'FROM php:8.4-apache\nEXPOSE 8080\nCMD ["serve"]\n' };
    const plans = await plansOf({ api: { build: { context: '.' }, command: ['serve', '--verbose'] } }, files);
    expect(plans['api']).toMatchObject({ strategy: 'blue-green', ports: [{ port: 8080 }] });
  });
});

describe('what is the app’s own is deployed', () => {
  test('an app of one image and one volume is replaced, and its worker with it', async () => {
    const services = {
      cms: { image: 'vendor/cms:4.2', ports: [port(8080, '80')], volumes: [volume('uploads', '/uploads')] },
      jobs: {
        image: 'vendor/cms:4.2',
        command: words('celery -A cms worker'),
        volumes: [volume('uploads', '/uploads')],
      },
      db: { image: 'postgres:17', volumes: [volume('pg', '/var/lib/postgresql/data')] },
    };
    const plans = await plansOf(services);
    expect(plans['cms']).toMatchObject({
      strategy: 'recreate',
      reason: expect.stringContaining('the volume uploads'),
    });
    expect(plans['jobs']).toMatchObject({ strategy: 'recreate' });
    expect(plans['db']).toMatchObject({ strategy: 'keep' });
  });

  test('an app of foreign images is what it publishes, with what comes from the same place', async () => {
    const services = {
      server: { image: 'ghcr.io/vendor/photos:2', ports: [port(2283)] },
      learning: { image: 'ghcr.io/vendor/photos-ml:2', expose: ['3003'] },
      pdf: { image: 'gotenberg/gotenberg:8', expose: ['3000'] },
      mails: { image: 'axllent/mailpit:v1', ports: [port(8025)] },
      database: { image: 'ghcr.io/vendor/postgres:14-vector', volumes: [volume('pg')] },
    };
    expect(await strategiesOf(services)).toEqual({
      server: 'blue-green',
      learning: 'blue-green',
      pdf: 'recreate',
      mails: 'recreate',
      database: 'keep',
    });
  });

  test.each([
    ['ghcr.io/acme/shop', 'ghcr.io/acme/shop:1.2.3'],
    ['ghcr.io/acme/shop', 'ghcr.io/acme/shop/web:1.2.3'],
    ['docker.io/acme', 'acme/shop:1'],
    ['registry.example.com:5000/acme', `registry.example.com:5000/acme/web@sha256:${'0'.repeat(64)}`],
  ])('an image at or below the registry path %s is own: %s', async (registry, image) => {
    const services = { helper: { image: 'vendor/tool:1', expose: ['1'] }, web: { image, expose: ['3000'] } };
    expect(await strategiesOf(services, {}, { registry })).toEqual({ helper: 'recreate', web: 'blue-green' });
  });

  test('a neighbor of the registry path is not', async () => {
    const services = {
      web: { image: 'ghcr.io/acme/shop/web:1', expose: ['3000'] },
      other: { image: 'ghcr.io/acme/shop-tools:1', expose: ['3000'] },
    };
    expect(await strategiesOf(services, {}, { registry: 'ghcr.io/acme/shop' })).toMatchObject({
      other: 'recreate',
    });
  });

  const built = { build: { context: '.' } };
  test.each<[string, ComposeService]>([
    [
      'a named volume',
      { ...built, image: 'registry.example.com/team/x:1', ports: [port(3000)], volumes: [volume('up')] },
    ],
    [
      'a volume without a name',
      { ...built, ports: [port(3000)], volumes: [{ type: 'volume', target: '/app/cache' }] },
    ],
    ['nothing but a build', { ...built, expose: ['3000'] }],
    ['a port that the Dockerfile alone names', built],
    ['a worker', { ...built, command: words('rq worker') }],
  ])('a strategy is the same before and after the build: %s', async (_name, web) => {
    const files = { Dockerfile: 'FROM node:24-slim\nEXPOSE 3000\nCMD ["node", "a.js"]\n' };
    const reference = `ghcr.io/acme/x/web@sha256:${'a'.repeat(64)}`;
    const before = await plansOf({ web }, files);
    const after = await plansOf({ web }, files, { images: { web: reference } });
    expect(after).toEqual(before);
    expect(['blue-green', 'recreate', 'workers']).toContain(before['web']?.strategy);
  });

  test('a volume that the image declares is data of a foreign image', async () => {
    const model: ComposeModel = {
      name: 'x',
      services: { blog: { image: 'vendor/blog:5', ports: [port(2368)] } },
    };
    const image = { ports: [], entrypoint: [], command: [], volumes: ['/content'], env: {}, labels: {} };
    const [plan] = planServices(model, config, { images: { blog: image } });
    expect(plan).toMatchObject({ strategy: 'recreate', reason: expect.stringContaining('/content') });
  });
});

describe('stores', () => {
  test('a database from its own Dockerfile is one, whatever its image is called', async () => {
    const files = {
      'store/Dockerfile': 'ARG V=17\nFROM postgis/postgis:${V}-3.5 AS base\nFROM base\nCOPY x.sql /x.sql\n',
      'web/Dockerfile': 'FROM node:24\nEXPOSE 3000\n',
    };
    const plans = await plansOf(
      {
        web: { build: { context: 'web' } },
        records: {
          build: { context: 'store' },
          image: 'acme/records',
          volumes: [volume('r', '/var/lib/postgresql/data')],
        },
      },
      files,
    );
    expect(plans['records']).toMatchObject({
      strategy: 'keep',
      reason: expect.stringContaining('postgis/postgis:17-3.5'),
    });
    expect(plans['records']?.notes ?? []).toEqual([]);
  });

  test('a base of one’s own leads on to the store', async () => {
    const files = { 'a/Dockerfile': 'FROM mariadb:11\n', 'b/Dockerfile': 'FROM acme/base\n' };
    const strategies = await strategiesOf(
      {
        base: { build: { context: 'a' }, image: 'acme/base' },
        data: { build: { context: 'b' }, volumes: [volume('d', '/var/lib/mysql')] },
      },
      files,
    );
    expect(strategies).toEqual({ base: 'keep', data: 'keep' });
  });

  test('an app is none because of its name, or of a client it is built from', async () => {
    const files = { Dockerfile: 'FROM node:24\nEXPOSE 3000\n' };
    const services = { vault: { build: { context: '.' }, image: 'acme/vault', volumes: [volume('v')] } };
    expect(await strategiesOf(services, files)).toEqual({ vault: 'recreate' });
  });

  test.each([
    'supabase/postgres:15',
    'tensorchord/pgvecto-rs:pg14',
    'timescale/timescaledb-ha:pg17',
    'mcr.microsoft.com/mssql/server:2022',
    'bitnami/postgresql:17',
    'registry.example.com:5000/mirror/postgres@sha256:' + '1'.repeat(64),
    'eclipse-mosquitto:2',
  ])('%s', async (image) => {
    expect(
      await strategiesOf({ web: { image: 'a/b', ports: [port(80, '81')] }, s: { image } }),
    ).toMatchObject({ s: 'keep' });
  });

  test.each([
    'supabase/postgres-meta:1',
    'prometheuscommunity/postgres-exporter',
    'vaultwarden/server',
    'prodrigestivill/postgres-backup-local',
  ])('%s is no store', async (image) => {
    const strategies = await strategiesOf({ web: { image: 'a/b', ports: [port(80, '81')] }, s: { image } });
    expect(strategies['s']).not.toBe('keep');
  });

  test('a server whose image nobody knows, by where its volume is', async () => {
    const services = {
      web: { image: 'a/b', ports: [port(80, '81')] },
      x: { image: 'acme/x', volumes: [volume('d', '/var/lib/mysql')] },
    };
    expect(await strategiesOf(services)).toMatchObject({ x: 'keep' });
  });
});

describe('one-shots run to their end', () => {
  test.each<[string, ComposeService]>([
    ['make-bucket', { image: 'minio/mc:1', entrypoint: ['mc', 'mb', 's3/data'] }],
    [
      'buckets',
      {
        image: 'minio/mc',
        entrypoint: [
          '/bin/sh',
          '-c',
          'until mc alias set s3 http://s3:9000 a b; do sleep 1; done; mc mb s3/x; exit 0;',
        ],
      },
    ],
    ['anything', { image: 'alpine:3', command: ['true'], restart: 'no' }],
    ['permissions', { image: 'busybox', command: ['chown', '-R', '1000', '/data'], volumes: [volume('d')] }],
    ['seeder', { image: 'a/b', restart: 'on-failure' }],
    ['load', { image: 'a/b', command: words('python manage.py loaddata x.json') }],
    ['import', { image: 'a/b', restart: 'no' }],
    ['flyway', { image: 'flyway/flyway:11', command: ['migrate'] }],
    ['once', { image: 'a/b', deploy: { restart_policy: { condition: 'none' } } as never }],
  ])('%s', async (name, service) => {
    const plans = await plansOf({ web: { image: 'a/b', ports: [port(80, '81')] }, [name]: service });
    expect(plans[name]).toMatchObject({ strategy: 'job' });
  });

  test.each<[string, ComposeService]>([
    ['setup', { image: 'a/b', restart: 'unless-stopped' }],
    ['seeder', { image: 'a/b', ports: [port(3000)] }],
    [
      'web2',
      { image: 'a/b', command: ['sh', '-c', 'alembic upgrade head && exec gunicorn app'], restart: 'no' },
    ],
    ['loop', { image: 'alpine', command: ['sh', '-c', 'while true; do ./x; sleep 5; done'] }],
    ['cache', { image: 'redis:8', restart: 'no' }],
    ['worker', { image: 'a/b', command: words('celery -A a worker'), restart: 'no' }],
  ])('%s does not end', async (name, service) => {
    const plans = await plansOf({ web: { image: 'a/b', ports: [port(80, '81')] }, [name]: service });
    expect(plans[name]?.strategy).not.toBe('job');
  });
});
