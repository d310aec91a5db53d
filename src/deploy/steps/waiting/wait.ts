import type { ServicePlan } from '../../../config/model.ts';
import { UserError } from '../../../kernel/errors.ts';
import { counted } from '../../../kernel/figures.ts';
import type { DeployRun, HostRun } from '../../context.ts';
import { lastLogs } from '../../on-host/containers.ts';
import { type ContainerState, listContainers } from '../../on-host/state.ts';
import { deadlineOf, times } from './times.ts';

export interface Awaited {
  readonly plan: ServicePlan;
  /** Name in the generated project: `backend-green`, `db`. */
  readonly project: string;
  /** The edge decides whether it is healthy: here it only has to run. */
  readonly viaEdge?: boolean;
}

/**
 * Waits until all containers of some services run and, where they have a health check, are healthy.
 *
 * @returns the containers, by project service.
 * @throws UserError `health.exited`, `health.unhealthy` or `health.timeout` with the container's last 50 lines.
 */
export async function waitRunning(
  run: DeployRun,
  hostRun: HostRun,
  awaited: readonly Awaited[],
  note: (text: string) => void,
): Promise<Map<string, ContainerState[]>> {
  const { clock } = run.effects;
  const begun = clock.elapsed();
  const deadlines = new Map(awaited.map(({ plan, project }) => [project, plan.startDeadlineMs] as const));
  for (;;) {
    run.signal.throwIfAborted();
    const found = await ownContainers(hostRun, awaited);
    const waitingFor: string[] = [];
    for (const { plan, project, viaEdge } of awaited) {
      const containers = found.get(project) ?? [];
      for (const container of containers) await refuseDead(hostRun, container);
      const ready = containers.filter((container) =>
        viaEdge ? container.running : isReady(container, clock.elapsed() - begun),
      ).length;
      if (ready < plan.replicas) waitingFor.push(`${project} ${ready}/${plan.replicas}`);
      const isLate = () => clock.elapsed() - begun > (deadlines.get(project) ?? 0);
      if (ready >= plan.replicas || !isLate()) continue;
      // Read only when needed: most containers are healthy long before.
      const deadline = await deadlineOf(hostRun, plan, containers);
      deadlines.set(project, deadline);
      if (isLate()) throw await tooLate(hostRun, plan, project, containers, deadline);
    }
    if (waitingFor.length === 0) {
      await refuseFailed(
        hostRun,
        awaited.flatMap(({ project }) => found.get(project) ?? []),
      );
      return found;
    }
    note(waitingFor.join(', '));
    await clock.sleep(times.enginePollMs, run.signal);
  }
}

async function ownContainers(
  hostRun: HostRun,
  awaited: readonly Awaited[],
): Promise<Map<string, ContainerState[]>> {
  const all = await listContainers(hostRun.host.engine, hostRun.plan.record.app);
  const { release, colour } = hostRun.plan;
  return new Map(
    awaited.map(({ plan, project }) => [
      project,
      all.filter(
        (container) =>
          container.service === plan.name &&
          container.edge === undefined &&
          // The color, too: a release that is deployed again runs in both.
          (project === plan.name || (container.release === release && container.colour === colour)),
      ),
    ]),
  );
}

function isReady(container: ContainerState, waitedMs: number): boolean {
  if (!container.running) return false;
  if (/\((healthy|unhealthy|health: starting)\)/.test(container.status))
    return container.status.includes('(healthy)');
  return waitedMs >= times.steadyMs || !/^Up Less than a second/.test(container.status);
}

/**
 * Refuses containers that have ended, including those that their restart policy has started again: a container in a
 * restart loop runs between two exits.
 *
 * @throws UserError `health.exited`, `health.unhealthy` with the container's last 50 lines.
 */
export async function refuseFailed(hostRun: HostRun, containers: readonly ContainerState[]): Promise<void> {
  // A container from before this deploy (a warm color) may have restarted long ago.
  const before = new Set(hostRun.state.containers.filter(({ running }) => running).map(({ id }) => id));
  await Promise.all(
    containers.map(async ({ id, name }) => {
      const { State, RestartCount: count = 0 } = await hostRun.host.engine.getContainer(id).inspect();
      const restarts = before.has(id) ? 0 : count;
      const isUnhealthy = State.Health?.Status === 'unhealthy';
      if (State.Running && !State.Restarting && restarts === 0 && !isUnhealthy) return;
      if (isUnhealthy) throw await failed(hostRun, { id, name });
      const soFar = `${counted(restarts, 'time')} so far${State.Running ? '' : `, exit code ${State.ExitCode}`}`;
      const isLoop = restarts > 0 || State.Restarting;
      const ended = isLoop ? `keeps restarting (${soFar})` : `ended with exit code ${State.ExitCode}`;
      throw await failed(hostRun, { id, name }, ended);
    }),
  );
}

/** Waiting does not fix a container that ended, is in a restart loop or is unhealthy. */
async function refuseDead(hostRun: HostRun, container: ContainerState): Promise<void> {
  const { status } = container;
  const [, state, code] = /^(Exited|Dead|Restarting) \((\d+)\)/.exec(status) ?? [];
  if (state !== undefined) {
    const what = state === 'Restarting' ? 'keeps restarting' : 'ended';
    throw await failed(hostRun, container, `${what} with exit code ${code}`);
  }
  if (status.includes('(unhealthy)')) throw await failed(hostRun, container);
}

/** @param ended how it ended; undefined: it runs and is unhealthy. */
async function failed(
  { host }: HostRun,
  { id, name }: Pick<ContainerState, 'id' | 'name'>,
  ended?: string,
): Promise<UserError> {
  return new UserError({
    code: ended === undefined ? 'health.unhealthy' : 'health.exited',
    message: `${host.name}: ${name} ${ended ?? 'is unhealthy'}`,
    hint: 'The last log lines of the container are below.',
    output: await lastLogs(host, id, 50),
  });
}

async function tooLate(
  hostRun: HostRun,
  plan: ServicePlan,
  project: string,
  containers: readonly ContainerState[],
  deadlineMs: number,
): Promise<UserError> {
  const last = containers.at(-1);
  return new UserError({
    code: 'health.timeout',
    message: `${hostRun.host.name}: ${project} did not become healthy within ${deadlineMs / 1000} s (${last?.status ?? 'no container'})`,
    hint: `If it needs longer, set \`services: { ${plan.name}: { start-timeout: ${Math.ceil((deadlineMs * 2) / 1000)}s } }\` in sluice.yml. Without it, the limit is start_period + interval × retries of its health check. Its last log lines are below.`,
    output: last === undefined ? '' : await lastLogs(hostRun.host, last.id, 50),
  });
}
