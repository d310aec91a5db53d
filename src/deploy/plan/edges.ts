import type { PlannedEdge, ReleaseRecord } from '../model.ts';
import type { ContainerState } from '../on-host/state.ts';
import { isRedefined } from '../traffic/edge-container.ts';
import { lackingNetworks } from './networks.ts';
import type { HostPlanInput } from './host-plan.ts';
import { hasFixedAddress } from './ties.ts';

/** Decides what a deploy does with the edge of a service. */
export function planEdge(
  edge: Pick<PlannedEdge, 'service' | 'files' | 'version' | 'memory'>,
  input: HostPlanInput,
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
  input: HostPlanInput,
): PlannedEdge['action'] {
  if (!container?.running) return 'create';
  if (input.replaceEdges === true && container.image !== input.edgeImage) return 'replace';
  return isCurrent ? 'keep' : 'reload';
}

function publishes(record: ReleaseRecord, service: string): boolean {
  return (record.model.services[service]?.ports ?? []).some((port) => port.published !== undefined);
}
