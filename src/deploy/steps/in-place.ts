import { callsOf } from '../../config/services/callers.ts';
import type { DeployRun, HostRun } from '../context.ts';
import type { PlannedService, ReleaseRecord } from '../model.ts';
import { composeUp } from '../on-host/compose.ts';
import { isInFront } from '../plan/host-plan.ts';
import { writeDown } from '../preflight/adopted.ts';
import { restoreReplaced } from './revert.ts';
import { waitRunning } from './waiting/wait.ts';

/** Services that are made or replaced under their own name, without a second color beside them. */
interface InPlace {
  /** Services that the new containers may need: started before them. */
  readonly before: readonly PlannedService[];
  /** Services that resolve the names of the edges when they start (a proxy): started after the edges. */
  readonly after: readonly PlannedService[];
}

/** @param services those that the step `start` brings up. */
export function inPlace(services: readonly PlannedService[], record: ReleaseRecord): InPlace {
  const all = services.filter(({ plan }) => plan.strategy === 'keep' || plan.strategy === 'recreate');
  const after = all.filter((planned) => isAfterEdges(planned, record));
  return { before: all.filter((planned) => !after.includes(planned)), after };
}

function isAfterEdges({ plan }: PlannedService, record: ReleaseRecord): boolean {
  if (plan.proxy === true || isInFront(record, plan.name)) return true;
  // A store serves others, even if its variables name an edge.
  if (plan.strategy === 'keep') return false;
  return record.services.some(
    ({ name, strategy }) => strategy === 'blue-green' && callsOf(name, record.model).by.includes(plan.name),
  );
}

/**
 * Starts services in the order of their `depends_on`, each group when the previous one is healthy.
 *
 * @throws UserError `compose.up-failed`, `health.*`.
 */
export async function upInOrder(
  run: DeployRun,
  hostRun: HostRun,
  services: readonly PlannedService[],
  note: (text: string) => void,
): Promise<void> {
  const left = new Set(services.map(({ service }) => service));
  const needsOf = (name: string) => Object.keys(hostRun.plan.record.model.services[name]?.depends_on ?? {});
  await rememberUndescribed(hostRun, services);
  while (left.size > 0) {
    const ready = [...left].filter((name) => !needsOf(name).some((need) => need !== name && left.has(need)));
    // A cycle, which Compose refuses: any order is as good as another.
    const group = ready.length > 0 ? ready : [...left];
    await composeUp(hostRun, group, { signal: run.signal });
    for (const name of group) left.delete(name);
    const awaited = services.filter(({ service }) => group.includes(service) && isAwaited(hostRun, service));
    if (awaited.length > 0) {
      const projects = awaited.map(({ plan, service }) => ({ plan, project: service }));
      await waitRunning(run, hostRun, projects, note);
    }
  }
}

/** Whether a service of this release depends on this one running or being healthy. */
function isAwaited(hostRun: HostRun, service: string): boolean {
  return Object.values(hostRun.plan.record.model.services).some(
    ({ depends_on: needs }) =>
      needs?.[service] !== undefined && needs[service]?.condition !== 'service_completed_successfully',
  );
}

/**
 * Replaced containers that no release describes: those of a plain project, and stores. A release has the wanted
 * definition of a store, not the one it runs with.
 */
function undescribed(hostRun: HostRun, services: readonly PlannedService[]) {
  const names = services
    .filter(
      ({ action, plan }) =>
        action === 'replace' && (plan.strategy === 'keep' || hostRun.plan.previous === undefined),
    )
    .map(({ service }) => service);
  return hostRun.state.containers.filter(
    (one) => one.running && one.edge === undefined && names.includes(one.service),
  );
}

async function rememberUndescribed(hostRun: HostRun, services: readonly PlannedService[]): Promise<void> {
  await writeDown(hostRun.host, hostRun.layout.release(hostRun.plan.release), undescribed(hostRun, services));
}

/** Restores services that were replaced in place: the previous release's definition, or the recorded container. */
export async function putBack(hostRun: HostRun, run: DeployRun): Promise<void> {
  const replaced = hostRun.plan.services
    .filter((planned) => planned.action === 'replace')
    .map((planned) => planned.service);
  if (replaced.length === 0) return;
  run.effects.log.detail(`${hostRun.host.name}: restoring ${replaced.join(', ')}`);
  const { host, layout, plan } = hostRun;
  const { previous } = plan;
  await restoreReplaced(host, layout.release(plan.release), replaced, async (rest) => {
    if (previous === undefined) return;
    await composeUp({ ...hostRun, plan: { ...plan, release: previous.release } }, rest);
  });
}
