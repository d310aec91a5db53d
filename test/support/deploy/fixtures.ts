import type { ComposeService, ServicePlan, Strategy } from '../../../src/config/model.ts';
import type { Colour, PlannedEdge, ReleaseRecord } from '../../../src/deploy/model.ts';
import type { ContainerState, HostState } from '../../../src/deploy/on-host/state.ts';
import { type HostPlanInput, planHost } from '../../../src/deploy/plan/host-plan.ts';
import { contentHash, serviceHash } from '../../../src/deploy/project/project.ts';
import type { EdgeStatus } from '../../../src/deploy/traffic/guard.ts';
import { userErrorsOf } from '../../../src/kernel/errors.ts';

export const digest = `sha256:${'a'.repeat(64)}`;
export const edgeImage = 'haproxy:3.0';

export function servicePlan(name: string, strategy: Strategy, more: Partial<ServicePlan> = {}): ServicePlan {
  return {
    name,
    strategy,
    reason: `${name} is ${strategy}`,
    replicas: 1,
    ports: strategy === 'blue-green' ? [{ port: 8000, mode: 'http', why: 'gunicorn serves it' }] : [],
    health: strategy === 'blue-green' ? '/health' : undefined,
    startDeadlineMs: 60_000,
    stopGraceMs: 10_000,
    ...more,
  };
}

/** A release of the given services; `definitions` are their entries in the compose model. */
export function release(
  name: string,
  plans: readonly ServicePlan[],
  definitions: Readonly<Record<string, ComposeService>> = {},
  more: Partial<ReleaseRecord> = {},
): ReleaseRecord {
  const services = Object.fromEntries(
    plans.map((plan) => [plan.name, definitions[plan.name] ?? { image: `app/${plan.name}@${digest}` }]),
  );
  const model = { name: 'shop', services };
  return {
    version: 1,
    release: name,
    app: 'shop',
    target: 'production',
    content: contentHash(model, plans),
    createdAt: '2026-01-01T00:00:00.000Z',
    commit: undefined,
    model,
    services: plans,
    envKeys: [],
    envVersion: 'e1',
    files: [],
    ...more,
  };
}

let containers = 0;

export function container(service: string, more: Partial<ContainerState> = {}): ContainerState {
  containers += 1;
  return {
    id: `id-${containers}`,
    name: `shop-${service}-${containers}`,
    service,
    colour: undefined,
    release: undefined,
    hash: undefined,
    edge: undefined,
    job: false,
    plain: false,
    running: true,
    status: 'Up 2 minutes',
    image: `app/${service}`,
    imageId: 'sha256:0',
    addresses: { shop_default: '172.18.0.5' },
    ...more,
  };
}

/** The containers that a release leaves running, in a colour. */
export function running(record: ReleaseRecord, colour: Colour): ContainerState[] {
  return record.services.flatMap((plan) => {
    if (plan.strategy === 'job') return [];
    const hash = serviceHash(record.model.services[plan.name] ?? {});
    const isColoured = plan.strategy === 'blue-green' || plan.strategy === 'workers';
    const one = container(plan.name, isColoured ? { hash, colour, release: record.release } : { hash });
    const edge = container(plan.name, { edge: 'v1', image: edgeImage });
    return plan.strategy === 'blue-green' ? [one, edge] : [one];
  });
}

export function hostState(more: Partial<HostState> = {}): HostState {
  return {
    uid: 1000,
    gid: 1000,
    current: undefined,
    target: undefined,
    releases: [],
    maps: {},
    confirmed: [],
    journals: 0,
    unfinished: [],
    containers: [],
    edges: {},
    ...more,
  };
}

/** A host on which a release serves. */
export function serving(record: ReleaseRecord, colour: Colour, more: Partial<HostState> = {}): HostState {
  const web = record.services.filter((plan) => plan.strategy === 'blue-green').map((plan) => plan.name);
  return hostState({
    current: record.release,
    target: record.target,
    releases: [record],
    confirmed: [record.release],
    containers: running(record, colour),
    maps: Object.fromEntries(web.map((name) => [name, colour])),
    edges: Object.fromEntries(web.map((name) => [name, edgeStatus(name, colour)])),
    ...more,
  });
}

export function edgeStatus(service: string, active: Colour, more: Partial<EdgeStatus> = {}): EdgeStatus {
  const colour = { up: 1, servers: [], current: 0, requests: 0, status: {} };
  return {
    version: 'v1',
    service,
    active,
    persisted: active,
    uptime: 100,
    held: 0,
    armed: null,
    last: null,
    colours: { blue: colour, green: colour },
    watch: { colour: null, requests: 0, errors5xx: 0, slow: 0, seconds: 0 },
    ...more,
  };
}

type Edge = Pick<PlannedEdge, 'service' | 'files' | 'version'>;

export function plan(record: ReleaseRecord, state: HostState, more: Partial<HostPlanInput> = {}) {
  const edges: Edge[] = record.services
    .filter((service) => service.strategy === 'blue-green')
    .map((service) => ({ service: service.name, files: [], version: 'v1' }));
  return planHost({ host: 'one', record, state, presentImages: new Set(), edges, edgeImage, ...more });
}

/** What a plan refuses: code and message of each. */
export function faultsOf(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    return userErrorsOf(error).map(({ code, message }) => `${code} ${message}`);
  }
  return [];
}
