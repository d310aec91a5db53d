import { describe, expect, test } from 'vitest';
import type { Config, HostConfig } from '../../../../src/config/model.ts';
import { placeServices } from '../../../../src/config/services/placement.ts';
import { planServices } from '../../../../src/config/services/strategies.ts';
import { config, errorsOf, host, linesOf, model, target } from '../../../support/config/fixtures.ts';

const compose = model({
  backend: { image: 'app', expose: ['8000'] },
  beat: { image: 'app', command: ['celery', 'beat'] },
  db: { image: 'postgres', volumes: [{ type: 'volume', source: 'pg', target: '/var/lib/postgresql/data' }] },
  cache: { image: 'redis' },
});
const first: HostConfig = { ...host, name: 'd@one', address: 'one' };
const second: HostConfig = { ...host, name: 'd@two', address: 'two' };
const migrate = { service: 'backend', command: 'x', lockTimeoutMs: 1, timeoutMs: 1, revision: undefined };
const backup = { engine: 'postgres' as const, service: 'db', keep: 1, restoreTest: true, timeoutMs: 1 };

function place(hosts: readonly HostConfig[], more: Partial<Config> = {}) {
  const all = { ...config, ...more };
  return placeServices(all, { ...target, hosts }, compose, planServices(compose, all));
}

describe('placement', () => {
  test('one host runs all', () => {
    expect(place([first], { migrate, backup })).toMatchObject({
      services: { 'd@one': ['backend', 'beat', 'db', 'cache'] },
      backupHost: { name: 'd@one' },
      migrateHost: { name: 'd@one' },
      primaryHost: { name: 'd@one' },
      warnings: [],
    });
  });

  test('data on one, the app on both; the migration runs beside the data', () => {
    const app = { ...first, services: ['backend'] };
    const data = { ...second, services: ['backend', 'db', 'beat', 'cache'] };
    const placed = place([app, data], { migrate, backup });
    expect(placed.services).toEqual({ 'd@one': ['backend'], 'd@two': ['backend', 'beat', 'db', 'cache'] });
    expect(
      [placed.backupHost, placed.migrateHost, placed.primaryHost].map((hostConfig) => hostConfig?.name),
    ).toEqual(['d@two', 'd@two', 'd@two']);
  });

  test('the migration runs on the first host of its service if none has the data, too', () => {
    const placed = place(
      [
        { ...first, services: ['db', 'beat', 'cache'] },
        { ...second, services: ['backend'] },
      ],
      { migrate, backup },
    );
    expect(
      [placed.backupHost, placed.migrateHost, placed.primaryHost].map((hostConfig) => hostConfig?.name),
    ).toEqual(['d@one', 'd@two', 'd@one']);
  });

  test('data and schedulers on two hosts are one error with a way out; a cache without a volume may be twice', async () => {
    const [error] = await errorsOf(() => place([first, second]));
    expect(error).toMatchObject({
      code: 'config.placement',
      hint: expect.stringContaining('{ host: d@two, services: [backend, cache] }'),
    });
    expect(error?.message).toContain('beat (two at once do everything twice), db (each has its own data)');
    expect(error?.message).not.toContain('cache');
  });

  test('a kept proxy without data may be on two hosts', () => {
    const nginx = model({
      nginx: { image: 'nginx', volumes: [{ type: 'bind', source: '/x', target: '/x' }] },
    });
    const all = { ...config, services: { nginx: { strategy: 'keep' as const } } };
    expect(
      placeServices(all, { ...target, hosts: [first, second] }, nginx, planServices(nginx, all)).warnings,
    ).toEqual([]);
  });

  test('names that do not exist, and services without a host', async () => {
    const lines = await linesOf(() =>
      place([{ ...first, services: ['bakend', 'cache'] }], { migrate, backup }),
    );
    expect(lines).toEqual([
      expect.stringContaining('unknown service "bakend"; did you mean backend?'),
      'backup.postgres: db does not run on any host of production [config.placement]',
      'migrate.service: backend does not run on any host of production [config.placement]',
    ]);
    expect(place([{ ...first, services: ['backend', 'db'] }]).warnings).toEqual([
      'beat does not run on any host of production',
      'cache does not run on any host of production',
    ]);
  });
});
