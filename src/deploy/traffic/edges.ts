import type { ComposeModel, ComposeService, ServicePlan } from '../../config/model.ts';
import { openPorts } from '../../config/ports/ports.ts';
import { networksOf } from '../../config/services/network-names.ts';
import type { Host } from '../../host/model.ts';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf, UserError } from '../../kernel/errors.ts';
import type { HostRun } from '../context.ts';
import { type Layout, otherColour, type PlannedEdge, type ReleaseRecord } from '../model.ts';
import { composeUp } from '../on-host/compose.ts';
import { removeContainers, stopContainers } from '../on-host/containers.ts';
import { type ContainerState, type HostState, releaseNamed } from '../on-host/state.ts';
import { writeFiles } from '../on-host/write-files.ts';
import { stoppedBy } from '../plan/ports.ts';
import { type EdgeContainer, edgeProjectService } from '../project/project.ts';
import { startAgain } from '../steps/revert.ts';
import { healthAsked } from '../steps/waiting/component-health.ts';
import {
  activeMap,
  defaultMaxConnections,
  type EdgeSpec,
  edgeCommand,
  edgeFiles,
  edgeMemory,
  edgeReloadSignal,
  edgeStopSignal,
  edgeVersion,
} from './edge-config.ts';
import { type EdgeStatus, guardClient, sendTo } from './guard.ts';

/** The spec of a blue-green service's edge. */
export function edgeSpec(
  app: string,
  plan: ServicePlan,
  service: ComposeService = {},
  networks: ComposeModel['networks'] = {},
): EdgeSpec {
  const isSix = Object.keys(networksOf(service)).some(
    (name) => (networks[name] as { enable_ipv6?: unknown } | null | undefined)?.enable_ipv6 === true,
  );
  return {
    service: plan.name,
    app,
    ports: plan.ports,
    health: healthAsked(plan) ?? null,
    maxReplicas: Math.max(10, plan.replicas * 2),
    maxConnections: plan.edge?.maxConnections ?? defaultMaxConnections,
    ...(isSix ? { ipv6: true } : {}),
    ...(plan.edge?.proxyProtocol === undefined ? {} : { proxyProtocol: plan.edge.proxyProtocol }),
    ...(openPorts(service).length > 0 ? { open: { trusted: plan.edge?.trustedProxies ?? [] } } : {}),
  };
}

/**
 * Files and version of every edge that a release needs, for the image of the running edge: an edge keeps its image until
 * it is replaced on request.
 */
export function wantedEdges(
  { app, services, model }: Pick<ReleaseRecord, 'app' | 'services' | 'model'>,
  state: HostState,
  image: string,
): Pick<PlannedEdge, 'service' | 'files' | 'version' | 'memory'>[] {
  return services
    .filter((plan) => plan.strategy === 'blue-green')
    .map((plan) => {
      const running = state.containers.find(
        (container) => container.edge !== undefined && container.service === plan.name,
      );
      const used = running?.image ?? image;
      const spec = edgeSpec(app, plan, model.services[plan.name], model.networks);
      const memory = edgeMemory(spec.maxConnections ?? defaultMaxConnections);
      return { service: plan.name, files: edgeFiles(spec, used), version: edgeVersion(spec, used), memory };
    });
}

/** The edges of a host as containers of the generated project. */
export function edgeContainers(
  hostRun: Pick<HostRun, 'plan' | 'state' | 'layout'>,
  image: string,
): EdgeContainer[] {
  return hostRun.plan.edges.map((edge) => ({
    service: edge.service,
    image,
    user: `${hostRun.state.uid}:${hostRun.state.gid}`,
    command: edgeCommand,
    stopSignal: edgeStopSignal,
    folder: hostRun.layout.edge(edge.service),
    version: edge.version,
  }));
}

/**
 * The map that a new edge starts with: the new color, or, for an adopted container, the old color at that container's
 * addresses.
 */
export function firstMap(hostRun: HostRun, edge: PlannedEdge): string {
  if (edge.adopted === undefined || edge.takesPort) return activeMap(hostRun.plan.colour);
  const old = otherColour(hostRun.plan.colour);
  const addresses = hostRun.state.containers
    .filter((container) => container.plain && container.running && container.service === edge.service)
    .flatMap((container) => Object.values(container.addresses).slice(0, 1));
  return activeMap(old, { [old]: addresses });
}

/**
 * The map for the reload of an edge whose serving containers are older than {@link replicaName}, by which the new
 * configuration looks for them. Undefined: they have that name.
 */
export function mapForOlder(
  host: { readonly state: Pick<HostState, 'containers' | 'maps'> },
  service: string,
): string | undefined {
  const { containers, maps } = host.state;
  const active = maps[service];
  const serving = containers.filter(
    (one) => one.running && one.edge === undefined && one.service === service && one.colour === active,
  );
  if (active === undefined || serving.length === 0 || serving.some((one) => one.replicaName !== undefined))
    return undefined;
  return activeMap(active, {}, { [active]: `${service}-${active}` });
}

/** Replaces the files of a running edge, without losing a connection. */
export async function reloadEdge(
  hostRun: Pick<HostRun, 'host' | 'layout'> & { readonly state: Pick<HostState, 'containers' | 'maps'> },
  { service, files, memory }: Pick<PlannedEdge, 'service' | 'files' | 'memory'>,
): Promise<void> {
  const map = mapForOlder(hostRun, service);
  const all = map === undefined ? files : [...files, { path: 'active.map', content: map, mode: 0o644 }];
  await writeEdgeFiles(hostRun, service, all);
  const container = hostRun.state.containers.find((one) => one.edge !== undefined && one.service === service);
  if (container === undefined) return;
  const running = hostRun.host.engine.getContainer(container.id);
  // The new limit of connections may need more memory. An engine that cannot limit memory returns an error here.
  if (memory !== undefined) await running.update({ Memory: memory, MemorySwap: memory * 2 }).catch(() => {});
  await running.kill({ signal: edgeReloadSignal });
}

async function writeEdgeFiles(
  hostRun: Pick<HostRun, 'host' | 'layout'>,
  service: string,
  files: PlannedEdge['files'],
): Promise<void> {
  const upload = files.map((file) => ({
    path: file.path,
    mode: file.mode,
    content: Buffer.from(file.content),
  }));
  await writeFiles(hostRun.host, hostRun.layout.edge(service), upload);
}

/**
 * Removes the edges that `start` created, before anything else is restored: containers that released a port for them need
 * it again.
 */
export async function clearEdges(hostRun: HostRun, now: readonly ContainerState[]): Promise<void> {
  const made = hostRun.plan.edges.filter((edge) => edge.action === 'create').map((edge) => edge.service);
  const before = new Set(hostRun.state.containers.map((container) => container.id));
  const containers = now.filter(
    (container) =>
      container.edge !== undefined && made.includes(container.service) && !before.has(container.id),
  );
  await removeContainers(
    hostRun.host,
    containers.map((container) => container.id),
  );
  if (made.length > 0)
    await hostRun.host.exec(['rm', '-rf', '--', ...made.map((service) => hostRun.layout.edge(service))]);
  if (hostRun.plan.handovers.length > 0) await stopRedefined(hostRun, now);
}

/** Starts the containers that released their ports, and restores the previous release's files of changed edges. */
export async function undoEdges(hostRun: HostRun, now: readonly ContainerState[]): Promise<void> {
  const stopped = stoppedBy(hostRun.plan);
  if (stopped.length > 0) {
    const gone = hostRun.state.containers.filter(({ name }) => stopped.includes(name));
    // An edge that was recreated meanwhile is restored below.
    await startAgain(hostRun.host, gone);
  }
  await giveBack(hostRun, now);
}

/** Replaced edges may have swapped ports, so all release them first. */
async function stopRedefined(hostRun: HostRun, now: readonly ContainerState[]): Promise<void> {
  const before = new Set(hostRun.state.containers.map(({ id }) => id));
  const services = hostRun.plan.edges.filter(({ redefined }) => redefined).map(({ service }) => service);
  const made = now.filter(
    (one) => one.edge !== undefined && services.includes(one.service) && !before.has(one.id),
  );
  await stopContainers(
    hostRun.host,
    made.map(({ id }) => id),
    3_000,
  );
}

/** Restores files, names and labels of the previous release for changed edges. */
async function giveBack(hostRun: HostRun, now: readonly ContainerState[]): Promise<void> {
  const previous = releaseNamed(hostRun.state, hostRun.plan.previous?.release);
  if (previous === undefined) return;
  const changed = hostRun.plan.edges.filter(({ action }) => action === 'reload' || action === 'replace');
  const isNew = (service: string) =>
    now.some(
      (one) =>
        one.edge !== undefined &&
        one.service === service &&
        hostRun.state.containers.every((before) => before.id !== one.id),
    );
  const redefined = changed
    .filter((edge) => edge.redefined && isNew(edge.service))
    .map((edge) => edge.service);
  await Promise.all(
    wantedEdges(previous, hostRun.state, '')
      .filter((edge) => changed.some(({ service }) => service === edge.service))
      .map((edge) =>
        redefined.includes(edge.service)
          ? writeEdgeFiles(hostRun, edge.service, edge.files)
          : reloadEdge({ ...hostRun, state: { ...hostRun.state, containers: now } }, edge),
      ),
  );
  await composeUp(
    { ...hostRun, plan: { ...hostRun.plan, release: previous.release } },
    redefined.map(edgeProjectService),
    { flags: ['--timeout', '3'] },
  );
}

/** Services whose edge has an old color to switch from. */
export function switchedEdges(hostRun: HostRun): string[] {
  return hostRun.plan.edges
    .filter((edge) => edge.action !== 'create' || (edge.adopted !== undefined && !edge.takesPort))
    .map((edge) => edge.service);
}

const upMs = 10_000;

/**
 * Starts stopped edges (for example killed manually), and waits until each answers. It then serves the confirmed color,
 * which is on disk.
 *
 * @param mayFail skip an edge that cannot start: another container has its port until a dead deploy is undone.
 * @returns the services whose edge was started.
 * @throws UserError `edge.unreachable`.
 */
export async function startStoppedEdges(
  host: Host,
  layout: Layout,
  containers: readonly ContainerState[],
  clock: Clock,
  { mayFail = false }: { readonly mayFail?: boolean } = {},
): Promise<string[]> {
  const stopped = containers.filter((container) => container.edge !== undefined && !container.running);
  const started = await Promise.all(
    stopped.map(async ({ id, service }) => {
      try {
        await host.engine.getContainer(id).start();
      } catch (error) {
        if (mayFail) return undefined;
        throw noEdge(host, service, error, `cannot start: ${messageOf(error)}`);
      }
      await answering(host, layout, service, clock);
      return service;
    }),
  );
  return started.filter((service) => service !== undefined);
}

/** The status of an edge. Waits for an edge that is starting. */
export async function answering(
  host: Host,
  layout: Layout,
  service: string,
  clock: Clock,
): Promise<EdgeStatus> {
  const guard = guardClient(sendTo(host, layout.edgeSocket(service)));
  const until = clock.elapsed() + upMs;
  for (;;) {
    try {
      return await guard.status();
    } catch (error) {
      if (host.lost.aborted || clock.elapsed() > until) throw noEdge(host, service, error);
    }
    await clock.sleep(100);
  }
}

export function noEdge(host: Host, service: string, cause?: unknown, what = 'does not answer'): UserError {
  return new UserError({
    code: 'edge.unreachable',
    message: `${host.name}: the edge of ${service} ${what}`,
    hint: 'Read `docker logs` of its container. sshd must allow AllowStreamLocalForwarding.',
    cause,
  });
}
