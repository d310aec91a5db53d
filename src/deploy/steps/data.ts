import { type HostRun, onHosts } from '../context.ts';
import { composeUp } from '../on-host/compose.ts';
import { removeContainers } from '../on-host/containers.ts';
import { listContainers } from '../on-host/state.ts';
import { isInFront } from '../plan/host-plan.ts';
import type { Step } from '../transaction.ts';
import { waitRunning } from './waiting/wait.ts';

/**
 * Creates stores that do not run yet (first deploy, a new service, a new host), because the backup, the migration and
 * the new containers need them.
 */
export const data: Step = {
  name: 'data',
  skip: (run) =>
    run.hosts.every((host) => missing(host).length === 0) ? 'all stores are running' : undefined,
  async apply(run, note) {
    const created = await onHosts(run, async (hostRun) => {
      const services = missing(hostRun);
      await composeUp(hostRun, services, { flags: ['--no-recreate'], signal: run.signal });
      const plans = hostRun.plan.services.filter((planned) => services.includes(planned.service));
      await waitRunning(
        run,
        hostRun,
        plans.map((planned) => ({ plan: planned.plan, project: planned.service })),
        note,
      );
      return services;
    });
    return `${[...new Set(created.flat())].join(', ')} started`;
  },
  /** Removes the containers made here. Their named volumes stay: Sluice never deletes data. */
  async undo(run) {
    await onHosts(run, async (hostRun) => {
      const services = missing(hostRun);
      if (services.length === 0) return;
      const found = await listContainers(hostRun.host.engine, hostRun.plan.record.app);
      const before = new Set(hostRun.state.containers.map((container) => container.id));
      const ours = found.filter(
        (container) => services.includes(container.service) && !before.has(container.id),
      );
      await removeContainers(
        hostRun.host,
        ours.map((container) => container.id),
      );
    });
    return 'removed, volumes kept';
  },
};

function missing(hostRun: HostRun): string[] {
  return hostRun.plan.services
    .filter(
      ({ plan, action }) =>
        plan.strategy === 'keep' && action === 'create' && !isInFront(hostRun.plan.record, plan.name),
    )
    .map((planned) => planned.service);
}
