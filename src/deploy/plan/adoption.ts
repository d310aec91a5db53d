import type { PlannedEdge, ReleaseRecord } from '../model.ts';
import type { HostState } from '../on-host/state.ts';
import { hasFixedAddress } from './ties.ts';

/** Consequences of adopting a container of a plain compose project as the first color of a service. */
export function adoptionWarnings(edge: PlannedEdge, record: ReleaseRecord, state: HostState): string[] {
  const published =
    record.model.services[edge.service]?.ports?.map((port) => port.published).filter(Boolean) ?? [];
  const moved = `${edge.adopted} runs from a plain compose project. This deploy adopts it, and the name ${edge.service} moves to the edge.`;
  const what = [
    ...(published.length === 0 ? [] : [`Published port ${published.join(', ')}`]),
    ...(hasFixedAddress(record, edge.service) ? ['The fixed address'] : []),
  ];
  return [
    moved,
    ...strangersBeside(edge, state),
    ...what.map(
      (text) =>
        `${text} of ${edge.service} also moves to the edge. It has one owner, so connections to it are refused for about a second, only this time.`,
    ),
  ];
}

/** Containers of other projects are not reloaded: a proxy among them keeps the adopted container's address. */
function strangersBeside(
  { adopted, service }: PlannedEdge,
  { containers, neighbors = [] }: HostState,
): string[] {
  const networks = Object.keys(containers.find(({ name }) => name === adopted)?.addresses ?? {});
  const found = neighbors.filter((neighbor) =>
    neighbor.networks.some((network) => networks.includes(network)),
  );
  if (found.length === 0) return [];
  const more = found.length > 5 ? ` and ${found.length - 5} more` : '';
  const names = `${found
    .slice(0, 5)
    .map(({ name }) => name)
    .join(', ')}${more}`;
  return [
    `The networks of ${service} have containers of other projects: ${names}. A proxy among them that forwards to ${service} keeps the address of ${adopted}, which ends in this deploy. After the deploy, restart it and check the public address.`,
  ];
}
