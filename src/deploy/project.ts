import { createHash } from 'node:crypto';
import type { ComposeModel, ComposeService, ServicePlan } from '../config/model.ts';
import { UserError } from '../kernel/errors.ts';
import { type Colour, labels, type ReleaseRecord } from './model.ts';

/** What the edge of a service adds to the project; rendered by edge/config.ts, passed in to keep this pure. */
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
export function refuseNameClashes(services: readonly ServicePlan[]): void {
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

/** Blue-green services and workers exist in both colours for a while. */
export function isColoured(plan: ServicePlan): boolean {
  return plan.strategy === 'blue-green' || plan.strategy === 'workers';
}

/**
 * The compose project that a release becomes on a host: `backend` turns into `backend-green` plus `backend-edge`;
 * everything else keeps its name. Dependencies are dropped because the transaction orders the starts itself.
 */
export function releaseProject(
  record: ReleaseRecord,
  colour: Colour,
  edges: readonly EdgeContainer[],
): ComposeModel {
  const services: Record<string, ComposeService> = {};
  for (const plan of record.services) {
    const service = record.model.services[plan.name];
    if (service === undefined) continue;
    services[projectService(plan, colour)] = containerService(record, plan, service, colour);
    const edge = edges.find((each) => each.service === plan.name);
    if (edge !== undefined) services[edgeProjectService(plan.name)] = edgeService(record, service, edge);
  }
  return { ...record.model, services };
}

function containerService(
  record: ReleaseRecord,
  plan: ServicePlan,
  service: ComposeService,
  colour: Colour,
): ComposeService {
  const { depends_on: _order, profiles: _profiles, build: _build, ...rest } = service;
  const marks = {
    ...rest.labels,
    [labels.app]: record.app,
    [labels.service]: plan.name,
    [labels.strategy]: plan.strategy,
    [labels.hash]: serviceHash(service),
  };
  if (!isColoured(plan)) {
    // The release's name is left out: it would make Compose see a change in a service that has none.
    return { ...rest, restart: servingRestart(plan, rest.restart), labels: marks };
  }
  const { ports: _ports, container_name: _name, expose: _expose, networks, ...inner } = rest;
  return {
    ...inner,
    ...(networks === undefined ? {} : { networks: withoutAliases(networks) }),
    restart: servingRestart(plan, rest.restart),
    deploy: { ...rest.deploy, replicas: plan.replicas },
    labels: { ...marks, [labels.colour]: colour, [labels.release]: record.release },
  };
}

function edgeService(record: ReleaseRecord, service: ComposeService, edge: EdgeContainer): ComposeService {
  return {
    image: edge.image,
    command: [...edge.command],
    user: edge.user,
    stop_signal: edge.stopSignal,
    restart: 'always',
    // Names that Docker does not know must fail at once and never be asked of the internet.
    dns: ['127.0.0.1'],
    volumes: [
      { type: 'bind', source: edge.folder, target: '/etc/sluice', read_only: true },
      { type: 'bind', source: `${edge.folder}/run`, target: '/run/sluice' },
    ],
    logging: { driver: 'json-file', options: { 'max-size': '5m', 'max-file': '2' } },
    networks: withName(service.networks, edge.service),
    ...(service.ports === undefined ? {} : { ports: service.ports }),
    labels: {
      [labels.app]: record.app,
      [labels.service]: edge.service,
      [labels.edge]: edge.version,
    },
  };
}

/** The networks of a service, in each of which the edge answers to the service's name. */
function withName(
  networks: ComposeService['networks'],
  name: string,
): NonNullable<ComposeService['networks']> {
  const entries = Object.entries(networks ?? { default: null }).map(([network, settings]) => {
    const aliases = [...new Set([name, ...(settings?.aliases ?? [])])];
    return [network, { ...settings, aliases }] as const;
  });
  return Object.fromEntries(entries);
}

/** The service's own aliases and fixed addresses belong to the edge: a colour answers only to `<service>-<colour>`. */
function withoutAliases(
  networks: NonNullable<ComposeService['networks']>,
): NonNullable<ComposeService['networks']> {
  const entries = Object.entries(networks).map(([name, network]) => {
    if (network === null) return [name, null] as const;
    const {
      aliases: _aliases,
      ipv4_address: _v4,
      ipv6_address: _v6,
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
  return restart?.startsWith('on-failure') ? restart : 'always';
}

/** Hash of a service's definition: equal for services that would make equal containers. */
export function serviceHash(service: ComposeService): string {
  const { depends_on: _order, profiles: _profiles, build: _build, ...what } = service;
  return shortHash(canonical(what));
}

/** Hash of all that makes a release what it is. */
export function contentHash(model: ComposeModel, services: readonly ServicePlan[]): string {
  return shortHash(canonical({ model, services }));
}

export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** JSON with sorted keys, so that the order in a file never counts as a change. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    item !== null && typeof item === 'object' && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
