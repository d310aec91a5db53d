import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ComposeService, ServiceConfig } from '../../../../src/config/model.ts';
import { planServices } from '../../../../src/config/services/strategies.ts';
import { userErrorsOf } from '../../../../src/kernel/errors.ts';
import {
  command,
  config,
  model,
  one,
  planOf,
  type Services,
  volume,
} from '../../../support/config/fixtures.ts';

describe('inference', () => {
  test.each<[string, ComposeService, string, RegExp]>([
    ['web', { image: 'app', expose: ['8000'] }, 'blue-green', /port 8000 from `expose`/],
    [
      'web',
      { image: 'app', ports: [{ target: 3000, published: '3000' }] },
      'blue-green',
      /port 3000 from `ports`/,
    ],
    ['web', command('gunicorn app.wsgi -b 0.0.0.0:9001'), 'blue-green', /port 9001 from its command/],
    ['web', command('uvicorn app:app --host 0.0.0.0 --port 8080'), 'blue-green', /port 8080/],
    ['web', command('python manage.py runserver 0.0.0.0:8001'), 'blue-green', /port 8001/],
    ['web', { image: 'app', environment: { PORT: '4000' } }, 'blue-green', /variable PORT/],
    [
      'web',
      { image: 'app', healthcheck: { test: ['CMD', 'curl', '-f', 'http://localhost:5000/up'] } },
      'blue-green',
      /port 5000 from its health check/,
    ],
    ['front', { image: 'nginx:1.27' }, 'blue-green', /port 80 from its image/],
    [
      'web',
      { image: 'app', command: ['sh', '-c', 'alembic upgrade head && exec gunicorn app -b :8000'] },
      'blue-green',
      /port 8000/,
    ],
    ['db', { image: 'postgres:17' }, 'keep', /postgres holds state/],
    ['db', { image: 'ghcr.io/mirror/library/mysql:8' }, 'keep', /mysql/],
    ['db', { image: 'registry.example.com:5000/bitnami/mongodb' }, 'keep', /mongodb/],
    ['cache', { image: 'valkey/valkey:8' }, 'keep', /valkey/],
    ['search', { image: 'docker.elastic.co/elasticsearch/elasticsearch:8.15.0' }, 'keep', /elasticsearch/],
    ['s3', { image: 'minio/minio', ports: [{ target: 9000 }] }, 'keep', /minio/],
    ['db', { image: 'acme/postgres', build: './db', volumes: [volume('pg')] }, 'keep', /postgres/],
    [
      'wiki',
      { image: 'wiki:2', expose: ['3000'], volumes: [volume('wiki')] },
      'recreate',
      /writes to the volume wiki.*replaced in place when it changes/,
    ],
    [
      'wiki',
      { image: 'wiki:2', expose: ['3000'], volumes: [{ type: 'volume', target: '/data' }] },
      'recreate',
      /a volume at \/data/,
    ],
    [
      'web',
      { image: 'app', expose: ['80'], volumes: [volume('static', '/s', { read_only: true })] },
      'blue-green',
      /port 80/,
    ],
    [
      'web',
      {
        image: 'app',
        build: '.',
        expose: ['80'],
        volumes: [{ type: 'volume', target: '/app/node_modules' }],
      },
      'blue-green',
      /port 80/,
    ],
    [
      'web',
      { build: '.', expose: ['80'], volumes: [volume('uploads')] },
      'recreate',
      /two versions must not/,
    ],
    ['nginx', { image: 'nginx', ports: [{ target: 80, published: '80' }] }, 'recreate', /front proxy/],
    [
      'edge',
      { image: 'caddy:2', ports: [{ target: 443, published: '443' }], volumes: [volume('caddy')] },
      'recreate',
      /front proxy/,
    ],
    [
      'traefik',
      { image: 'traefik:v3', ports: [{ target: 80, published: '80', host_ip: '0.0.0.0' }] },
      'recreate',
      /front proxy/,
    ],
    [
      'nginx',
      { build: './nginx', image: 'acme/proxy', ports: [{ target: 80, published: '80' }] },
      'recreate',
      /front proxy/,
    ],
    [
      'frontend',
      { build: './web', image: 'acme/nginx', ports: [{ target: 80, published: '80' }] },
      'blue-green',
      /port 80/,
    ],
    ['nginx', { image: 'nginx', ports: [{ target: 80, published: '8080' }] }, 'blue-green', /port 80/],
    [
      'ftp',
      { image: 'ftp', ports: Array.from({ length: 17 }, (_, index) => ({ target: 30_000 + index })) },
      'recreate',
      /it publishes 17 ports, and the edge forwards at most 16/,
    ],
    ['sip', { image: 'sip', ports: [{ target: 5060, protocol: 'udp' }] }, 'recreate', /UDP/],
    [
      'n2',
      { build: '.', ports: [{ target: 38412, protocol: 'sctp' }, { target: 80 }] },
      'recreate',
      /an SCTP port/,
    ],
    ['agent', { image: 'agent', expose: ['80'], network_mode: 'host' }, 'recreate', /host network/],
    ['side', { image: 'side', network_mode: 'service:vpn' }, 'recreate', /network of another container/],
    ['celery-beat', command('celery -A app beat -l info'), 'singleton', /celery beat/],
    ['worker', command('celery -A app worker -B'), 'singleton', /celery beat/],
    ['jobs', command('supercronic /etc/crontab'), 'singleton', /cron/],
    ['jobs', command('php artisan schedule:work'), 'singleton', /scheduler/],
    ['my-scheduler', command('python run.py'), 'singleton', /called scheduler/],
    ['celery', command('celery -A app worker --concurrency=2'), 'workers', /celery worker/],
    ['jobs', command('bundle exec sidekiq -C config.yml'), 'workers', /worker/],
    ['jobs', command('rq worker high'), 'workers', /worker/],
    ['worker', { image: 'app' }, 'workers', /called worker and has no port/],
    ['bot', { image: 'bot' }, 'workers', /no port and no HTTP health check/],
    [
      'celery',
      { ...command('celery -A app worker'), healthcheck: { test: ['CMD-SHELL', 'celery inspect ping'] } },
      'workers',
      /celery worker/,
    ],
    ['flower', { ...command('celery -A app flower'), expose: ['5555'] }, 'blue-green', /5555/],
    ['migrate', command('alembic upgrade head'), 'job', /runs a migration and exits/],
    ['migrate', { ...command('python manage.py migrate'), restart: 'on-failure:3' }, 'job', /migration/],
    ['migrate', { ...command('alembic upgrade head'), restart: 'always' }, 'workers', /no port/],
  ])('%s %#', (name, service, strategy, reason) => {
    const plan = one(service, {}, {}, name);
    expect(plan.strategy).toBe(strategy);
    expect(plan.reason).toMatch(reason);
    expect(plan.reason).not.toMatch(/\n|undefined/);
  });

  test('a service that others wait for to complete is a job', () => {
    const services = {
      setup: { image: 'app', restart: 'no' },
      web: {
        image: 'app',
        expose: ['80'],
        depends_on: { setup: { condition: 'service_completed_successfully' } },
      },
    };
    expect(planOf('setup', services)).toMatchObject({
      strategy: 'job',
      reason: 'web waits for it to complete',
    });
    const restarting = { ...services, setup: { image: 'app', restart: 'unless-stopped' } };
    expect(planOf('setup', restarting).strategy).toBe('workers');
  });

  test('images below the registry are the app’s own', () => {
    const service = { image: 'ghcr.io/acme/shop/vault:1', expose: ['80'] };
    expect(one(service).strategy).toBe('keep');
    expect(one(service, {}, { registry: 'ghcr.io/acme/shop' }).strategy).toBe('blue-green');
    const uploads = { ...service, volumes: [volume('uploads')] };
    expect(
      one({ ...uploads, image: 'ghcr.io/acme/shop/web' }, {}, { registry: 'ghcr.io/acme/shop' }).strategy,
    ).toBe('recreate');
  });

  test('sluice.yml wins, and says so', () => {
    expect(one({ image: 'postgres' }, { strategy: 'recreate' })).toMatchObject({
      strategy: 'recreate',
      reason: 'set in sluice.yml',
    });
    expect(one({ image: 'app' }, { port: 9000 })).toMatchObject({
      strategy: 'blue-green',
      ports: [{ port: 9000, mode: 'http' }],
    });
    expect(
      one(
        { image: 'app', volumes: [volume('uploads')], build: '.' },
        { port: 80, sharedVolumes: ['uploads'] },
      ).strategy,
    ).toBe('blue-green');
  });

  test('names from Object.prototype are ordinary services', () => {
    expect(one({ image: 'app', expose: ['80'] }, {}, {}, 'constructor')).toMatchObject({
      strategy: 'blue-green',
    });
  });
});

test('any definition ends in a plan or in errors of the user’s', () => {
  const word = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom(
      'celery',
      'beat',
      'worker',
      '-p',
      '8000',
      '--port=1',
      'http://localhost:80/x',
      'alembic upgrade head',
      '$$PORT',
      '0.0.0.0:99999',
      'nginx',
      'postgres',
      'a/b/c@sha256:x',
      '1m30s',
      '-5s',
    ),
  );
  const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const service = fc.record(
    {
      image: word,
      build: fc.constant('.'),
      command: fc.oneof(fc.constant(null), fc.array(word, { maxLength: 4 })),
      entrypoint: fc.oneof(fc.constant(null), fc.array(word, { maxLength: 2 })),
      environment: fc.dictionary(fc.constantFrom('PORT', 'A'), fc.oneof(fc.constant(null), word)),
      ports: fc.array(
        fc.record({ target: fc.nat(70_000), published: word, protocol: fc.constantFrom('tcp', 'udp') }),
        { maxLength: 3 },
      ),
      expose: fc.array(fc.oneof(word, fc.constantFrom('80', '1-9999999', '9-1', '53/udp'))),
      volumes: fc.array(fc.record({ type: fc.constantFrom('bind', 'volume', 'tmpfs', 'x'), target: word }), {
        maxLength: 2,
      }),
      network_mode: word,
      container_name: word,
      depends_on: fc.dictionary(
        fc.constantFrom('a', 'b', 'constructor'),
        fc.record({ condition: fc.constantFrom('service_started', 'service_completed_successfully') }),
      ),
      healthcheck: fc.record({
        test: fc.array(word, { maxLength: 3 }),
        interval: word,
        retries: fc.integer(),
        start_period: word,
      }),
      restart: fc.constantFrom('no', 'always', 'on-failure:3'),
      stop_grace_period: word,
    },
    { requiredKeys: [] },
  );
  const own = fc.record(
    { strategy: fc.constantFrom('blue-green', 'workers', 'keep', 'job'), port: fc.nat(65_535) },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('a', 'b', 'constructor', '__proto__', 'x'), service),
      some(own),
      (services, mine) => {
        const wanted = { ...config, services: mine === undefined ? {} : { a: mine as ServiceConfig } };
        try {
          for (const plan of planServices(model(services as Services), wanted)) {
            expect(plan.reason).not.toMatch(/undefined|\[object/);
            expect(plan.startDeadlineMs).toBeGreaterThanOrEqual(15_000);
            expect(plan.stopGraceMs).toBeGreaterThanOrEqual(0);
            expect(plan.ports.length > 0).toBe(plan.strategy === 'blue-green');
            expect(plan.health ?? '/').toMatch(/^\/[!-~]*$/);
          }
        } catch (error) {
          if (userErrorsOf(error).length === 0) throw error;
        }
      },
    ),
    { numRuns: 3000 },
  );
}, 60_000);
