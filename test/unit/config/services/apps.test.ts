import { describe, expect, test } from 'vitest';
import type { ComposeModel, ComposeService } from '../../../../src/config/model.ts';
import { planServices } from '../../../../src/config/services/strategies.ts';
import { plansOf, port, strategiesOf, words } from '../../../support/config/apps-fixtures.ts';
import { config, volume } from '../../../support/config/fixtures.ts';

/** Whole apps as they are found in the world, and what becomes of each of their services. */

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
    // Of a program that nobody knows, two at once may send each mail twice.
    expect(plans['mailer']).toMatchObject({ strategy: 'singleton' });
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
    ['registry.example.com/library/shop', 'registry.example.com/library/shop:1'],
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

  test('a volume that the Dockerfile declares is data, unless it is a cache', async () => {
    const files = {
      'a/Dockerfile': 'FROM python:3.13\nEXPOSE 80\nVOLUME /data\n',
      'b/Dockerfile': 'FROM python:3.13\nEXPOSE 80\nVOLUME ["/app/.cache", "/var/log"]\n',
    };
    const services = { a: { build: { context: 'a' } }, b: { build: { context: 'b' } } };
    expect(await strategiesOf(services, files)).toEqual({ a: 'recreate', b: 'blue-green' });
    const mounted = { a: { ...services.a, volumes: [volume('d', '/data', { read_only: true })] } };
    expect(await strategiesOf(mounted, files)).toEqual({ a: 'blue-green' });
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
