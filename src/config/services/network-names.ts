import type { ComposeModel, ComposeService, Strategy } from '../model.ts';

// Docker's DNS answers, on each user-defined network, to a container's name, its aliases, its 12-digit ID and, since
// engine 25, its hostname (moby/moby daemon/container_operations.go buildEndpointDNSNames). Compose adds the aliases
// <service> and <project>-<service>-<number> (docker/compose pkg/compose/create.go).

/** The names by which other containers may call a service. */
export interface ServiceNames {
  /** On every network of the service, its own name first. */
  readonly everywhere: readonly string[];
  /** More of them by network, as the compose file has them. */
  readonly aliases: Readonly<Record<string, readonly string[]>>;
}

/** A link's name that belongs to another service already. */
export interface NameClash {
  /** The service with `links:`. */
  readonly linking: string;
  readonly alias: string;
  readonly owner: string;
}

type Services = ComposeModel['services'];

/** Networks of a service; without `networks:` it is on the project's default one, with `network_mode:` on none. */
export function networksOf(service: ComposeService): NonNullable<ComposeService['networks']> {
  if (service.network_mode !== undefined) return {};
  const networks = service.networks ?? {};
  return Object.keys(networks).length > 0 ? networks : { default: null };
}

/** `links: ["web:app", "db"]` as service and alias; an alias left out is the service's name. */
export function linksOf(service: ComposeService): { readonly to: string; readonly alias: string }[] {
  const links = Array.isArray(service.links) ? (service.links as unknown[]) : [];
  return links.map((link) => {
    const [to = '', alias = to] = `${link}`.split(':');
    return { to, alias };
  });
}

/**
 * All names of a service. Its hostname is one only while no other service has it: engines before 25 did not answer to
 * hostnames, so that one which two services share may have been harmless.
 *
 * @param project name of the compose project, which is in the names of its containers.
 * @param replicas how many containers the service has.
 */
export function namesOf(name: string, services: Services, project: string, replicas: number): ServiceNames {
  const service = services[name] ?? {};
  const numbered = Array.from(
    { length: Math.max(1, replicas) },
    (_, index) => `${project}-${name}-${index + 1}`,
  );
  const hostname = hostnameOf(service);
  const others = Object.keys(services).filter((other) => other !== name);
  const isTaken = hostname !== undefined && ownerOf(hostname, name, services) !== undefined;
  const everywhere = [
    name,
    ...(service.container_name === undefined ? [] : [service.container_name]),
    ...(hostname === undefined || isTaken ? [] : [hostname]),
    ...numbered,
  ];
  const own = Object.entries(networksOf(service)).map(([network, settings]) => {
    const linked = others.flatMap((other) =>
      Object.hasOwn(networksOf(services[other] ?? {}), network)
        ? linksOf(services[other] ?? {})
            .filter(({ to }) => to === name)
            .map(({ alias }) => alias)
        : [],
    );
    const aliases = new Set([...(settings?.aliases ?? []), ...linked]);
    return [network, [...aliases].filter((alias) => !everywhere.includes(alias))] as const;
  });
  return { everywhere: [...new Set(everywhere)], aliases: Object.fromEntries(own) };
}

/** Another service that has a service's hostname as well, as a name or as its own hostname. */
function ownerOf(hostname: string, name: string, services: Services): string | undefined {
  return Object.entries(services).find(
    ([other, service]) =>
      other !== name && (claimsOf(other, services).includes(hostname) || hostnameOf(service) === hostname),
  )?.[0];
}

/** Links whose alias cannot become a name on the network, because another service has it there. */
export function linkClashes(name: string, services: Services): NameClash[] {
  return Object.entries(services).flatMap(([linking, service]) =>
    linksOf(service)
      .filter(({ to, alias }) => to === name && alias !== name)
      .flatMap(({ alias }) => {
        const owner = Object.keys(services).find(
          (other) => other !== name && claimsOf(other, services).includes(alias),
        );
        return owner === undefined ? [] : [{ linking, alias, owner }];
      }),
  );
}

/** Names that a service has by its definition, whatever the engine's version. */
function claimsOf(name: string, services: Services): string[] {
  const service = services[name] ?? {};
  const aliases = Object.values(networksOf(service)).flatMap((settings) => settings?.aliases ?? []);
  return [name, ...aliases, ...(service.container_name === undefined ? [] : [service.container_name])];
}

function hostnameOf(service: ComposeService): string | undefined {
  const { hostname } = service;
  return typeof hostname === 'string' && hostname !== '' && hostname !== 'localhost' ? hostname : undefined;
}

/** Notes for the plan on names and addresses that only one container can have, one sentence each. */
export function notesOfNames(name: string, services: Services, strategy: Strategy): string[] {
  if (strategy !== 'blue-green' && strategy !== 'workers') return [];
  const service = services[name] ?? {};
  const { container_name: container } = service;
  if (strategy === 'workers') {
    return [
      ...(container === undefined
        ? []
        : [`both colors answer to container_name ${container}: Docker cannot give it to two containers`]),
      ...addressesOf(service).map(
        (address) => `the fixed address ${address} is left out: containers of two colors cannot share one`,
      ),
      ...(hasHardwareAddress(service)
        ? ['mac_address is left out: containers of two colors cannot share one']
        : []),
    ];
  }
  const hostname = hostnameOf(service);
  const owner = hostname === undefined ? undefined : ownerOf(hostname, name, services);
  const answers =
    owner === undefined
      ? `the edge answers to hostname ${hostname}: the containers of both colors have their ID as hostname`
      : `hostname ${hostname} is left out, because ${owner} has that name too: its containers have their ID as hostname`;
  return [
    ...(container === undefined
      ? []
      : [
          `the edge answers to container_name ${container}: Docker cannot give it to containers of two colors`,
        ]),
    ...(hostname === undefined ? [] : [answers]),
  ];
}

/** Whether a service has a fixed hardware address, on whatever network. */
export function hasHardwareAddress(service: ComposeService): boolean {
  const settings = Object.values(networksOf(service)) as (Readonly<Record<string, unknown>> | null)[];
  return [service, ...settings].some((setting) => setting?.['mac_address'] !== undefined);
}

/** The fixed addresses of a service, on whatever network. */
export function addressesOf(service: ComposeService): string[] {
  return Object.values(networksOf(service)).flatMap((settings) => {
    const {
      ipv4_address: v4,
      ipv6_address: v6,
      link_local_ips: local,
    } = (settings ?? {}) as Record<string, unknown>;
    const all: unknown[] = [v4, v6, ...(Array.isArray(local) ? local : [])];
    return all.filter((address): address is string => typeof address === 'string');
  });
}

/**
 * Names by which a container reaches itself over the network, besides `localhost`: its service's name, `hostname`,
 * `container_name` and the aliases of its networks. Lower case, each once.
 */
export function ownNames(service: ComposeService, name: string | undefined): string[] {
  const { hostname, domainname } = service as { hostname?: unknown; domainname?: unknown };
  const aliases = Object.values(service.networks ?? {}).flatMap((network) => network?.aliases ?? []);
  const full =
    typeof hostname === 'string' && typeof domainname === 'string' ? `${hostname}.${domainname}` : undefined;
  const names = [name, service.container_name, hostname, full, ...aliases].filter(
    (text): text is string => typeof text === 'string' && text !== '',
  );
  return [...new Set(names.map((entry) => entry.toLowerCase()))];
}

/** Whether a host means the container itself. An empty one does: `:8080` is all of its addresses. */
export function isOwnHost(host: string, names: readonly string[]): boolean {
  const plain = host.toLowerCase().replace(/^\[|\]$/g, '');
  return (
    plain === '' ||
    /^(?:localhost|localhost\.localdomain|ip6-localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|::1?|\*)$/.test(
      plain,
    ) ||
    names.includes(plain)
  );
}
