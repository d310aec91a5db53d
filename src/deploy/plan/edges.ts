import type { PlannedEdge, ReleaseRecord } from '../model.ts';
import type { ContainerState, HostState } from '../on-host/state.ts';
import { isRedefined } from '../traffic/edge-container.ts';
import { lackingNetworks } from './networks.ts';
import { hasFixedAddress } from './ties.ts';

/** Input of the plan of an edge. */
export interface EdgePlanInput {
  readonly record: ReleaseRecord;
  readonly state: HostState;
  readonly edgeImage: string;
  /** Replace edges that run another image than the configured one. */
  readonly replaceEdges?: boolean;
}

/** Decides what a deploy does with the edge of a service. */
export function planEdge(
  edge: Pick<PlannedEdge, 'service' | 'files' | 'version' | 'memory'>,
  input: EdgePlanInput,
): PlannedEdge {
  const { containers } = input.state;
  const container = containers.find(
    (containerState) => containerState.edge !== undefined && containerState.service === edge.service,
  );
  const adopted = containers.find(
    (containerState) =>
      containerState.plain && containerState.running && containerState.service === edge.service,
  );
  // The label has the version the container was created with; after a reload only the edge knows its version.
  const runningVersion = input.state.edges[edge.service]?.version ?? container?.edge;
  const { record } = input;
  // An edge that never served does not own the name yet: a container of a plain project may.
  const isNew = container === undefined || (!container.running && input.state.current === undefined);
  const plan = record.services.find(({ name }) => name === edge.service);
  const definition = record.model.services[edge.service];
  const redefined =
    container?.running === true &&
    plan !== undefined &&
    definition !== undefined &&
    (isRedefined(container.hash, record, plan, definition) ||
      lackingNetworks(record, edge.service, container).length > 0);
  return {
    ...edge,
    redefined,
    action: redefined ? 'replace' : edgeAction(container, runningVersion === edge.version, input),
    adopted: isNew ? adopted?.name : undefined,
    takesPort:
      isNew &&
      adopted !== undefined &&
      (publishes(record, edge.service) || hasFixedAddress(record, edge.service)),
    imageDiffers: container !== undefined && container.image !== input.edgeImage,
  };
}

function edgeAction(
  container: ContainerState | undefined,
  isCurrent: boolean,
  input: EdgePlanInput,
): PlannedEdge['action'] {
  if (!container?.running) return 'create';
  if (input.replaceEdges === true && container.image !== input.edgeImage) return 'replace';
  return isCurrent ? 'keep' : 'reload';
}

function publishes(record: ReleaseRecord, service: string): boolean {
  return (record.model.services[service]?.ports ?? []).some((port) => port.published !== undefined);
}

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
