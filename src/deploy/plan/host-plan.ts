import type { ServicePlan } from '../../config/model.ts';
import { throwAll, UserError } from '../../kernel/errors.ts';
import {
  type Colour,
  type HostPlan,
  otherColour,
  type PlannedEdge,
  type PlannedService,
  type ReleaseRecord,
} from '../model.ts';
import { type ContainerState, type HostState, releaseNamed, servingColour } from '../on-host/state.ts';
import { refuseDataElsewhere } from '../preflight/adopted.ts';
import { refuseNameClashes } from '../project/project.ts';
import { adoptionWarnings, type EdgePlanInput, planEdge } from './edges.ts';
import { canonical } from './hashes.ts';
import { lackingNetworks, leftBehindFaults, networkFaults, strandedBy } from './networks.ts';
import { handoverWarnings, planPorts } from './ports.ts';
import { planService, type ServicePlanInput } from './service.ts';
import { colourFaults, strayWarnings } from './strays.ts';
import { tieFaults, withTied } from './ties.ts';

/** Input of the plan of one host: the wanted and the current state. */
export interface HostPlanInput extends ServicePlanInput, EdgePlanInput {
  readonly host: string;
  /** References of the release's images that the host's engine already has. */
  readonly presentImages: ReadonlySet<string>;
  /** Files and version of each blue-green service's edge. */
  readonly edges: readonly Pick<PlannedEdge, 'service' | 'files' | 'version' | 'memory'>[];
  /** The release ran here before: changed settings of a network do not block it. */
  readonly rollback?: boolean;
}

/**
 * Decides what a deploy of a release does on one host. Pure.
 *
 * @throws UserError(s) `compose.name-clash`, `preflight.colors-differ`, `preflight.strategy-changed`,
 * `preflight.data-elsewhere`, `preflight.port-taken`, `preflight.network-*`, `preflight.address-taken`, `preflight.container-missing`, `preflight.store-tied`.
 */
export function planHost(input: HostPlanInput): HostPlan {
  const { record, state } = input;
  refuseNameClashes(record.services, record.model.services);
  throwAll(colourFaults(input.host, state));
  const serving = servingColour(state);
  const adopting =
    serving === undefined && state.containers.some((container) => container.plain && container.running);
  const colour: Colour = serving === undefined ? (adopting ? 'green' : 'blue') : otherColour(serving);
  const before = releaseNamed(state, state.current);
  refuseStrategyChange(input.host, record, before);
  refuseDataElsewhere(input.host, record, state);
  const own = record.services.map((plan) => planService(plan, input));
  const services = withTied(own, record, input.replace);
  const edges = input.edges.map((edge) => planEdge(edge, input));
  const networks = networkFaults(input.host, record, state, before);
  const bearable = networks.filter(
    ({ code }) => input.rollback === true && code === 'preflight.network-changed',
  );
  throwAll([
    ...networks.filter((fault) => !bearable.includes(fault)),
    ...leftBehindFaults(input.host, record, state, services),
    ...tieFaults(input.host, record, state, { services, edges }),
  ]);
  const warnings: string[] = bearable.map(({ message }) => `${message}. It stays as it is.`);
  const known = new Set(record.services.map((plan) => plan.name));
  const gone = (before?.services ?? []).filter((plan) => !known.has(plan.name));
  // Edges of services that left in an earlier release whose run died before it removed them.
  const left = state.containers.filter(({ edge, service }) => edge !== undefined && !known.has(service));
  const removed = [
    ...new Set([
      ...gone.filter((plan) => plan.strategy !== 'keep').map((plan) => plan.name),
      ...left.map(({ service }) => service),
    ]),
  ];
  for (const { name } of gone.filter((plan) => plan.strategy === 'keep')) {
    warnings.push(
      `${name} no longer belongs on this host, but it is a store: it keeps running until you remove it manually.`,
    );
  }
  warnings.push(...storeWarnings(services, record.target), ...orderWarnings(services, record));
  warnings.push(...idleWarnings(services));
  for (const edge of edges) {
    warnings.push(...portWarnings(edge.service, record, before));
    if (edge.redefined) {
      warnings.push(
        `The names, networks, published ports or routing labels of ${edge.service} changed: its edge is replaced, which interrupts the service ${strandedBy(edge.service, record, state) ? 'until the new release is healthy, because the old one is on none of its new networks. Keep the old network beside the new one for one release to avoid that' : 'for a few seconds'}.`,
      );
    }
    if (edge.imageDiffers && edge.action !== 'replace') {
      warnings.push(
        `The edge of ${edge.service} runs another HAProxy image than configured. Only --replace-edges replaces it, because that closes its connections.`,
      );
    }
    if (edge.adopted !== undefined) warnings.push(...adoptionWarnings(edge, record, state));
  }
  const handovers = planPorts(input.host, record, state, { services, edges, before });
  warnings.push(
    ...handoverWarnings(handovers),
    ...strayWarnings(record, state, before, { services, handovers }),
  );
  return {
    host: input.host,
    release: record.release,
    colour,
    // An app without colors has a previous release, too: an undo restores its replaced services to it.
    previous:
      before === undefined ? undefined : { release: before.release, colour: serving ?? otherColour(colour) },
    services,
    removed,
    handovers,
    edges,
    env: {
      added: record.envKeys.filter((key) => before !== undefined && !before.envKeys.includes(key)),
      removed: (before?.envKeys ?? []).filter((key) => !record.envKeys.includes(key)),
      changed: before !== undefined && before.envVersion !== record.envVersion,
    },
    images: neededImages(services, edges, input),
    record,
    warnings,
  };
}

/** A store that keeps its old definition is always reported. */
function storeWarnings(services: readonly PlannedService[], target: string): string[] {
  return services.flatMap(({ service, differences }) =>
    differences === undefined
      ? []
      : [
          `${service} keeps its old definition (changed: ${differences.join(', ')}). \`sluice deploy ${target} --replace ${service}\` applies it: the service stops and starts again in place.`,
        ],
  );
}

/** Stores start before the backup and jobs run after it, even if `depends_on` requires the reverse. */
function orderWarnings(services: readonly PlannedService[], { model }: ReleaseRecord): string[] {
  const jobs = services.filter(({ action }) => action === 'run').map(({ service }) => service);
  return services
    .filter(({ plan, action }) => plan.strategy === 'keep' && action === 'create')
    .flatMap(({ service }) => {
      const job = Object.keys(model.services[service]?.depends_on ?? {}).find((need) => jobs.includes(need));
      return job === undefined
        ? []
        : [
            `${service} depends on ${job}, but a deploy creates stores before its jobs run: ${service} starts before ${job} has run.`,
          ];
    });
}

/** A deploy that changes nothing is usually a mistake. */
function idleWarnings(services: readonly PlannedService[]): string[] {
  if (services.some(({ action }) => action !== 'keep')) return [];
  const stores = services.filter(({ plan }) => plan.strategy === 'keep');
  if (stores.length < services.length) return [];
  return [
    'This deploy changes nothing: every service has the strategy keep. Set another strategy under `services:` in sluice.yml.',
  ];
}

/**
 * While a service changed between an edge and a plain container, its name would have two owners or none.
 *
 * @throws UserError `preflight.strategy-changed`.
 */
function refuseStrategyChange(host: string, record: ReleaseRecord, before: ReleaseRecord | undefined): void {
  for (const { name, strategy } of record.services) {
    const old = before?.services.find((plan) => plan.name === name)?.strategy;
    if (old === undefined || old === strategy || (old !== 'blue-green' && strategy !== 'blue-green'))
      continue;
    throw new UserError({
      code: 'preflight.strategy-changed',
      message: `${host}: cannot change the strategy of ${name} from ${old} to ${strategy} while it is serving`,
      hint: `Set \`strategy: ${old}\` for ${name} in sluice.yml. Or give the service another name, deploy, and move its clients.`,
    });
  }
}

/** The edge listens and checks for both colors at once, so it cannot follow such a change without a gap. */
function portWarnings(service: string, record: ReleaseRecord, before: ReleaseRecord | undefined): string[] {
  const now = record.services.find((plan) => plan.name === service);
  const old = before?.services.find((plan) => plan.name === service);
  if (now === undefined || old?.strategy !== 'blue-green') return [];
  const ports = (plan: ServicePlan) => plan.ports.map((plannedPort) => plannedPort.port).join(', ');
  const warnings: string[] = [];
  if (ports(now) !== ports(old)) {
    warnings.push(
      `${service} changes its port (${ports(old)} → ${ports(now)}): until the switch, clients cannot reach the old release on the old port. To avoid the gap, listen on both ports for one release.`,
    );
  }
  if (now.health !== old.health || canonical(now.healthRequest) !== canonical(old.healthRequest)) {
    const what = now.health === old.health ? 'its health request' : 'its health path';
    warnings.push(
      `${service} changes ${what} (${old.health ?? 'none'} → ${now.health ?? 'none'}): if the old release does not answer the new request, the guard cannot tell that it is healthy. Answer both for one release.`,
    );
  }
  return warnings;
}

function neededImages(
  services: readonly PlannedService[],
  edges: readonly PlannedEdge[],
  input: HostPlanInput,
): HostPlan['images'] {
  const wanted = new Set(
    services.filter((service) => service.action !== 'keep').map((service) => service.image),
  );
  if (edges.some((edge) => edge.action === 'create')) wanted.add(input.edgeImage);
  return [...wanted].map((reference) => ({ reference, present: input.presentImages.has(reference) }));
}

/** Whether the same content is already serving, from running containers. */
export function isUnchanged(plan: HostPlan, state: HostState): boolean {
  const before = releaseNamed(state, state.current);
  if (before === undefined || before.content !== plan.record.content) return false;
  if (plan.edges.some((edge) => edge.action !== 'keep')) return false;
  return plan.services.every(({ plan: service, action }) => {
    if (action === 'keep' || action === 'run') return true;
    if (action !== 'colour' && action !== 'workers') return false;
    const running = state.containers.filter(
      (container) =>
        container.service === service.name &&
        container.release === before.release &&
        container.running &&
        lackingNetworks(plan.record, service.name, container).length === 0,
    );
    return running.length >= service.replicas;
  });
}

/**
 * A release's name belongs to one content permanently. The same name with other content gets a number, so that
 * `v1.2.3` deployed again with a changed variable is `v1.2.3-2`.
 */
export function uniqueRelease(
  wanted: string,
  content: string,
  known: readonly Pick<ReleaseRecord, 'release' | 'content'>[],
): string {
  const nameable =
    wanted
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[-.]+/, '')
      .slice(0, 60) || 'release';
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? nameable : `${nameable}-${count}`;
    const taken = known.filter((record) => record.release === name);
    if (taken.every((record) => record.content === content)) return name;
  }
}

const shownReleases = 20;

/** @throws UserError `release.unknown` that lists the kept releases. */
export function findRelease(
  releases: readonly ReleaseRecord[],
  name: string,
  current: string | undefined,
): ReleaseRecord {
  const found = releases.find((record) => record.release === name);
  if (found !== undefined) return found;
  const others = releases.map((record) => record.release).filter((release) => release !== current);
  const more = others.length > shownReleases ? ` and ${others.length - shownReleases} older ones` : '';
  throw new UserError({
    code: 'release.unknown',
    message: `Unknown release "${name}"`,
    hint:
      others.length > 0
        ? `Kept releases: ${others.reverse().slice(0, shownReleases).join(', ')}${more}.`
        : 'The host keeps no earlier release.',
  });
}

/** The containers of one release, edges excluded. */
export function containersOf(state: Pick<HostState, 'containers'>, release: string): ContainerState[] {
  return state.containers.filter(
    (container) => container.release === release && container.edge === undefined,
  );
}

/**
 * Whether a service is in front of blue-green services (an nginx), by `depends_on`, directly or indirectly. It starts
 * after the edges, whose names it resolves when it starts.
 */
export function isInFront(record: ReleaseRecord, service: string, seen: Set<string> = new Set()): boolean {
  if (seen.has(service)) return false;
  seen.add(service);
  const needs = Object.keys(record.model.services[service]?.depends_on ?? {});
  return needs.some((name) => {
    const strategy = record.services.find((plan) => plan.name === name)?.strategy;
    return strategy === 'blue-green' || isInFront(record, name, seen);
  });
}
