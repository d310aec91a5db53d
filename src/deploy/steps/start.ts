import type { ServicePlan } from '../../config/model.ts';
import { type DeployRun, type HostRun, onHosts } from '../context.ts';
import type { PlannedEdge, PlannedService } from '../model.ts';
import { composeUp } from '../on-host/compose.ts';
import {
  endContainers,
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
import type { Step } from '../transaction.ts';
import { inPlace, putBack, upInOrder } from './in-place.ts';
import { waitRunning } from './waiting/wait.ts';

/**
 * Starts the new release beside the old one: the idle colour, new workers, new edges, and services that are new
 * altogether. Traffic does not move yet. A changed `recreate` service is replaced here, which is its short gap.
 */
export const start: Step = {
  name: 'start',
  async apply(run, note) {
    const counts = await onHosts(run, async (hostRun) => {
      const services = startedServices(hostRun);
      await awaitEnding(run, hostRun, note);
      const { before, after } = inPlace(services, hostRun.plan.record);
      const late = lateEdges(hostRun);
      const edges = hostRun.plan.edges.filter(
        (edge) => (edge.action === 'create' || edge.action === 'replace') && !late.includes(edge),
      );
      const coloured = services.filter((planned) => !before.includes(planned) && !after.includes(planned));
      const takes = ({ service }: PlannedService) => hostRun.plan.handovers.some(({ to }) => to === service);
      await upInOrder(
        run,
        hostRun,
        before.filter((planned) => !takes(planned)),
        note,
      );
      const names = [
        ...edges.map((edge) => edgeProjectService(edge.service)),
        ...coloured.map((planned) => projectService(planned.plan, hostRun.plan.colour)),
      ];
      // Only a replaced edge is stopped here; idle keep-alive connections would hold it for its whole grace.
      await composeUp(hostRun, names, { signal: run.signal, flags: ['--timeout', '3'] });
      await takePorts(run, hostRun, note);
      await upInOrder(run, hostRun, before.filter(takes), note);
      // A proxy looks up the names it forwards to when it starts, and gives up without them.
      await upInOrder(run, hostRun, after, note);
      const deaf = await reloadFronts(hostRun);
      for (const service of deaf) {
        run.recorder.warn(
          `${hostRun.host.name}: ${service} may keep old addresses of the adopted services: restart it.`,
        );
      }
      const kept = hostRun.state.containers.filter(
        (one) => one.release === hostRun.plan.release && one.colour === hostRun.plan.colour,
      );
      await reviveContainers(
        hostRun.host,
        kept.map((container) => container.id),
      );
      await Promise.all(
        hostRun.plan.edges
          .filter((edge) => edge.action === 'reload')
          .map((edge) => reloadEdge(hostRun, edge)),
      );
      return services.length;
    });
    return `${Math.max(...counts)} services in ${run.primary.plan.colour}`;
  },
  async undo(run) {
    await onHosts(run, (hostRun) => undoStart(run, hostRun));
    return 'new containers removed';
  },
};

/**
 * Containers of the idle colour that the deploy before had left to finish: Compose would take them for started ones, and
 * they may have requests and WebSockets until their drain is over.
 */
async function awaitEnding(run: DeployRun, hostRun: HostRun, note: (text: string) => void): Promise<void> {
  const running = hostRun.state.containers.filter((one) => one.running && one.colour === hostRun.plan.colour);
  const ending = await Promise.all(running.map(async (one) => isEnding(hostRun.host, one.id)));
  const left = running.filter((_, index) => ending[index]);
  const ids = left.map((one) => one.id);
  await untilEnded(run, hostRun, left, note);
  await stopContainers(hostRun.host, ids, longestUndoGraceMs);
  await removeContainers(hostRun.host, ids);
}

/** Edges that start when others have given up their published ports. */
function lateEdges({ plan }: HostRun): PlannedEdge[] {
  const isOf = (edge: PlannedEdge) =>
    plan.handovers.some(({ service, to }) => service === edge.service || to === edge.service);
  return plan.edges.filter(
    (edge) => edge.takesPort || ((edge.action === 'create' || edge.action === 'replace') && isOf(edge)),
  );
}

/**
 * Who holds a published port that another container takes gives it up when the new colour is well, so that the gap is
 * the start of the edge and not that of the app: an adopted container, the edge of a service that was renamed.
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
  const graceOf = (one: ContainerState) => {
    if (one.edge !== undefined) return edgeGraceMs;
    return hostRun.plan.services.find(({ service }) => service === one.service)?.plan.stopGraceMs ?? 10_000;
  };
  await Promise.all(
    hostRun.state.containers
      .filter((one) => stopped.includes(one.name))
      .map((one) =>
        // One of ours must not come back by itself when the server starts: another has its port.
        (one.plain ? stopContainers : retireContainers)(hostRun.host, [one.id], graceOf(one)),
      ),
  );
  const edges = late.map((edge) => edgeProjectService(edge.service));
  await composeUp(hostRun, edges, { signal: run.signal, flags: ['--timeout', '3'] });
}

/** Idle keep-alive connections would hold an edge for its whole grace. */
const edgeGraceMs = 3_000;

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

async function undoStart(run: DeployRun, hostRun: HostRun): Promise<void> {
  const { host, plan } = hostRun;
  const now = await listContainers(host.engine, plan.record.app);
  const before = new Set(hostRun.state.containers.map((container) => container.id));
  const created = new Set(
    plan.services
      .filter((planned) => isNewFront(hostRun, planned.plan, planned.action))
      .map((planned) => planned.service),
  );
  const ours = now.filter(
    (container) =>
      container.edge === undefined &&
      !before.has(container.id) &&
      (container.release === plan.release || created.has(container.service)),
  );
  const switched = run.recorder.steps.some((step) => step.name === 'switch');
  const { clock, signal } = run.effects;
  if (switched) {
    const limitMs = signal.aborted ? cancelledGraceMs : Math.min(run.config.drainMs, longestUndoGraceMs);
    await drainColour(hostRun.guards.values(), plan.colour, { limitMs, clock });
  }
  // Who took a port gives it up before its former owner comes back.
  const takers = new Set(plan.handovers.map(({ to }) => to));
  await removeContainers(
    host,
    ours.filter((one) => one.colour === undefined && takers.has(one.service)).map(({ id }) => id),
  );
  await clearEdges(hostRun, now);
  await putBack(hostRun, run);
  await undoEdges(hostRun, now);
  await stopKept(run, hostRun);
  // Who may hold a request or a task is let finish; who never got traffic has nothing to finish.
  const planOf = (service: string) => plan.services.find((planned) => planned.service === service)?.plan;
  const busy = ours.filter(({ service }) => switched || planOf(service)?.strategy === 'workers');
  const idle = ours.filter((container) => !busy.includes(container));
  await removeContainers(
    host,
    idle.map((container) => container.id),
  );
  const left = await endContainers(host, busy, {
    graceMs: (service) => Math.min(planOf(service)?.stopGraceMs ?? 10_000, longestUndoGraceMs),
    clock,
    ...(signal.aborted ? { waitMs: cancelledGraceMs } : {}),
  });
  if (left.length > 0) run.recorder.warn(`${host.name}: ${left.join(', ')} still finish what they do.`);
}

/** Containers that an earlier deploy had left stopped, and that this one started, are stopped again, not removed. */
async function stopKept(run: DeployRun, hostRun: HostRun): Promise<void> {
  const kept = hostRun.state.containers.filter(
    (one) => !one.running && one.release === hostRun.plan.release && one.colour === hostRun.plan.colour,
  );
  await Promise.all(
    kept.map((container) => {
      const plan = hostRun.plan.services.find((planned) => planned.service === container.service)?.plan;
      const grace = Math.min(plan?.stopGraceMs ?? 10_000, longestUndoGraceMs);
      return retireContainers(
        hostRun.host,
        [container.id],
        run.effects.signal.aborted ? cancelledGraceMs : grace,
      );
    }),
  );
}

/** What a cancelled run can give a container to end. */
const cancelledGraceMs = 2_000;

/** A revert has brought the old release back already; tidying up after it must not take as long as an app likes. */
const longestUndoGraceMs = 60_000;
