import type { ServicePlan } from '../../config/model.ts';
import { docker } from '../../host/engine/docker-cli.ts';
import type { Host } from '../../host/model.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { PlannedService } from '../model.ts';
import { endContainers, removeContainers, reviveContainers } from '../on-host/containers.ts';
import type { ContainerState } from '../on-host/state.ts';
import { putBackAdopted } from '../preflight/adopted.ts';

/**
 * Reverts of containers, for the undo of this run and for that of a dead one. The old release is serving again, so
 * cleaning up must not take as long as an app may take to stop.
 */
export const longestGraceMs = 60_000;

/** `stop_grace_period`: the time a container gets to stop. */
export function graceOf(services: readonly PlannedService[], name: string): number {
  return graceBy(services.find(({ service }) => service === name)?.plan);
}

function graceBy(plan: ServicePlan | undefined): number {
  return plan?.stopGraceMs ?? 10_000;
}

interface Removal {
  readonly services: readonly ServicePlan[];
  /** The containers have had traffic, so they may hold requests. */
  readonly movedTraffic: boolean;
  readonly clock: Clock;
  /** Limit of a cancelled run, which has seconds left; undefined: each container gets its grace. */
  readonly waitMs?: number | undefined;
}

/**
 * Removes containers of a reverted release: idle ones at once, busy ones when they have finished.
 *
 * @returns names of those that were still finishing at the limit.
 */
export async function removeReverted(
  host: Host,
  containers: readonly ContainerState[],
  removal: Removal,
): Promise<string[]> {
  const busy = busyAmong(containers, removal);
  const idle = containers.filter((container) => !busy.includes(container));
  await removeContainers(
    host,
    idle.map(({ id }) => id),
  );
  return await endBusy(host, containers, removal);
}

/**
 * Lets the busy ones of these containers finish, then removes them. The others keep running.
 *
 * @returns names of those that were still finishing at the limit.
 */
export async function endBusy(
  host: Host,
  containers: readonly ContainerState[],
  removal: Removal,
): Promise<string[]> {
  const { services, clock, waitMs } = removal;
  return await endContainers(host, busyAmong(containers, removal), {
    graceMs: (name) => Math.min(graceBy(planOf(services, name)), longestGraceMs),
    clock,
    ...(waitMs === undefined ? {} : { waitMs }),
  });
}

/** Containers that may hold a request or a task. */
function busyAmong(
  containers: readonly ContainerState[],
  { services, movedTraffic }: Pick<Removal, 'services' | 'movedTraffic'>,
): ContainerState[] {
  return containers.filter(
    ({ running, service }) => running && (movedTraffic || planOf(services, service)?.strategy === 'workers'),
  );
}

function planOf(services: readonly ServicePlan[], service: string): ServicePlan | undefined {
  return services.find(({ name }) => name === service);
}

/**
 * Restores services that were replaced in place: from their recorded containers if no release describes those, else by
 * the previous release's project.
 */
export async function restoreReplaced(
  host: Host,
  releaseFolder: string,
  services: readonly string[],
  upPrevious: (services: readonly string[]) => Promise<unknown>,
): Promise<void> {
  if (services.length === 0) return;
  const done = await putBackAdopted(host, releaseFolder, services);
  const rest = services.filter((service) => !done.includes(service));
  if (rest.length > 0) await upPrevious(rest);
}

/** Starts containers again that released their ports. Those of ours get their restart policy back. */
export async function startAgain(
  host: Host,
  containers: readonly Pick<ContainerState, 'id' | 'plain'>[],
): Promise<void> {
  if (containers.length === 0) return;
  // Fails for those that were recreated meanwhile, which is fine.
  await docker(host, ['start', ...containers.map(({ id }) => id)]);
  const own = containers.filter(({ plain }) => !plain);
  await reviveContainers(
    host,
    own.map(({ id }) => id),
  );
}
