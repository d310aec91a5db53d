import { ownNamesIn } from '../../config/health/check.ts';
import type { ComposeModel, ComposeService, ServicePlan } from '../../config/model.ts';
import { colorLabels, routingKeys } from '../../config/routing/routing.ts';
import { linkClashes, linksOf, namesOf, networksOf } from '../../config/services/network-names.ts';
import { UserError } from '../../kernel/errors.ts';
import { type Colour, labels, type ReleaseRecord } from '../model.ts';
import { serviceHash } from '../plan/hashes.ts';
import { replicaName } from '../traffic/edge-config.ts';
import { type EdgeContainer, edgeService } from '../traffic/edge-container.ts';

export { contentHash, serviceHash, shortHash } from '../plan/hashes.ts';
export type { EdgeContainer } from '../traffic/edge-container.ts';

/** Name of a service's entry in the generated project: coloured for what exists twice during a deploy. */
export function projectService(plan: ServicePlan, colour: Colour): string {
  return isColoured(plan) ? `${plan.name}-${colour}` : plan.name;
}

/**
 * Name of an edge's entry. It answers to the service's name as a network alias; as a Compose service it must not
 * have that name, or Compose would take a plain project's container for an old version of the edge and replace it.
 */
export function edgeProjectService(service: string): string {
  return `${service}-edge`;
}

/**
 * A user's service may not have a name that stands for something of another one: Compose would mix their containers.
 *
 * @throws UserError `compose.name-clash`.
 */
export function refuseNameClashes(
  services: readonly ServicePlan[],
  definitions: ComposeModel['services'] = {},
): void {
  refuseLinkClashes(services, definitions);
  const owners = new Map<string, string>();
  for (const plan of services.filter(isColoured)) {
    for (const colour of ['blue', 'green'] as const) owners.set(projectService(plan, colour), plan.name);
    if (plan.strategy === 'blue-green') owners.set(edgeProjectService(plan.name), plan.name);
  }
  const clash = services.find((plan) => owners.has(plan.name));
  if (clash === undefined) return;
  const owner = owners.get(clash.name);
  throw new UserError({
    code: 'compose.name-clash',
    message: `services.${clash.name}: Sluice needs this name for the containers of ${owner}`,
    hint: `Rename ${clash.name} in the compose file, or give ${owner} another strategy.`,
  });
}

/** A link's alias becomes a name on the network, where another service must not have it. */
function refuseLinkClashes(services: readonly ServicePlan[], definitions: ComposeModel['services']): void {
  for (const { name } of services.filter(isColoured)) {
    const [clash] = linkClashes(name, definitions);
    if (clash === undefined) continue;
    throw new UserError({
      code: 'compose.name-clash',
      message: `services.${clash.linking}.links: "${name}:${clash.alias}" gives ${name} the name of ${clash.owner}`,
      hint: `Remove the link, and use the name ${name} in ${clash.linking}.`,
    });
  }
}

/** Blue-green services and workers exist in both colours for a while. */
export function isColoured(plan: ServicePlan): boolean {
  return plan.strategy === 'blue-green' || plan.strategy === 'workers';
}

/**
 * The compose project that a release becomes on a host: `backend` turns into `backend-green` plus `backend-edge`;
 * everything else keeps its name. Dependencies are dropped because the transaction orders the starts itself.
 *
 * @param folder the app's folder on the host, which its containers name as their owner.
 */
export function releaseProject(
  record: ReleaseRecord,
  colour: Colour,
  edges: readonly EdgeContainer[],
  folder?: string,
): ComposeModel {
  const services: Record<string, ComposeService> = {};
  for (const plan of record.services) {
    const service = record.model.services[plan.name];
    if (service === undefined) continue;
    services[projectService(plan, colour)] = containerService(record, plan, service, colour, folder);
    const edge = edges.find((edgeContainer) => edgeContainer.service === plan.name);
    if (edge !== undefined)
      services[edgeProjectService(plan.name)] = edgeService(record, plan, service, edge, folder);
  }
  return { ...record.model, services };
}

function containerService(
  record: ReleaseRecord,
  plan: ServicePlan,
  service: ComposeService,
  colour: Colour,
  folder: string | undefined,
): ComposeService {
  const { depends_on: _order, profiles: _profiles, build: _build, links: _links, ...rest } = service;
  const links = keptLinks(record, service);
  const common = { ...rest, ...(links.length > 0 ? { links } : {}) };
  const marks = {
    [labels.app]: record.app,
    [labels.service]: plan.name,
    [labels.strategy]: plan.strategy,
    [labels.hash]: serviceHash(service),
    ...(folder === undefined ? {} : { [labels.folder]: folder }),
  };
  if (!isColoured(plan)) {
    // The release's name is left out: it would make Compose see a change in a service that has none.
    const restart = servingRestart(plan, rest.restart);
    return { ...common, restart, labels: { ...rest.labels, ...marks } };
  }
  const { ports: _ports, container_name: _name, expose: _expose, ...coloured } = common;
  // A fixed hardware address is one container's.
  const { mac_address: _mac, ...inner } = coloured as ComposeService;
  const own =
    plan.strategy === 'workers'
      ? workerParts(record, plan, inner)
      : colorParts(plan, service, inner, replicaName(record.app, plan.name, colour));
  return {
    ...own,
    restart: servingRestart(plan, rest.restart),
    deploy: { ...rest.deploy, replicas: plan.replicas },
    labels: { ...own.labels, ...marks, [labels.colour]: colour, [labels.release]: record.release },
  };
}

/**
 * A color of a blue-green service answers to a name of its own alone: every other name, its hostname too (engine 25 and
 * newer answer to it), and whatever routes to it is the edge's.
 *
 * @param name {@link replicaName}, by which the edge finds it.
 */
function colorParts(
  plan: ServicePlan,
  service: ComposeService,
  inner: ComposeService,
  name: string,
): ComposeService {
  const { hostname: _hostname, networks: _networks, ...rest } = inner;
  const { switches } = routingKeys(service, plan.name);
  const environment = Object.entries(service.environment ?? {}).filter(([key]) => !switches.includes(key));
  const hosts = ownHosts(plan, service);
  return {
    ...rest,
    networks: Object.fromEntries(
      Object.entries(withoutAliases(networksOf(inner))).map(([network, settings]) => {
        return [network, { ...settings, aliases: [name] }] as const;
      }),
    ),
    ...(service.environment === undefined ? {} : { environment: Object.fromEntries(environment) }),
    ...(hosts.length > 0 ? { extra_hosts: hosts } : {}),
    labels: { ...colorLabels(service, plan.name), [labels.name]: name },
  };
}

/**
 * Entries of the hosts file by which a health check that asks for the service's own name reaches its own container.
 * By DNS it would reach the edge, and with it the old color: the new one would be healthy because the old one is. An
 * app that listens on its container's address alone, or on IPv6 alone, cannot be asked in this way.
 */
function ownHosts(plan: ServicePlan, service: ComposeService): string[] {
  const written = hostEntries(service.extra_hosts);
  const known = new Set(written.map((entry) => entry.split(/[:=]/)[0]));
  const own = ownNamesIn(service, plan.name).filter((name) => !known.has(name));
  return own.length === 0 ? [] : [...written, ...own.map((name) => `${name}:127.0.0.1`)];
}

/** `extra_hosts` as the list that Compose prints, also where it was written as a map. */
function hostEntries(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(String);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([host, addresses]) =>
    (Array.isArray(addresses) ? addresses : [addresses]).map((address) => `${host}:${address}`),
  );
}

/** Workers have no edge: both colors answer to the names of the service while both run. */
function workerParts(record: ReleaseRecord, plan: ServicePlan, inner: ComposeService): ComposeService {
  if (inner.network_mode !== undefined) return inner;
  const { everywhere, aliases } = namesOf(plan.name, record.model.services, record.app, plan.replicas);
  const bare = withoutAliases(networksOf(inner));
  const networks = Object.entries(bare).map(([network, settings]) => {
    return [network, { ...settings, aliases: [...everywhere, ...(aliases[network] ?? [])] }] as const;
  });
  return { ...inner, networks: Object.fromEntries(networks) };
}

/**
 * Links to what exists twice are names on the networks instead: a link leads to a container's name at the time of its
 * creation, which another container has after the next deploy.
 */
function keptLinks(record: ReleaseRecord, service: ComposeService): string[] {
  return linksOf(service)
    .filter(({ to }) => record.services.some((plan) => plan.name === to && !isColoured(plan)))
    .map(({ to, alias }) => `${to}:${alias}`);
}

/** The service's own aliases and fixed addresses belong to the edge. */
function withoutAliases(
  networks: NonNullable<ComposeService['networks']>,
): NonNullable<ComposeService['networks']> {
  const entries = Object.entries(networks).map(([name, network]) => {
    if (network === null) return [name, null] as const;
    const {
      aliases: _aliases,
      ipv4_address: _v4,
      ipv6_address: _v6,
      mac_address: _mac,
      link_local_ips: _local,
      ...rest
    } = network as Record<string, unknown>;
    return [name, rest] as const;
  });
  return Object.fromEntries(entries);
}

/**
 * What must serve after a reboot or a crash of the engine is `always`: an `unless-stopped` container stays down when
 * the engine was killed. (The old colour's policy is set to `no` when it is retired, see containers.ts.)
 */
function servingRestart(plan: ServicePlan, restart: string | undefined): string {
  if (plan.strategy === 'job' || (restart === 'no' && !isColoured(plan))) return 'no';
  // What ends well on purpose must not run again; who answers requests never does.
  return restart?.startsWith('on-failure') && plan.strategy !== 'blue-green' ? restart : 'always';
}
