import type { ServicePlan } from '../../config/model.ts';
import { counted } from '../../kernel/figures.ts';
import { type DeployRun, type HostRun, onHosts } from '../context.ts';
import type { PlannedEdge, PlannedService } from '../model.ts';
import { composeUp } from '../on-host/compose.ts';
import {
  isEnding,
  removeContainers,
  retireContainers,
  reviveContainers,
  stopContainers,
} from '../on-host/containers.ts';
import { type ContainerState, listContainers } from '../on-host/state.ts';
import { isInFront } from '../plan/host-plan.ts';
import { stoppedBy } from '../plan/ports.ts';
import { edgeProjectService, projectService } from '../project/project.ts';
import { drainColour, untilEnded } from '../traffic/drain.ts';
import { clearEdges, reloadEdge, undoEdges } from '../traffic/edges.ts';
import { reloadFronts } from '../traffic/fronts.ts';
import type { Begun, Step } from '../transaction.ts';
import { inPlace, putBack, upInOrder } from './in-place.ts';
import { graceOf, longestGraceMs, removeReverted } from './revert.ts';
import { waitRunning } from './waiting/wait.ts';

/** Idle keep-alive connections would hold an edge for its whole grace. */
const edgeGraceMs = 3_000;

/** A cancelled run has seconds left: the time that containers get to stop, and the drain. */
const cancelledGraceMs = 2_000;

/**
 * Starts the new release beside the old one: the idle color, new workers, new edges, and services that are new. Traffic
 * does not move yet. A changed `recreate` service is replaced here, which is its short gap.
 */
export const start: Step = {
  name: 'start',
  async apply(run, note) {
    const counts = await onHosts(run, (hostRun) => startOn(run, hostRun, note));
    return `${counted(Math.max(...counts), 'service')} in ${run.primary.plan.colour}`;
  },
  async undo(run, begun) {
    await onHosts(run, (hostRun) => undoStart(run, hostRun, begun));
    return 'new containers removed';
  },
};

async function startOn(run: DeployRun, hostRun: HostRun, note: (text: string) => void): Promise<number> {
  const { plan } = hostRun;
  const services = startedServices(hostRun);
  const { before, after } = inPlace(services, plan.record);
  const colored = services.filter((planned) => !before.includes(planned) && !after.includes(planned));
  const takesPort = ({ service }: PlannedService) => plan.handovers.some(({ to }) => to === service);
  const isEarly = (planned: PlannedService) => !takesPort(planned);

  await awaitEnding(run, hostRun, note);
  await upInOrder(run, hostRun, before.filter(isEarly), note);
  await upColorAndEdges(run, hostRun, colored);
  await takePorts(run, hostRun, note);
  await upInOrder(run, hostRun, before.filter(takesPort), note);
  // A proxy resolves the names it forwards to when it starts, and exits without them.
  await upInOrder(run, hostRun, after, note);
  await refreshFronts(run, hostRun);
  await reviveKept(hostRun);
  await reloadEdges(hostRun);
  return services.length;
}

/** New containers, and the new and replaced edges that need no port of another container. */
async function upColorAndEdges(
  run: DeployRun,
  hostRun: HostRun,
  colored: readonly PlannedService[],
): Promise<void> {
  const late = lateEdges(hostRun);
  const edges = hostRun.plan.edges.filter((edge) => isUp(edge) && !late.includes(edge));
  const names = [
    ...edges.map((edge) => edgeProjectService(edge.service)),
    ...colored.map((planned) => projectService(planned.plan, hostRun.plan.colour)),
  ];
  // Only a replaced edge is stopped here.
  await composeUp(hostRun, names, { signal: run.signal, flags: ['--timeout', `${edgeGraceMs / 1000}`] });
}

async function refreshFronts(run: DeployRun, hostRun: HostRun): Promise<void> {
  for (const service of await reloadFronts(hostRun)) {
    run.recorder.warn(
      `${hostRun.host.name}: ${service} may still use old addresses of the adopted services. Restart it.`,
    );
  }
}

/** Containers that an earlier deploy left stopped, and that serve again, get their restart policy back. */
async function reviveKept({ host, state, plan }: HostRun): Promise<void> {
  const kept = state.containers.filter((one) => one.release === plan.release && one.colour === plan.colour);
  await reviveContainers(
    host,
    kept.map(({ id }) => id),
  );
}

async function reloadEdges(hostRun: HostRun): Promise<void> {
  const edges = hostRun.plan.edges.filter((edge) => edge.action === 'reload');
  await Promise.all(edges.map((edge) => reloadEdge(hostRun, edge)));
}

/**
 * Waits for containers of the idle color that the previous deploy left to finish: Compose would take them for started
 * ones, and they may have requests and WebSockets until their drain is over.
 */
async function awaitEnding(run: DeployRun, hostRun: HostRun, note: (text: string) => void): Promise<void> {
  const running = hostRun.state.containers.filter((one) => one.running && one.colour === hostRun.plan.colour);
  const ending = await Promise.all(running.map(async (one) => isEnding(hostRun.host, one.id)));
  const left = running.filter((_, index) => ending[index]);
  const ids = left.map((one) => one.id);
  await untilEnded(run, hostRun, left, note);
  await stopContainers(hostRun.host, ids, longestGraceMs);
  await removeContainers(hostRun.host, ids);
}

/** Whether `start` brings an edge up; others run already. */
function isUp({ action }: PlannedEdge): boolean {
  return action === 'create' || action === 'replace';
}

/** Edges that start when other containers have released their published ports. */
function lateEdges({ plan }: HostRun): PlannedEdge[] {
  const isOf = (edge: PlannedEdge) =>
    plan.handovers.some(({ service, to }) => service === edge.service || to === edge.service);
  return plan.edges.filter((edge) => edge.takesPort || (isUp(edge) && isOf(edge)));
}

/**
 * Stops the holder of a published port that another container takes (an adopted container, the edge of a renamed
 * service) only when the new color is healthy: the gap is then the start of the edge, not that of the app.
 */
async function takePorts(run: DeployRun, hostRun: HostRun, note: (text: string) => void): Promise<void> {
  const late = lateEdges(hostRun);
  const stopped = stoppedBy(hostRun.plan);
  if (late.length === 0 && stopped.length === 0) return;
  const plans = hostRun.plan.services.filter((planned) =>
    late.some((edge) => edge.service === planned.service),
  );
  const awaited = plans.map(({ plan }) => ({ plan, project: projectService(plan, hostRun.plan.colour) }));
  await waitRunning(run, hostRun, awaited, note);
  const holderGraceMs = ({ edge, service }: ContainerState) =>
    edge === undefined ? graceOf(hostRun.plan.services, service) : edgeGraceMs;
  await Promise.all(
    hostRun.state.containers
      .filter((one) => stopped.includes(one.name))
      .map((one) =>
        // One of ours must not start by itself when the server boots: another container has its port.
        (one.plain ? stopContainers : retireContainers)(hostRun.host, [one.id], holderGraceMs(one)),
      ),
  );
  const edges = late.map((edge) => edgeProjectService(edge.service));
  await composeUp(hostRun, edges, { signal: run.signal, flags: ['--timeout', `${edgeGraceMs / 1000}`] });
}

/** Services that `start` brings up and `health` waits for, in the plan's order. */
export function startedServices(hostRun: HostRun): PlannedService[] {
  const starts: ReadonlySet<string> = new Set(['colour', 'workers', 'replace']);
  return hostRun.plan.services.filter(
    ({ action, plan }) => starts.has(action) || isNewFront(hostRun, plan, action),
  );
}

/** Does not run yet and is neither data (created before the backup) nor a singleton (started after the confirmation). */
function isNewFront(hostRun: HostRun, plan: ServicePlan, action: PlannedService['action']): boolean {
  if (action !== 'create') return false;
  return (
    plan.strategy === 'recreate' || (plan.strategy === 'keep' && isInFront(hostRun.plan.record, plan.name))
  );
}

async function undoStart(run: DeployRun, hostRun: HostRun, { movedTraffic }: Begun): Promise<void> {
  const { host, plan } = hostRun;
  const { clock, signal } = run.effects;
  // A run may also be cancelled during its undo.
  const waitMs = () => (signal.aborted ? cancelledGraceMs : undefined);
  const now = await listContainers(host.engine, plan.record.app);
  const made = madeHere(hostRun, now);
  if (movedTraffic) {
    const limitMs = waitMs() ?? Math.min(run.config.drainMs, longestGraceMs);
    await drainColour(hostRun.guards.values(), plan.colour, { limitMs, clock });
  }
  await removeTakers(hostRun, made);
  await clearEdges(hostRun, now);
  await putBack(hostRun, run);
  await undoEdges(hostRun, now);
  await stopKept(hostRun, waitMs());
  const services = plan.services.map((planned) => planned.plan);
  const left = await removeReverted(host, made, { services, movedTraffic, clock, waitMs: waitMs() });
  if (left.length > 0) run.recorder.warn(`${host.name}: ${left.join(', ')} are still finishing their work.`);
}

/** Containers that this deploy created, edges excluded. */
function madeHere(hostRun: HostRun, now: readonly ContainerState[]): ContainerState[] {
  const { plan, state } = hostRun;
  const before = new Set(state.containers.map(({ id }) => id));
  const fronts = new Set(
    plan.services
      .filter((planned) => isNewFront(hostRun, planned.plan, planned.action))
      .map((planned) => planned.service),
  );
  return now.filter(
    (container) =>
      container.edge === undefined &&
      !before.has(container.id) &&
      (container.release === plan.release || fronts.has(container.service)),
  );
}

/** A container that took a port releases it before the former owner starts again. */
async function removeTakers({ host, plan }: HostRun, made: readonly ContainerState[]): Promise<void> {
  const takers = new Set(plan.handovers.map(({ to }) => to));
  await removeContainers(
    host,
    made.filter((one) => one.colour === undefined && takers.has(one.service)).map(({ id }) => id),
  );
}

/** Stops, and does not remove, the containers of an earlier deploy that this one started. */
async function stopKept({ host, plan, state }: HostRun, waitMs: number | undefined): Promise<void> {
  const kept = state.containers.filter(
    (one) => !one.running && one.release === plan.release && one.colour === plan.colour,
  );
  await Promise.all(
    kept.map(({ id, service }) =>
      retireContainers(host, [id], waitMs ?? Math.min(graceOf(plan.services, service), longestGraceMs)),
    ),
  );
}
