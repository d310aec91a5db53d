import { describe, expect, test } from 'vitest';
import type { ComposeModel, ComposeService } from '../../../../src/config/model.ts';
import type { ReleaseRecord } from '../../../../src/deploy/model.ts';
import { type NetworkState, withExistingNetworks } from '../../../../src/deploy/preflight/host-network.ts';
import { faultsOf, plan, release, servicePlan, serving } from '../../../support/deploy/fixtures.ts';

type Networks = NonNullable<ComposeModel['networks']>;
type Definition = Networks[string];

/** As Compose prints a network without settings. */
const bare = (name: string): Definition => ({ name, ipam: {} });

/** As the engine describes what Compose made of it. */
const onHost = (name: string, more: Partial<NetworkState> = {}): NetworkState => ({
  ...{ name, driver: 'bridge', options: {}, ipv6: false, internal: false, attachable: false },
  ipam: { driver: 'default', options: {}, pools: [{ subnet: '172.18.0.0/16', gateway: '172.18.0.1' }] },
  ...more,
});

function app(networks: Networks, services: Readonly<Record<string, ComposeService>> = {}): ReleaseRecord {
  const made = release('v2', [servicePlan('web', 'blue-green'), servicePlan('db', 'keep')], services);
  return { ...made, model: { ...made.model, networks } };
}

const older = (record: ReleaseRecord): ReleaseRecord => ({ ...record, release: 'v1', content: 'older' });

/** Plans `record` over a release that serves, on a host with networks. */
function planOver(before: ReleaseRecord, record: ReleaseRecord, networks: readonly NetworkState[]) {
  return plan(record, { ...serving(older(before), 'blue'), networks });
}

const differencesFor = (
  definition: Definition,
  there: NetworkState,
  was: Definition = bare('shop_default'),
) => faultsOf(() => planOver(app({ default: was }), app({ default: definition }), [there]));

describe('a network of the compose file that exists with other settings', () => {
  test('is refused before anything is changed, with what differs', () => {
    const mtu = { ...bare('shop_default'), driver_opts: { 'com.docker.network.driver.mtu': '1400' } };
    expect(differencesFor(mtu, onHost('shop_default'))).toEqual([
      'preflight.network-changed one: network shop_default differs from networks.default in the compose file: driver_opts.com.docker.network.driver.mtu (1400 in the file, not set on the server)',
    ]);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['driver', { driver: 'macvlan' }, 'driver (macvlan in the file, bridge on the server)'],
    ['IPv6', { enable_ipv6: true }, 'enable_ipv6 (true in the file, false on the server)'],
    ['internal', { internal: true }, 'internal (true in the file, false on the server)'],
    ['attachable', { attachable: true }, 'attachable (true in the file, false on the server)'],
    [
      'subnet',
      { ipam: { config: [{ subnet: '172.28.0.0/16' }] } },
      'ipam.config (172.28.0.0/16 in the file, 172.18.0.0/16 gateway 172.18.0.1 on the server)',
    ],
    [
      'gateway',
      { ipam: { config: [{ subnet: '172.18.0.0/16', gateway: '172.18.0.9' }] } },
      'ipam.config (172.18.0.0/16 gateway 172.18.0.9 in the file, 172.18.0.0/16 gateway 172.18.0.1 on the server)',
    ],
    ['IPAM driver', { ipam: { driver: 'pool' } }, 'ipam.driver (pool in the file, default on the server)'],
  ])('%s', (_, said, difference) => {
    const [fault = ''] = differencesFor({ ...bare('shop_default'), ...said }, onHost('shop_default'));
    expect(fault).toContain(`in the compose file: ${difference}`);
  });

  test('what the file no longer says and the server still has is a difference too', () => {
    const was = {
      ...bare('shop_default'),
      driver_opts: { 'com.docker.network.driver.mtu': '1400' },
      ipam: { config: [{ subnet: '172.28.0.0/16' }] },
    };
    const there = onHost('shop_default', {
      options: { 'com.docker.network.driver.mtu': '1400' },
      ipam: { driver: 'default', options: {}, pools: [{ subnet: '172.28.0.0/16', gateway: '172.28.0.1' }] },
    });
    const [fault = ''] = differencesFor(bare('shop_default'), there, was);
    expect(fault).toContain('mtu (no longer in the file, 1400 on the server)');
    expect(fault).toContain('ipam.config (no longer in the file, 172.28.0.0/16 on the server)');
  });

  test('a rollback is not barred by it: the network stays as it is, and the plan says so', () => {
    const record = app({ default: { ...bare('shop_default'), enable_ipv6: true } });
    const state = { ...serving(older(record), 'blue'), networks: [onHost('shop_default')] };
    const { warnings } = plan(record, state, { rollback: true });
    expect(warnings.join('\n')).toContain(
      'enable_ipv6 (true in the file, false on the server). It stays as it is.',
    );
  });

  test('internal counts when the file does not have it: Compose makes networks that are not', () => {
    const [fault = ''] = differencesFor(bare('shop_default'), onHost('shop_default', { internal: true }));
    expect(fault).toContain('internal (false in the file, true on the server)');
  });
});

describe('a network that is as the compose file has it', () => {
  test('what an engine fills in is no difference', () => {
    const there = onHost('shop_default', {
      options: { 'com.docker.network.enable_ipv4': 'true' },
      attachable: true,
      ipv6: true,
    });
    expect(differencesFor(bare('shop_default'), there)).toEqual([]);
  });

  test('nor is the same address written in another way', () => {
    const said = {
      ...bare('shop_default'),
      enable_ipv6: true,
      ipam: {
        config: [
          { subnet: '172.28.4.1/16', ip_range: '172.28.5.0/24', aux_addresses: { printer: '172.28.1.5' } },
          { subnet: 'FD00:0:0:1::/64', gateway: 'fd00:0:0:1:0::1' },
        ],
      },
    };
    const pools = [
      {
        ...{ subnet: '172.28.0.0/16', gateway: '172.28.0.1', range: '172.28.5.0/24' },
        reserved: { printer: '172.28.1.5', other: '172.28.1.6' },
      },
      { subnet: 'fd00:0:0:1::/64', gateway: 'fd00:0:0:1::1/64' },
    ];
    const there = onHost('shop_default', { ipv6: true, ipam: { driver: 'default', options: {}, pools } });
    expect(differencesFor(said, there)).toEqual([]);
  });

  test('networks that no service of the host is on do not count, nor do those that do not exist yet', () => {
    const spare = { ...bare('shop_spare'), internal: true };
    const record = app({ default: bare('shop_default'), spare });
    expect(faultsOf(() => planOver(record, record, [onHost('shop_default'), onHost('shop_spare')]))).toEqual(
      [],
    );
    expect(faultsOf(() => plan(record, { ...serving(older(record), 'blue'), networks: [] }))).toEqual([]);
  });

  test('Compose is not given the chance to make it again', () => {
    const project = { name: 'shop', services: {}, networks: { default: { ipam: {} }, back: bare('back') } };
    const { networks } = withExistingNetworks(project, [onHost('shop_default'), onHost('other')]);
    expect(networks).toEqual({ default: { name: 'shop_default', external: true }, back: bare('back') });
    const twice = withExistingNetworks(project, [onHost('back'), onHost('back')]);
    expect(twice.networks).toEqual(project.networks);
  });
});

describe('an external network', () => {
  const external = { default: bare('shop_default'), proxy: { name: 'proxy', external: true } };
  const services = { web: { image: 'acme/web', networks: { default: null, proxy: null } } };

  test('that the host does not have is refused, with the command that makes it', () => {
    const record = app(external, services);
    expect(faultsOf(() => plan(record, { ...serving(older(record), 'blue'), networks: [] }))).toEqual([
      'preflight.network-missing one: network "proxy" does not exist, but networks.proxy in the compose file is external',
    ]);
  });

  test('is taken as it is', () => {
    const record = app(external, services);
    const networks = [onHost('shop_default'), onHost('proxy', { internal: true, driver: 'overlay' })];
    const there = serving(older(record), 'blue').containers.map((one) => ({
      ...one,
      addresses: { shop_default: '172.18.0.5', proxy: '172.19.0.5' },
    }));
    const state = { ...serving(older(record), 'blue'), containers: there, networks };
    expect(faultsOf(() => plan(record, state))).toEqual([]);
  });
});

describe('a network with a new name', () => {
  const before = app({ default: bare('shop_default') });
  const renamed = app({ default: { ...bare('shop_2'), internal: true } });
  const networks = [onHost('shop_default')];

  test('a store that stays on the old one is named before anything is changed', () => {
    const [fault = ''] = faultsOf(() => planOver(before, renamed, networks));
    expect(fault).toContain('preflight.network-left one: web moves to the network shop_2, but db stays on ');
  });

  test('a store that is connected to it, or replaced, is no fault', () => {
    const state = { ...serving(older(before), 'blue'), networks };
    const containers = state.containers.map((one) =>
      one.service === 'db'
        ? { ...one, addresses: { shop_default: '172.18.0.5', shop_2: '172.19.0.5' } }
        : one,
    );
    expect(faultsOf(() => plan(renamed, { ...state, containers }))).toEqual([]);
    const replaced = plan(renamed, state, { replace: ['db'] });
    expect(replaced.services.find(({ service }) => service === 'db')?.action).toBe('replace');
  });

  test('the edge and services that stay in place move to it, and the plan says what that costs', () => {
    const both = (networks: Networks) => {
      const made = release('v2', [servicePlan('web', 'blue-green'), servicePlan('mail', 'recreate')]);
      return { ...made, model: { ...made.model, networks } };
    };
    const first = both({ default: bare('shop_default') });
    const { edges, services, warnings } = planOver(first, both({ default: bare('shop_2') }), networks);
    expect(edges.map(({ action, redefined }) => [action, redefined])).toEqual([['replace', true]]);
    expect(services.find(({ service }) => service === 'mail')).toMatchObject({
      action: 'replace',
      why: 'changed (network shop_2): stopped and started in place, a short gap',
    });
    expect(warnings.join('\n')).toContain('interrupts the service until the new release is healthy');
  });
});
