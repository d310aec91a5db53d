import type { ComposeService, ServicePlan } from '../../config/model.ts';
import { edgeLabels, routingKeys } from '../../config/routing/routing.ts';
import { namesOf, networksOf } from '../../config/services/network-names.ts';
import { labels, type ReleaseRecord } from '../model.ts';
import { canonical, shortHash } from '../plan/hashes.ts';
import { defaultMaxConnections, edgeMemory } from './edge-config.ts';

/** The edge of a service in the project. */
export interface EdgeContainer {
  readonly service: string;
  readonly image: string;
  readonly user: string;
  readonly command: readonly string[];
  readonly stopSignal: string;
  /** The edge's folder on the host. */
  readonly folder: string;
  readonly version: string;
}

/** The edge of a service as a Compose service, with the names, ports and routing labels of the service. */
export function edgeService(
  record: ReleaseRecord,
  plan: ServicePlan,
  service: ComposeService,
  edge: EdgeContainer,
  folder?: string,
): ComposeService {
  const { networks, ports, expose, environment, labels: routed } = openingOf(record, plan, service);
  return {
    image: edge.image,
    command: [...edge.command],
    user: edge.user,
    // Only the deploy user can open its folder, and userns-remap maps this user to another one in a container.
    userns_mode: 'host',
    stop_signal: edge.stopSignal,
    restart: 'always',
    // It parses input of any client, and needs nothing but its own folder.
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    read_only: true,
    pids_limit: 200,
    mem_limit: edgeMemory(plan.edge?.maxConnections ?? defaultMaxConnections),
    // Names that Docker does not know must fail at once, without a query to the internet.
    dns: ['127.0.0.1'],
    volumes: [
      { type: 'bind', source: edge.folder, target: '/etc/sluice', read_only: true },
      { type: 'bind', source: `${edge.folder}/run`, target: '/run/sluice' },
    ],
    logging: { driver: 'json-file', options: { 'max-size': '5m', 'max-file': '2' } },
    networks,
    ...(service.mac_address === undefined ? {} : { mac_address: service.mac_address }),
    ...(ports === undefined ? {} : { ports }),
    // HAProxy's image exposes no port, and a proxy without a port setting uses an exposed one.
    expose,
    ...(Object.keys(environment).length === 0 ? {} : { environment }),
    labels: {
      ...routed,
      [labels.app]: record.app,
      [labels.service]: edge.service,
      [labels.edge]: edge.version,
      [labels.hash]: edgeHash(record, plan, service),
      ...(folder === undefined ? {} : { [labels.folder]: folder }),
    },
  };
}

/** How clients reach the edge: settings that cannot change while its container runs. */
function openingOf(record: ReleaseRecord, plan: ServicePlan, service: ComposeService) {
  const { everywhere, aliases } = namesOf(plan.name, record.model.services, record.app, plan.replicas);
  const networks = Object.entries(networksOf(service)).map(([network, settings]) => {
    const names = [...everywhere, ...(aliases[network] ?? [])];
    return [network, { ...settings, aliases: [...new Set(names)] }] as const;
  });
  const { variables } = routingKeys(service, plan.name);
  return {
    // All networks at creation: Traefik does not notice a network that is connected later.
    networks: Object.fromEntries(networks),
    ports: service.ports,
    expose: plan.ports.map(({ port }) => `${port}`),
    environment: Object.fromEntries(variables.map((key) => [key, service.environment?.[key] ?? null])),
    labels: edgeLabels(service, plan.name, record.app, plan.ports),
  };
}

/**
 * Hash of the settings that are fixed at a container's start: labels, variables, networks, names, published ports. Exposed
 * ports count only for proxies that read them: the listening ports are in the configuration, which can be reloaded. The
 * number of replicas does not count.
 */
export function edgeHash(record: ReleaseRecord, plan: ServicePlan, service: ComposeService): string {
  const { expose, ...opening } = openingOf(record, { ...plan, replicas: 1 }, service);
  const isFound = Object.keys(opening.labels).length + Object.keys(opening.environment).length > 0;
  return shortHash(canonical(isFound ? { ...opening, expose } : opening));
}

/**
 * Whether a running edge must be replaced because the way clients reach it has changed.
 *
 * @param hash from its container's label. An edge without one is replaced if the service has routing labels.
 */
export function isRedefined(
  hash: string | undefined,
  record: ReleaseRecord,
  plan: ServicePlan,
  service: ComposeService,
): boolean {
  if (hash !== undefined) return hash !== edgeHash(record, plan, service);
  const { labels: moved, variables } = routingKeys(service, plan.name);
  return moved.length + variables.length > 0;
}
