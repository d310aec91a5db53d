import { describe, expect, test } from 'vitest';
import type { ComposeService, Config } from '../../../../src/config/model.ts';
import { planServices } from '../../../../src/config/services/strategies.ts';
import {
  command,
  config,
  errorsOf,
  host,
  linesOf,
  model,
  one,
  type Services,
  volume,
} from '../../../support/config/fixtures.ts';

test('a service with 0 replicas is not deployed', () => {
  const services = { web: { image: 'a/b', expose: ['80'] }, off: { image: 'a/b', expose: ['80'], scale: 0 } };
  expect(planServices(model(services), config).map(({ name }) => name)).toEqual(['web']);
});

describe('what a plan holds', () => {
  test('replicas, deadlines and grace', () => {
    const base = { image: 'app', expose: ['80'] };
    expect(one(base)).toMatchObject({ replicas: 1, startDeadlineMs: 60_000, stopGraceMs: 10_000 });
    expect(one({ ...base, deploy: { replicas: 3 }, stop_grace_period: '1m30s' })).toMatchObject({
      replicas: 3,
      stopGraceMs: 90_000,
    });
    expect(one({ ...base, scale: 2 }).replicas).toBe(2);
    const check = (healthcheck: ComposeService['healthcheck']) =>
      one({ ...base, ...(healthcheck && { healthcheck }) }).startDeadlineMs;
    expect(check({ test: ['CMD', 'x'], start_period: '1m0s', interval: '5s', retries: 4 })).toBe(80_000);
    expect(check({ test: ['CMD', 'x'], interval: '1s', retries: 3 })).toBe(15_000);
    expect(check({ test: ['CMD', 'x'] })).toBe(90_000);
    expect(check({ test: ['NONE'] })).toBe(60_000);
    expect(check({ disable: true })).toBe(60_000);
  });

  test('a dropped container_name and shared folders are told', () => {
    const plan = one({
      image: 'app',
      expose: ['80'],
      container_name: 'shop_web',
      volumes: [{ type: 'bind', source: '/run/up.sock', target: '/up.sock' }],
    });
    expect(plan.notes).toEqual([
      'both colors may write to /run/up.sock during a deploy',
      'the edge answers to container_name shop_web: Docker cannot give it to containers of two colors',
    ]);
    expect(one({ build: '.', expose: ['80'], volumes: [volume('uploads')] }).notes).toEqual([
      'if two versions may write to uploads at once (uploads), shared-volumes: [uploads] makes it blue-green',
    ]);
    expect(one({ image: 'app', expose: ['80'] })).not.toHaveProperty('notes');
  });

  test('only the services of a host', () => {
    const services = { web: { image: 'app', expose: ['80'] }, db: { image: 'postgres' } };
    expect(
      planServices(model(services), config, { host: { ...host, services: ['db'] } }).map(({ name }) => name),
    ).toEqual(['db']);
    expect(planServices(model(services), config, { host })).toHaveLength(2);
  });
});

describe('what can’t be done', () => {
  const web = { image: 'app', expose: ['80'] };
  const blueGreen = {
    services: { web: { strategy: 'blue-green' as const } },
    places: { 'services.web': { file: 'sluice.yml', line: 4, column: 3 } },
  };
  const faults = (services: Services, more: Partial<Config> = blueGreen) =>
    errorsOf(() => planServices(model(services), { ...config, ...more }));

  test.each<[string, Services, string]>([
    ['no port', { web: { image: 'app' } }, 'compose.no-port'],
    ['host network', { web: { ...web, network_mode: 'host' } }, 'compose.network'],
    ['another’s network', { web: { ...web, network_mode: 'service:vpn' } }, 'compose.network'],
    ['a volume', { web: { ...web, volumes: [volume('uploads')] } }, 'compose.shared-volume'],
    ['UDP', { web: { ...web, ports: [{ target: 53, protocol: 'udp' }] } }, 'compose.udp'],
    ['SCTP', { web: { ...web, ports: [{ target: 2905, protocol: 'sctp' }] } }, 'compose.udp'],
    [
      'too many ports',
      { web: { ...web, ports: Array.from({ length: 17 }, (_, index) => ({ target: 8000 + index })) } },
      'compose.many-ports',
    ],
    ['a sidecar', { web, log: { image: 'x', network_mode: 'service:web' } }, 'compose.tied'],
    ['pid', { web, log: { image: 'x', pid: 'service:web' } }, 'compose.tied'],
    ['volumes_from', { web, log: { image: 'x', volumes_from: ['web:ro'] } }, 'compose.tied'],
  ])('blue-green with %s', async (_, services, code) => {
    const errors = await faults(services);
    expect(errors).toMatchObject([
      { code, at: { line: 4 }, hint: expect.stringMatching(/strategy: (?:recreate|workers)/) },
    ]);
  });

  test('a container that ends and only holds volumes for another one', async () => {
    const db = { image: 'mysql:8.0', volumes_from: ['dbdata'] };
    const data = { image: 'mysql:8.0', command: ['/bin/true'] };
    const errors = await faults({ db, dbdata: data }, {});
    expect(errors).toMatchObject([
      {
        code: 'compose.data-container',
        message: 'services.dbdata exits at once and only holds the volumes of db (volumes_from)',
        hint: expect.stringContaining('volumes: [db-data:'),
      },
    ]);
    const { command: _, ...lasting } = data;
    expect(planServices(model({ db, dbdata: lasting }), config).map(({ strategy }) => strategy)).toEqual([
      'keep',
      'keep',
    ]);
  });

  test('blue-green with a volume: the ways out work', async () => {
    const services = { web: { ...web, volumes: [volume('uploads')] } };
    expect(
      planServices(model(services), {
        ...config,
        services: { web: { strategy: 'blue-green', sharedVolumes: ['uploads'] } },
      }),
    ).toHaveLength(1);
    expect(
      planServices(model(services), { ...config, services: { web: { strategy: 'recreate' } } }),
    ).toHaveLength(1);
    const readOnly = { web: { ...web, volumes: [volume('uploads', '/u', { read_only: true })] } };
    expect(planServices(model(readOnly), { ...config, ...blueGreen })).toHaveLength(1);
  });

  test('names that are no services, all at once', async () => {
    const wrong: Partial<Config> = {
      services: { wbe: {}, web: {} },
      migrate: { service: 'backend', command: 'x', lockTimeoutMs: 1, timeoutMs: 1, revision: undefined },
      backup: { engine: 'postgres', service: 'bd', keep: 1, restoreTest: true, timeoutMs: 1 },
      places: { 'migrate.service': { file: 'sluice.yml', line: 9, column: 5 } },
    };
    expect(
      await linesOf(() => planServices(model({ web, db: { image: 'postgres' } }), { ...config, ...wrong })),
    ).toEqual([
      'services: unknown service "wbe"; did you mean web? [config.unknown-service]',
      'sluice.yml:9:5 migrate.service: unknown service "backend" [config.unknown-service]',
      'backup.postgres: unknown service "bd"; did you mean db? [config.unknown-service]',
    ]);
  });

  test('a migration by a service that migrates by itself', async () => {
    const migrate = {
      service: 'migrate',
      command: 'alembic upgrade head',
      lockTimeoutMs: 1,
      timeoutMs: 1,
      revision: undefined,
    };
    const services = { web, migrate: command('alembic upgrade head') };
    expect(await faults(services, { migrate })).toMatchObject([
      { code: 'config.migrate-job', hint: expect.stringContaining('service: backend') },
    ]);
  });
});
