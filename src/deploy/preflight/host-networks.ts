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
