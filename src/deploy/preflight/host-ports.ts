import type Docker from 'dockerode';

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
