import { ownNamesIn } from '../../config/health/check.ts';
import type { ComposeModel, ComposeService, ServicePlan } from '../../config/model.ts';
import { colorLabels, routingKeys } from '../../config/routing/routing.ts';
import { linkClashes, linksOf, namesOf, networksOf } from '../../config/services/network-names.ts';
import { UserError } from '../../kernel/errors.ts';
import { type Colour, labels, type ReleaseRecord } from '../model.ts';
import { serviceHash } from '../plan/hashes.ts';
import { replicaName } from '../traffic/edge-config.ts';
import { type EdgeContainer, edgeService } from '../traffic/edge-container.ts';

export { contentHash, serviceHash } from '../plan/hashes.ts';
export type { EdgeContainer } from '../traffic/edge-container.ts';

/** Name of a service in the generated project; it has the color if both colors exist during a deploy. */
export function projectService(plan: ServicePlan, colour: Colour): string {
  return isColoured(plan) ? `${plan.name}-${colour}` : plan.name;
}

/**
 * Name of an edge in the generated project. The service's name is its network alias. As a Compose service it needs
 * another name, or Compose takes a plain project's container for an old version of the edge and replaces it.
 */
export function edgeProjectService(service: string): string {
  return `${service}-edge`;
}

/**
 * Refuses a service whose name Sluice generates for another service: Compose mixes up their containers.
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

/** A link's alias becomes a network alias, so it must not be the name of another service. */
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

/** Whether a service exists in both colors during a deploy. */
export function isColoured(plan: ServicePlan): boolean {
  return plan.strategy === 'blue-green' || plan.strategy === 'workers';
}

/**
 * The compose project of a release on a host: `backend` becomes `backend-green` plus `backend-edge`, all other services
 * keep their names. Dependencies are dropped because the transaction orders the starts itself.
 *
 * @param folder the app's folder on the host, for the owner label.
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
    // Without the release's name, in which Compose sees a change.
    const restart = servingRestart(plan, rest.restart);
    return { ...common, restart, labels: { ...rest.labels, ...marks } };
  }
  const { ports: _ports, container_name: _name, expose: _expose, ...coloured } = common;
  // Two containers cannot share a MAC address.
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
 * A color of a blue-green service has only the name by which the edge finds it. All other names, the hostname (engine 25
 * and newer resolve it) and the routing labels belong to the edge.
 *
 * @param name {@link replicaName}.
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
 * Hosts entries for a health check that requests the service's own name, so that it reaches its own container. By DNS it
 * reaches the edge, and so the old color: a broken new color passes. The app must listen on 127.0.0.1.
 */
function ownHosts(plan: ServicePlan, service: ComposeService): string[] {
  const written = hostEntries(service.extra_hosts);
  const known = new Set(written.map((entry) => entry.split(/[:=]/)[0]));
  const own = ownNamesIn(service, plan.name).filter((name) => !known.has(name));
  return own.length === 0 ? [] : [...written, ...own.map((name) => `${name}:127.0.0.1`)];
}

/** `extra_hosts` as a list, from a list or a map. */
function hostEntries(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(String);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([host, addresses]) =>
    (Array.isArray(addresses) ? addresses : [addresses]).map((address) => `${host}:${address}`),
  );
}

/** Workers have no edge: both colors have the names of the service while both run. */
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
 * Links to a service with colors become network aliases: a link resolves the container's name once, at creation, and the
 * next deploy replaces that container.
 */
function keptLinks(record: ReleaseRecord, service: ComposeService): string[] {
  return linksOf(service)
    .filter(({ to }) => record.services.some((plan) => plan.name === to && !isColoured(plan)))
    .map(({ to, alias }) => `${to}:${alias}`);
}

/** Aliases and fixed addresses of the service belong to the edge. */
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
 * Services get `always`, so that they start after a reboot or a crash of the engine: an `unless-stopped` container stays
 * down after the engine was killed. (Retiring sets the old color's policy to `no`, see containers.ts.)
 */
function servingRestart(plan: ServicePlan, restart: string | undefined): string {
  if (plan.strategy === 'job' || (restart === 'no' && !isColoured(plan))) return 'no';
  // A worker may end with code 0 on purpose and must not run again. A web service never ends on purpose.
  return restart?.startsWith('on-failure') && plan.strategy !== 'blue-green' ? restart : 'always';
}
