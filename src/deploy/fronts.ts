import type { HostRun } from './context.ts';
import { isInFront } from './plan.ts';

/**
 * A running nginx keeps the addresses it looked up when it started. After an adoption the names belong to the edges, and a replaced edge may have another address,
 * so it must look them up again; a proxy of another kind that caches addresses has to be restarted by hand.
 *
 * @returns services that could not be told.
 */
export async function reloadFronts(each: HostRun): Promise<string[]> {
  const moved = each.plan.edges.some((edge) => edge.adopted !== undefined || edge.action === 'replace');
  if (!moved) return [];
  const fronts = each.state.containers.filter(
    (container) =>
      container.running &&
      each.plan.services.some(({ service, action }) => service === container.service && action === 'keep') &&
      isInFront(each.plan.record, container.service),
  );
  const told = await Promise.all(
    fronts.map(async (front) => {
      const result = await each.host.exec(['docker', 'exec', front.id, 'nginx', '-s', 'reload'], {
        timeoutMs: 20_000,
      });
      return result.code === 0 ? undefined : front.service;
    }),
  );
  return told.filter((service) => service !== undefined);
}
