import { describe, expect, test } from 'vitest';
import type { ComposeService } from '../../../../src/config/model.ts';
import { plansOf, port, strategiesOf, words } from '../../../support/config/apps-fixtures.ts';
import { volume } from '../../../support/config/fixtures.ts';

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
    `registry.example.com:5000/mirror/postgres@sha256:${'1'.repeat(64)}`,
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
