import { networksOf } from '../../config/services/network-names.ts';
import { UserError } from '../../kernel/errors.ts';
import type { PlannedService, ReleaseRecord } from '../model.ts';
import type { ContainerState, HostState } from '../on-host/state.ts';
import {
  type AddressPool,
  isSameAddress,
  isSameSubnet,
  type NetworkState,
  networkName,
} from '../preflight/host-network.ts';

interface Definition {
  readonly external: boolean;
  readonly driver?: string;
  readonly options: Readonly<Record<string, string>>;
  readonly ipv6?: boolean;
  readonly internal: boolean;
  readonly attachable?: boolean;
  readonly ipam: {
    readonly driver?: string;
    readonly options: Readonly<Record<string, string>>;
    readonly pools: readonly AddressPool[];
  };
}

/**
 * Faults of networks that exist with other settings. Docker cannot change an existing network: old versions of Compose
 * ignore the change, newer ones remove the network under the app. Only settings of the compose file, or of the previous
 * release's, are compared: the engine fills in the rest.
 *
 * @returns `preflight.network-changed`, `preflight.network-missing`.
 */
export function networkFaults(
  host: string,
  record: ReleaseRecord,
  { networks }: Pick<HostState, 'networks'>,
  before: ReleaseRecord | undefined,
): UserError[] {
  if (networks === undefined) return [];
  return usedNetworks(record).flatMap((key) => {
    const name = networkName(record.model, key);
    const wanted = definitionOf(record, key);
    const found = networks.filter((network) => network.name === name);
    if (wanted.external) return found.length > 0 ? [] : [missing(host, key, name)];
    const earlier = Object.keys(before?.model.networks ?? {}).find(
      (one) => before !== undefined && networkName(before.model, one) === name,
    );
    const was = before === undefined || earlier === undefined ? undefined : definitionOf(before, earlier);
    const all = found.map((one) => differencesOf(wanted, one, was?.external === true ? undefined : was));
    const [differences] = all;
    // Of several networks with one name, one match is enough: Compose tells them apart.
    if (differences === undefined || all.some((group) => group.length === 0)) return [];
    return [changed(host, key, name, differences, isUsedByStore(record, key))];
  });
}

/** Networks of the compose file that services of this host are on. */
function usedNetworks({ model, services }: ReleaseRecord): string[] {
  const used = services.flatMap(({ name }) => Object.keys(networksOf(model.services[name] ?? {})));
  return [...new Set(used)];
}

function isUsedByStore({ model, services }: ReleaseRecord, key: string): boolean {
  return services.some(
    ({ name, strategy }) => strategy === 'keep' && key in networksOf(model.services[name] ?? {}),
  );
}

/** Differences, one for each key of the compose file. */
function differencesOf(wanted: Definition, found: NetworkState, was: Definition | undefined): string[] {
  const differs = (key: string, now: unknown, there: unknown, isGone = false) =>
    `${key} (${isGone ? 'no longer in the file' : `${now} in the file`}, ${there === undefined || there === '' ? 'not set' : there} on the server)`;
  const list: string[] = [];
  const compare = (key: string, now: unknown, then: unknown, there: unknown) => {
    if (now !== undefined) {
      if (now !== there) list.push(differs(key, now, there));
    } else if (then !== undefined && then === there) list.push(differs(key, now, there, true));
  };
  compare('driver', wanted.driver, was?.driver === 'bridge' ? undefined : was?.driver, found.driver);
  for (const key of keysOf(wanted.options, was?.options))
    compare(`driver_opts.${key}`, wanted.options[key], was?.options[key], found.options[key]);
  compare('enable_ipv6', wanted.ipv6, was?.ipv6 === true ? true : undefined, found.ipv6);
  // Compose passes false if the file does not have the key.
  compare('internal', wanted.internal, undefined, found.internal);
  compare('attachable', wanted.attachable, was?.attachable === true ? true : undefined, found.attachable);
  compare('ipam.driver', wanted.ipam.driver, was?.ipam.driver, found.ipam.driver);
  for (const key of keysOf(wanted.ipam.options, was?.ipam.options))
    compare(`ipam.options.${key}`, wanted.ipam.options[key], was?.ipam.options[key], found.ipam.options[key]);
  const there = found.ipam.pools.map(poolText).join(', ');
  for (const pool of wanted.ipam.pools) {
    if (found.ipam.pools.some((one) => agrees(pool, one))) continue;
    list.push(differs('ipam.config', poolText(pool), there));
  }
  for (const pool of was?.ipam.pools ?? []) {
    const isThere = found.ipam.pools.some((one) => agrees(pool, one));
    const isWanted = wanted.ipam.pools.some((one) => isSameSubnet(pool.subnet, one.subnet));
    if (isThere && !isWanted) list.push(differs('ipam.config', undefined, poolText(pool), true));
  }
  return list;
}

function keysOf(...maps: readonly (Readonly<Record<string, string>> | undefined)[]): string[] {
  return [...new Set(maps.flatMap((map) => Object.keys(map ?? {})))];
}

/** Whether the engine's pool has every setting of the file's pool. */
function agrees(said: AddressPool, found: AddressPool): boolean {
  return (
    (said.subnet === undefined || isSameSubnet(said.subnet, found.subnet)) &&
    (said.range === undefined || isSameSubnet(said.range, found.range)) &&
    (said.gateway === undefined || isSameAddress(said.gateway, found.gateway)) &&
    Object.entries(said.reserved ?? {}).every(([name, address]) =>
      isSameAddress(address, found.reserved?.[name]),
    )
  );
}

function poolText({ subnet, gateway, range, reserved = {} }: AddressPool): string {
  const parts = [
    ...(subnet === undefined ? [] : [subnet]),
    ...(range === undefined ? [] : [`ip_range ${range}`]),
    ...(gateway === undefined || gateway === '' ? [] : [`gateway ${gateway}`]),
    ...Object.entries(reserved).map(([name, address]) => `${name} ${address}`),
  ];
  return parts.join(' ');
}

/** A network of a compose model as Compose prints it, without unset keys. */
function definitionOf({ model }: ReleaseRecord, key: string): Definition {
  const written = model.networks?.[key] ?? {};
  const ipam = objectOf(written.ipam);
  const pools = Array.isArray(ipam.config) ? ipam.config.map(objectOf) : [];
  return {
    external: written.external === true,
    ...textIn('driver', written.driver === 'default' ? undefined : written.driver),
    options: textsOf(written.driver_opts),
    ...flagIn('ipv6', written.enable_ipv6),
    internal: written.internal === true,
    ...flagIn('attachable', written.attachable),
    ipam: {
      ...textIn('driver', ipam.driver),
      options: textsOf(ipam.options),
      pools: pools.map((pool) => ({
        ...textIn('subnet', pool.subnet),
        ...textIn('gateway', pool.gateway),
        ...textIn('range', pool.ip_range),
        reserved: textsOf(pool.aux_addresses),
      })),
    },
  };
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function textsOf(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(objectOf(value)).map(([key, text]) => [key, `${text}`]));
}

function textIn<K extends string>(key: K, value: unknown): { readonly [key in K]?: string } {
  return (typeof value === 'string' && value !== '' ? { [key]: value } : {}) as { [key in K]?: string };
}

function flagIn<K extends string>(key: K, value: unknown): { readonly [key in K]?: boolean } {
  return (typeof value === 'boolean' ? { [key]: value } : {}) as { [key in K]?: boolean };
}

/**
 * Networks of the release that a running container is not on. The definition of a service does not change when a
 * network gets another name, so this is compared on its own.
 */
export function lackingNetworks(
  record: ReleaseRecord,
  service: string,
  { addresses }: Pick<ContainerState, 'addresses'>,
): string[] {
  const on = Object.keys(addresses);
  if (record.model.networks === undefined) return [];
  return namesOf(record, service).filter((name) => !on.includes(name));
}

/** Whether the serving containers are on none of the networks that the service's edge gets. */
export function strandedBy(
  service: string,
  record: ReleaseRecord,
  { containers }: Pick<HostState, 'containers'>,
): boolean {
  const serving = containers.filter(
    (one) => one.service === service && one.edge === undefined && one.running && one.release !== undefined,
  );
  const names = namesOf(record, service).length;
  return names > 0 && serving.some((one) => lackingNetworks(record, service, one).length === names);
}

function namesOf({ model }: ReleaseRecord, service: string): string[] {
  return Object.keys(networksOf(model.services[service] ?? {})).map((key) => networkName(model, key));
}

/**
 * A store stays on its networks. Containers that this deploy starts on a network with a new name would not find the
 * store there, after the backup and the migration.
 *
 * @returns `preflight.network-left`.
 */
export function leftBehindFaults(
  host: string,
  record: ReleaseRecord,
  { containers }: Pick<HostState, 'containers'>,
  services: readonly PlannedService[],
): UserError[] {
  const kept = services.filter(({ plan, action }) => plan.strategy === 'keep' && action === 'keep');
  return kept.flatMap(({ service }) => {
    const running = containers.find((one) => one.service === service && one.running);
    const lacking = running === undefined ? [] : lackingNetworks(record, service, running);
    const user = services.find(({ service: other, action }) => {
      if (action === 'keep') return false;
      const common = namesOf(record, other).filter((name) => namesOf(record, service).includes(name));
      return common.length > 0 && common.every((name) => lacking.includes(name));
    });
    const [network] = lacking;
    if (running === undefined || user === undefined || network === undefined) return [];
    return [
      new UserError({
        code: 'preflight.network-left',
        message: `${host}: ${user.service} moves to the network ${network}, but ${service} stays on ${Object.keys(running.addresses).join(', ')}: a deploy does not touch stores`,
        hint: `Connect it on the server first: docker network connect --alias ${service} ${network} ${running.name} (if the network does not exist, run docker network create ${network} with the options of the compose file). Or deploy with --replace ${service}, which restarts it.`,
      }),
    ];
  });
}

function missing(host: string, key: string, name: string): UserError {
  return new UserError({
    code: 'preflight.network-missing',
    message: `${host}: network "${name}" does not exist, but networks.${key} in the compose file is external`,
    hint: `Create it on the server: docker network create ${name}. Or remove \`external: true\`.`,
  });
}

function changed(
  host: string,
  key: string,
  name: string,
  differences: readonly string[],
  hasStore: boolean,
): UserError {
  const stores = hasStore ? ' Connect the stores on it to the new one first.' : '';
  return new UserError({
    code: 'preflight.network-changed',
    message: `${host}: network ${name} differs from networks.${key} in the compose file: ${differences.join('; ')}`,
    hint: `Docker cannot change an existing network. Undo the change, or give the network a new name (networks: { ${key}: { name: ${name}-2, … } }): it is created beside the old one.${stores}`,
  });
}
