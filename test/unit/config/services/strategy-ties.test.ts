import { describe, expect, test } from 'vitest';
import type { ComposeService, Strategy } from '../../../../src/config/model.ts';
import { planServices } from '../../../../src/config/services/strategies.ts';
import { userErrorsOf } from '../../../../src/kernel/errors.ts';
import { config, model, type Services } from '../../../support/config/fixtures.ts';

function faultsOf(services: Services, strategies: Readonly<Record<string, Strategy>>, more = {}): string[] {
  const own = Object.fromEntries(Object.entries(strategies).map(([name, strategy]) => [name, { strategy }]));
  try {
    planServices(model(services), { ...config, services: own, ...more });
  } catch (error) {
    return userErrorsOf(error).map(({ code, message }) => `${code} ${message}`);
  }
  return [];
}

const image = (more: ComposeService = {}): ComposeService => ({ image: 'acme/app', expose: ['80'], ...more });

describe('a service that shares the container of another one', () => {
  const services = (more: ComposeService): Services => ({
    app: image(),
    side: { image: 'acme/side', ...more },
  });

  test.each<[Strategy]>([['blue-green'], ['workers'], ['singleton'], ['job']])(
    'is refused while the other one is %s: its container does not stay',
    (strategy) => {
      for (const key of ['network_mode', 'ipc', 'pid']) {
        const [fault = ''] = faultsOf(services({ [key]: 'service:app' }), {
          app: strategy,
          side: 'recreate',
        });
        expect(fault).toBe(
          `compose.tied services.app: its strategy cannot be ${strategy} while side shares its container (${key})`,
        );
      }
    },
  );

  test.each<[Strategy]>([['recreate'], ['keep']])('%s is what it may share with', (strategy) => {
    expect(faultsOf(services({ network_mode: 'service:app' }), { app: strategy, side: 'recreate' })).toEqual(
      [],
    );
  });

  test('volumes outlive the container of a singleton, and those of a worker have two owners', () => {
    const shared = services({ volumes_from: ['app:ro'] });
    expect(faultsOf(shared, { app: 'singleton', side: 'recreate' })).toEqual([]);
    expect(faultsOf(shared, { app: 'workers', side: 'recreate' })[0]).toContain('(volumes_from)');
  });
});

test.each(['bridge', 'host', 'none', 'container:vpn', 'service:db'])(
  'network_mode: %s is recreate, and refused for a service that is to be blue-green',
  (mode) => {
    const services: Services = { web: image({ network_mode: mode }), db: { image: 'postgres:17' } };
    const [web] = planServices(model(services), config);
    expect(web?.strategy).toBe('recreate');
    expect(faultsOf(services, { web: 'blue-green' })[0]).toContain(
      `compose.network services.web: it cannot be blue-green with network_mode: ${mode}`,
    );
  },
);

test('a migration in the image of a service with a fixed address would need that address a second time', () => {
  const services: Services = { app: image({ networks: { default: { ipv4_address: '10.0.0.9' } } as never }) };
  const migrate = { service: 'app', command: 'migrate', revision: undefined, lockTimeoutMs: 1, timeoutMs: 1 };
  expect(faultsOf(services, { app: 'recreate' }, { migrate })).toEqual([
    'compose.fixed-address migrate.service: app has the fixed address 10.0.0.9, which the migration container cannot have at the same time',
  ]);
  expect(faultsOf(services, { app: 'blue-green' }, { migrate })).toEqual([]);
  expect(faultsOf(services, { app: 'recreate' })).toEqual([]);
});
