import { BlockList, isIP } from 'node:net';
import type Docker from 'dockerode';
import type { ComposeModel } from '../../config/model.ts';

/** A network of the engine: the settings that a compose file can define. */
export interface NetworkState {
  readonly name: string;
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  readonly ipv6: boolean;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly ipam: {
    readonly driver: string;
    readonly options: Readonly<Record<string, string>>;
    readonly pools: readonly AddressPool[];
  };
}

/** One entry of `ipam.config`. The engine fills in values that a compose file leaves out. */
export interface AddressPool {
  readonly subnet?: string | undefined;
  readonly gateway?: string | undefined;
  readonly range?: string | undefined;
  /** Reserved addresses by name. */
  readonly reserved?: Readonly<Record<string, string>>;
}

/** All networks of an engine. */
export async function listNetworks(engine: Docker): Promise<NetworkState[]> {
  return (await engine.listNetworks()).map((network) => ({
    name: network.Name,
    driver: network.Driver,
    options: network.Options ?? {},
    ipv6: network.EnableIPv6,
    internal: network.Internal,
    attachable: network.Attachable,
    ipam: {
      driver: network.IPAM?.Driver ?? 'default',
      options: network.IPAM?.Options ?? {},
      pools: (network.IPAM?.Config ?? []).map((pool) => ({
        subnet: pool.Subnet,
        gateway: pool.Gateway,
        range: pool.IPRange,
        reserved: (pool.AuxiliaryAddresses ?? {}) as Readonly<Record<string, string>>,
      })),
    },
  }));
}

/** Docker's name of a network that a compose file calls `key`. */
export function networkName(
  { name, networks }: Pick<ComposeModel, 'name' | 'networks'>,
  key: string,
): string {
  const own = networks?.[key]?.name;
  return typeof own === 'string' ? own : `${name}_${key}`;
}

/**
 * Marks existing networks as external, so that Compose never changes a network that carries traffic. Compose 2.31 and
 * newer recreate a network whose hash differs (a label, another version of Compose), and the containers on it lose their
 * aliases (docker/compose pkg/compose/create.go ensureNetwork).
 */
export function withExistingNetworks(
  project: ComposeModel,
  existing: readonly Pick<NetworkState, 'name'>[],
): ComposeModel {
  const { networks } = project;
  if (networks === undefined) return project;
  const entries = Object.entries(networks).map(([key, definition]) => {
    const name = networkName(project, key);
    // Compose rejects an ambiguous external name. Without `external` it finds its own network by labels.
    const isOne = existing.filter((network) => network.name === name).length === 1;
    return [key, isOne ? { name, external: true } : definition] as const;
  });
  return { ...project, networks: Object.fromEntries(entries) };
}

/** A port of the host that is in use, and its address. */
export interface HostPort {
  /** `0.0.0.0`, `::`, `127.0.0.1`. */
  readonly ip: string;
  readonly port: number;
  readonly protocol: string;
}

/** A port that a container publishes. */
export interface PublishedPort extends HostPort {
  /** Id of the container. */
  readonly container: string;
  readonly name: string;
}

/** An address that a running container has on a network. */
export interface TakenAddress {
  /** Docker's name of the network. */
  readonly network: string;
  readonly address: string;
  /** Id of the container. */
  readonly container: string;
  readonly name: string;
}

/** A running container of another project. */
export interface Neighbor {
  readonly name: string;
  /** Docker's names of its networks. */
  readonly networks: readonly string[];
}

/** Lists containers of other projects, and the ports and addresses of all running containers. */
export async function lookAround(
  engine: Docker,
  app: string,
): Promise<{
  readonly published: readonly PublishedPort[];
  readonly neighbors: readonly Neighbor[];
  readonly addresses: readonly TakenAddress[];
}> {
  const found = await engine.listContainers({ filters: JSON.stringify({ status: ['running'] }) });
  const neighbors = found
    .filter(({ Labels }) => Labels['com.docker.compose.project'] !== app)
    .map(({ Id, Names, NetworkSettings }) => ({
      name: Names[0]?.slice(1) ?? Id.slice(0, 12),
      networks: Object.keys(NetworkSettings?.Networks ?? {}),
    }));
  return { published: portsOf(found), neighbors, addresses: found.flatMap(addressesOf) };
}

function addressesOf({ Id, Names, NetworkSettings }: Docker.ContainerInfo): TakenAddress[] {
  const container = { container: Id, name: Names[0]?.slice(1) ?? Id.slice(0, 12) };
  return Object.entries(NetworkSettings?.Networks ?? {}).flatMap(([network, settings]) =>
    [settings.IPAddress, settings.GlobalIPv6Address]
      .filter((address) => address !== undefined && address !== '')
      .map((address) => ({ network, address, ...container })),
  );
}

function portsOf(found: readonly Docker.ContainerInfo[]): PublishedPort[] {
  return found.flatMap(({ Id, Names, Ports }) =>
    (Ports ?? []).flatMap(({ IP, PublicPort, Type }) =>
      PublicPort === undefined
        ? []
        : [
            {
              ...{ container: Id, name: Names[0]?.slice(1) ?? Id.slice(0, 12) },
              ...{ ip: IP ?? '', port: PublicPort, protocol: Type },
            },
          ],
    ),
  );
}

/** Parses `0100007F:1F90` of /proc/net/tcp: an address as words in the machine's byte order, and a port. */
export function listenerOf(text: string): HostPort {
  const [address = '', port = ''] = text.split(':');
  const words = address.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) =>
    [3, 2, 1, 0].map((at) => Number.parseInt(word.slice(at * 2, at * 2 + 2), 16)),
  );
  const isMapped = bytes.length === 16 && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255;
  const ip =
    bytes.length === 4 || isMapped
      ? bytes.slice(-4).join('.')
      : new URL(
          `http://[${Array.from({ length: 8 }, (_, at) => (((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0)).toString(16)).join(':')}]`,
        ).hostname.slice(1, -1);
  return { ip, port: Number.parseInt(port, 16), protocol: 'tcp' };
}

/** Two subnets of one length are equal if one contains the other's address: the engine clears the host bits. */
export function isSameSubnet(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const [[address = '', length = ''], [other = '', otherLength = '']] = [a.split('/'), b.split('/')];
  if (length !== otherLength || isIP(address) === 0 || isIP(address) !== isIP(other)) return a === b;
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  const list = new BlockList();
  list.addSubnet(address, Number(length), family);
  return list.check(other, family);
}

/** Compares addresses in any notation: `fd00::1` equals `fd00:0::1`. */
export function isSameAddress(a: string | undefined, b: string | undefined): boolean {
  // Engines report the gateway of an IPv6 network with or without a prefix length.
  const [one, other] = [a, b].map((address) => address?.split('/')[0]);
  if (one === undefined || other === undefined) return one === other;
  return isSameSubnet(`${one}/${isIP(one) === 6 ? 128 : 32}`, `${other}/${isIP(other) === 6 ? 128 : 32}`);
}
