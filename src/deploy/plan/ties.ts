import { hasHardwareAddress, networksOf } from '../../config/services/network-names.ts';
import { sharedKeys } from '../../config/services/stores.ts';
import { UserError } from '../../kernel/errors.ts';
import type { PlannedEdge, PlannedService, ReleaseRecord } from '../model.ts';
import type { HostState } from '../on-host/state.ts';
import { isSameAddress, networkName } from '../preflight/host-network.ts';
import { isColoured } from '../project/project.ts';

interface Tie {
  readonly key: (typeof sharedKeys)[number];
  /** `service` or `container`. */
  readonly kind: string;
  readonly name: string;
}

/** The containers whose network, IPC or processes a service shares. */
function tiesOf({ model }: ReleaseRecord, service: string): Tie[] {
  const definition = model.services[service] ?? {};
  return sharedKeys.flatMap((key) => {
    const [, kind, name] = /^(service|container):(.+)$/.exec(`${definition[key] ?? ''}`) ?? [];
    return kind === undefined || name === undefined ? [] : [{ key, kind, name }];
  });
}

/**
 * A container that shares the network of a replaced container would keep the network of a removed one, so it is replaced
 * with it even if its definition did not change.
 *
 * @param replace stores to replace (`--replace`).
 */
export function withTied(
  services: readonly PlannedService[],
  record: ReleaseRecord,
  replace: readonly string[] = [],
): PlannedService[] {
  const all = [...services];
  for (let changed = true; changed; ) {
    changed = false;
    for (const [index, planned] of all.entries()) {
      const host = replacedHost(planned, all, record);
      if (host === undefined || planned.action !== 'keep') continue;
      if (planned.plan.strategy === 'keep' && !replace.includes(planned.service)) continue;
      const why = `it shares the ${words[host.key]} of ${host.name}, which is replaced`;
      all[index] =
        planned.plan.strategy === 'singleton'
          ? { ...planned, action: 'swap', why: `${why}: the old one stops, then the new one starts` }
          : { ...planned, action: 'replace', why: `${why}: stopped and started in place, a short gap` };
      changed = true;
    }
  }
  return all;
}

const words = { network_mode: 'network', ipc: 'IPC namespace', pid: 'processes' } as const;

function replacedHost(
  { service }: PlannedService,
  services: readonly PlannedService[],
  record: ReleaseRecord,
): Tie | undefined {
  return tiesOf(record, service).find(
    ({ kind, name }) =>
      kind === 'service' &&
      services.some((plannedService) => plannedService.service === name && plannedService.action !== 'keep'),
  );
}

/**
 * Faults that prevent a container of this deploy from starting: another container has its fixed address, the container
 * whose namespace it shares is missing, or a store would lose the namespace it shares.
 *
 * @returns `preflight.address-taken`, `preflight.container-missing`, `preflight.store-tied`.
 */
export function tieFaults(
  host: string,
  record: ReleaseRecord,
  state: Pick<HostState, 'containers' | 'neighbors' | 'addresses'>,
  {
    services,
    edges,
  }: { readonly services: readonly PlannedService[]; readonly edges: readonly PlannedEdge[] },
): UserError[] {
  return [
    ...services.flatMap((planned) => storeFault(host, record, services, planned)),
    ...services.flatMap((planned) => missingContainers(host, record, state, planned)),
    ...takenAddresses(host, record, state, services, edges),
  ];
}

function storeFault(
  host: string,
  record: ReleaseRecord,
  services: readonly PlannedService[],
  planned: PlannedService,
): UserError[] {
  if (planned.plan.strategy !== 'keep' || planned.action !== 'keep') return [];
  const tie = replacedHost(planned, services, record);
  if (tie === undefined) return [];
  return [
    new UserError({
      code: 'preflight.store-tied',
      message: `${host}: ${planned.service} shares the ${words[tie.key]} of ${tie.name} (${tie.key}), which this deploy replaces, but a deploy does not touch ${planned.service}`,
      hint: `Deploy with --replace ${planned.service}, which restarts it, too.`,
    }),
  ];
}

/** Known names: those of uncolored services, and those of other running containers. */
function missingContainers(
  host: string,
  record: ReleaseRecord,
  { containers, neighbors }: Pick<HostState, 'containers' | 'neighbors'>,
  { service, action }: PlannedService,
): UserError[] {
  if (action === 'keep' || neighbors === undefined) return [];
  const own = record.services
    .filter((plan) => !isColoured(plan) && plan.strategy !== 'job')
    .flatMap(({ name }) => [
      record.model.services[name]?.container_name ?? '',
      `${record.app}-${name}-1`,
      ...containers.filter((one) => one.running && one.service === name).map((one) => one.name),
    ]);
  const known = new Set([...own, ...neighbors.map(({ name }) => name)]);
  return (
    tiesOf(record, service)
      .filter(({ kind, name }) => kind === 'container' && !known.has(name))
      // The engine also accepts an id, which is not checked here.
      .filter(({ name }) => !/^[0-9a-f]{12,64}$/.test(name))
      .map(
        ({ key, name }) =>
          new UserError({
            code: 'preflight.container-missing',
            message: `${host}: services.${service}.${key} names the container ${name}, which is not running on the host, or which a deploy replaces`,
            hint: `Start ${name} first. For a service of this app, write ${key}: service:NAME.`,
          }),
      )
  );
}

/** An address of a network belongs to one container. The engine refuses only when the second one starts. */
function takenAddresses(
  host: string,
  record: ReleaseRecord,
  { containers, addresses = [] }: Pick<HostState, 'containers' | 'addresses'>,
  services: readonly PlannedService[],
  edges: readonly PlannedEdge[],
): UserError[] {
  const opened = edges.filter(({ action }) => action === 'create' || action === 'replace');
  const started = services.filter(
    ({ plan, action }) => !isColoured(plan) && ['create', 'replace', 'swap'].includes(action),
  );
  const names = [...opened.map(({ service }) => service), ...started.map(({ service }) => service)];
  return names.flatMap((service) =>
    fixedAddresses(record, service).flatMap(({ network, address }) => {
      const holder = addresses.find(
        (takenAddress) => takenAddress.network === network && isSameAddress(takenAddress.address, address),
      );
      const own = containers.find(({ id }) => id === holder?.container);
      // A container frees its address for its own replacement, and an adopted one for its edge.
      const isGivenUp = own?.service === service && (own.edge !== undefined || own.colour === undefined);
      if (holder === undefined || isGivenUp) return [];
      return [
        new UserError({
          code: 'preflight.address-taken',
          message: `${host}: services.${service} has the fixed address ${address} on the network ${network}, which container ${holder.name} already uses`,
          hint: `Give ${service} another address, outside the range that the network assigns (ipam.config.ip_range), or stop ${holder.name}.`,
        }),
      ];
    }),
  );
}

function fixedAddresses({ model }: ReleaseRecord, service: string): { network: string; address: string }[] {
  return Object.entries(networksOf(model.services[service] ?? {})).flatMap(([key, settings]) => {
    const { ipv4_address: v4, ipv6_address: v6 } = (settings ?? {}) as Record<string, unknown>;
    return [v4, v6].flatMap((address) =>
      typeof address === 'string' ? [{ network: networkName(model, key), address }] : [],
    );
  });
}

/** Whether a service has a fixed IP or hardware address, which another container can only take when it has ended. */
export function hasFixedAddress(record: ReleaseRecord, service: string): boolean {
  return (
    hasHardwareAddress(record.model.services[service] ?? {}) || fixedAddresses(record, service).length > 0
  );
}
