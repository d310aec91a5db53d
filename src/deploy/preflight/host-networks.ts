import type Docker from 'dockerode';
import type { ComposeModel } from '../../config/model.ts';

/** A network of the engine, as far as a compose file can define it. */
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

/** One entry of `ipam.config`; the engine knows more of it than a compose file says. */
export interface AddressPool {
  readonly subnet?: string | undefined;
  readonly gateway?: string | undefined;
  readonly range?: string | undefined;
  /** Addresses that are reserved, by name. */
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
 * The project with the networks that exist as external ones: Compose then never touches what carries traffic. Left to
 * itself, 2.31 and newer remove and make a network again when its hash differs (a label, another version of Compose), and
 * the containers on it lose their aliases (docker/compose pkg/compose/create.go ensureNetwork).
 */
export function withExistingNetworks(
  project: ComposeModel,
  existing: readonly Pick<NetworkState, 'name'>[],
): ComposeModel {
  const { networks } = project;
  if (networks === undefined) return project;
  const entries = Object.entries(networks).map(([key, definition]) => {
    const name = networkName(project, key);
    // Several of one name are an error to Compose if they are external; by its labels it can tell them apart.
    const isOne = existing.filter((network) => network.name === name).length === 1;
    return [key, isOne ? { name, external: true } : definition] as const;
  });
  return { ...project, networks: Object.fromEntries(entries) };
}
