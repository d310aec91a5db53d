import { describe, expect, test } from 'vitest';
import type { ComposeService, ServicePlan, Strategy } from '../../../../src/config/model.ts';
import type { ReleaseRecord } from '../../../../src/deploy/model.ts';
import type { HostState } from '../../../../src/deploy/on-host/state.ts';
import { releaseProject } from '../../../../src/deploy/project/project.ts';
import {
  container,
  faultsOf,
  hostState,
  plan,
  release,
  servicePlan,
  serving,
} from '../../../support/deploy/fixtures.ts';

type Services = Readonly<Record<string, readonly [Strategy, ComposeService]>>;

function app(services: Services, name = 'v2'): ReleaseRecord {
  const plans: ServicePlan[] = Object.entries(services).map(([own, [strategy]]) =>
    servicePlan(own, strategy),
  );
  const definitions = Object.fromEntries(
    Object.entries(services).map(([own, [, service]]) => [own, service]),
  );
  return release(name, plans, definitions);
}

const image = (tag: string, more: ComposeService = {}): ComposeService => ({
  image: `acme/app:${tag}`,
  ...more,
});

const actionsOf = (record: ReleaseRecord, state: HostState, replace: string[] = []) =>
  Object.fromEntries(
    plan(record, state, { replace }).services.map(({ service, action }) => [service, action]),
  );

describe('a container that shares the network of another one', () => {
  const older = (strategy: Strategy) =>
    app(
      {
        vpn: ['recreate', image('1')],
        loader: [strategy, image('1', { network_mode: 'service:vpn' })],
        meter: ['recreate', image('1', { pid: 'service:loader' })],
      },
      'v1',
    );
  const newer = (strategy: Strategy) =>
    app({
      vpn: ['recreate', image('2')],
      loader: [strategy, image('1', { network_mode: 'service:vpn' })],
      meter: ['recreate', image('1', { pid: 'service:loader' })],
    });

  test('is replaced with it, although nothing of its own changed, and so is what shares with it', () => {
    const found = plan(newer('recreate'), serving(older('recreate'), 'blue')).services;
    expect(found.map(({ service, action }) => [service, action])).toEqual([
      ['vpn', 'replace'],
      ['loader', 'replace'],
      ['meter', 'replace'],
    ]);
    expect(found[1]?.why).toContain('it shares the network of vpn, which is replaced');
    expect(found[2]?.why).toContain('it shares the processes of loader, which is replaced');
  });

  test('stays when the other one stays', () => {
    const same = { ...older('recreate'), release: 'v2', content: 'other' };
    expect(actionsOf(same, serving(older('recreate'), 'blue'))).toEqual({
      ...{ vpn: 'keep', loader: 'keep', meter: 'keep' },
    });
  });

  test('a store is never replaced unasked: the plan refuses', () => {
    const state = serving(older('keep'), 'blue');
    const [fault = ''] = faultsOf(() => plan(newer('keep'), state));
    expect(fault).toContain('preflight.store-tied one: loader shares the network of vpn (network_mode)');
    expect(actionsOf(newer('keep'), state, ['loader'])).toMatchObject({
      loader: 'replace',
      meter: 'replace',
    });
  });
});

describe('the container whose network a service shares by name', () => {
  const using = (name: string) =>
    app({
      db: ['keep', image('1')],
      web: ['blue-green', image('1', { container_name: 'web' })],
      side: ['recreate', image('2', { network_mode: `container:${name}` })],
    });
  const state = { neighbors: [{ name: 'vpn', networks: ['bridge'] }], addresses: [] };
  const faultsFor = (name: string) => faultsOf(() => plan(using(name), hostState(state)));

  test.each(['vpn', 'shop-db-1', '0123456789ab'])('%s is there', (name) => {
    expect(faultsFor(name)).toEqual([]);
  });

  test.each([
    ['gone', 'is not running on the host'],
    ['web', 'or which a deploy replaces'],
    ['shop-web-1', 'or which a deploy replaces'],
  ])('%s is refused before anything is changed', (name, why) => {
    const [fault = ''] = faultsFor(name);
    expect(fault).toContain(
      `preflight.container-missing one: services.side.network_mode names the container ${name}, which`,
    );
    expect(fault).toContain(why);
  });

  test('a service that stays as it is has its container already', () => {
    const record = using('gone');
    expect(
      faultsOf(() => plan({ ...record, release: 'v3' }, { ...serving(record, 'blue'), ...state })),
    ).toEqual([]);
  });
});

describe('a fixed address', () => {
  const networks = { default: { ipv4_address: '172.28.0.9', ipv6_address: 'fd00::9' } } as never;
  const fixed = (strategy: Strategy) => app({ web: [strategy, image('2', { networks })] });
  const held = (id: string, name: string, address = '172.28.0.9') => [
    { network: 'shop_default', address, container: id, name },
  ];

  test('moves from an adopted container to the edge like a published port: one has it at a time', () => {
    const old = container('web', { plain: true, id: 'old', name: 'shop-web-1' });
    const state = hostState({ containers: [old], addresses: held('old', 'shop-web-1') });
    const { edges, warnings } = plan(fixed('blue-green'), state);
    expect(edges).toMatchObject([{ takesPort: true, adopted: 'shop-web-1' }]);
    expect(warnings.join('\n')).toContain('The fixed address of web also moves to the edge');
  });

  test('so does a hardware address', () => {
    const record = app({ web: ['blue-green', image('2', { mac_address: '02:42:ac:11:65:43' })] });
    const state = hostState({ containers: [container('web', { plain: true })] });
    expect(plan(record, state).edges[0]?.takesPort).toBe(true);
  });

  test.each<[Strategy]>([['recreate'], ['blue-green'], ['singleton'], ['keep']])(
    '%s: one that another container has is refused before anything is changed',
    (strategy) => {
      const state = (address: string) =>
        hostState({ neighbors: [], addresses: held('x', 'other-app-1', address) });
      expect(faultsOf(() => plan(fixed(strategy), state('fd00:0::9')))).toEqual([
        'preflight.address-taken one: services.web has the fixed address fd00::9 on the network shop_default, which container other-app-1 already uses',
      ]);
      expect(faultsOf(() => plan(fixed(strategy), state('172.28.0.10')))).toEqual([]);
    },
  );

  test('its own edge, or the container that is replaced in place, gives it up', () => {
    for (const strategy of ['recreate', 'blue-green'] as const) {
      const before = serving(app({ web: [strategy, image('1', { networks })] }, 'v1'), 'blue');
      const owner = before.containers.find((one) => (strategy === 'recreate') === (one.edge === undefined));
      const addresses = held(owner?.id ?? '', owner?.name ?? '');
      expect(faultsOf(() => plan(fixed(strategy), { ...before, addresses }))).toEqual([]);
    }
  });

  test('a replica that has it by chance keeps the edge from it', () => {
    const before = serving(app({ web: ['blue-green', image('1')] }, 'v1'), 'blue');
    const replica = before.containers.find(({ edge }) => edge === undefined);
    const addresses = held(replica?.id ?? '', replica?.name ?? '');
    const containers = before.containers.map((one) =>
      one.edge === undefined ? one : { ...one, hash: 'old' },
    );
    const [fault = ''] = faultsOf(() => plan(fixed('blue-green'), { ...before, containers, addresses }));
    expect(fault).toContain(`preflight.address-taken one: services.web has the fixed address 172.28.0.9`);
  });

  test('is the edge’s alone: no color and no worker has it, nor a link-local one', () => {
    const settings = { default: { ipv4_address: '172.28.0.9', link_local_ips: ['169.254.1.5'] } } as never;
    const record = app({
      web: ['blue-green', image('2', { networks: settings })],
      work: ['workers', image('2', { networks: settings })],
      pdf: ['recreate', image('2', { networks: settings })],
    });
    const edge = {
      service: 'web',
      image: 'haproxy',
      user: '1:1',
      command: [],
      stopSignal: '',
      folder: '/e',
      version: '',
    };
    const { services } = releaseProject(record, 'green', [edge]);
    const addressOf = (name: string) => JSON.stringify(services[name]?.networks).includes('172.28.0.9');
    const localOf = (name: string) => JSON.stringify(services[name]?.networks).includes('169.254.1.5');
    const names = ['web-green', 'web-edge', 'work-green', 'pdf'];
    expect(names.map(addressOf)).toEqual([false, true, false, true]);
    expect(names.map(localOf)).toEqual([false, true, false, true]);
  });
});

test.each<[Strategy]>([['recreate'], ['singleton'], ['job'], ['keep'], ['workers']])(
  'network_mode is carried as it is: %s',
  (strategy) => {
    for (const mode of ['bridge', 'host', 'none', 'container:vpn', 'service:db']) {
      const record = app({ side: [strategy, image('1', { network_mode: mode })], db: ['keep', image('1')] });
      const { services } = releaseProject(record, 'green', []);
      const made = services[strategy === 'workers' ? 'side-green' : 'side'];
      expect(made?.network_mode).toBe(mode);
      expect(made).not.toHaveProperty('networks');
    }
  },
);
