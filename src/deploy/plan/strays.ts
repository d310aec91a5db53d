import { UserError } from '../../kernel/errors.ts';
import type { HostPlan, PlannedService, ReleaseRecord } from '../model.ts';
import { activeColours, type ContainerState, type HostState, servingColour } from '../on-host/state.ts';

/**
 * A deploy moves all services from one color to the other. If somebody has switched one of them alone, the new containers of
 * another would take the place of those that serve.
 *
 * @returns `preflight.colors-differ`.
 */
export function colourFaults(host: string, state: HostState): UserError[] {
  // What a dead run has left half-way is put right before the next deploy plans.
  const active = state.unfinished.length > 0 ? [] : activeColours(state);
  if (new Set(active.map(({ colour }) => colour)).size < 2) return [];
  const wanted = state.containers.find((one) => one.running && one.release === state.current)?.colour;
  const to = wanted ?? active[0]?.colour ?? 'blue';
  const [other] = active.filter(({ colour }) => colour !== to);
  const service = other?.service ?? '';
  const from = other?.colour ?? 'blue';
  return [
    new UserError({
      code: 'preflight.colors-differ',
      message: `${host}: ${coloursText(state)}, and a deploy moves all services from one color to the other`,
      hint: `Switch ${service} to ${to}, on the server in the folder edge/${service} of the app: start its ${to} containers, then echo 'sluice switch ${from} ${to} by-hand-1 60' | socat - UNIX-CONNECT:run/admin.sock, and the same with 'sluice confirm by-hand-1'.`,
    }),
  ];
}

/** `web serves blue, api serves green`. */
export function coloursText(state: HostState): string {
  return activeColours(state)
    .map(({ service, colour }) => `${service} serves ${colour}`)
    .join(', ');
}

/** What a plan says of things on a host that no deploy of this app has left there in this way. */
export function strayWarnings(
  record: ReleaseRecord,
  state: HostState,
  before: ReleaseRecord | undefined,
  { services, handovers }: Pick<HostPlan, 'services' | 'handovers'>,
): string[] {
  // Of one that gives up its port the plan speaks already.
  const others = state.containers.filter(({ name }) =>
    handovers.every(({ container }) => container !== name),
  );
  return [
    ...missingRecord(state, before),
    ...others.flatMap((one) => plainWarning(one, record, state, services)),
  ];
}

function missingRecord(state: HostState, before: ReleaseRecord | undefined): string[] {
  if (before !== undefined || state.unfinished.length > 0 || servingColour(state) === undefined) return [];
  const what =
    state.current === undefined
      ? 'The link `current` in the app’s folder is missing'
      : `The link \`current\` in the app’s folder names ${state.current}, and its folder in releases/ is missing`;
  return [
    `${what}: nothing tells what serves now. This deploy cannot compare with it, and no rollback leads back to it.`,
  ];
}

function plainWarning(
  one: ContainerState,
  record: ReleaseRecord,
  state: HostState,
  services: readonly PlannedService[],
): string[] {
  if (!one.plain || one.job) return [];
  if (isResting(one, services)) {
    return [
      `${one.name} of a plain compose project does not run (${one.status}): its restart policy becomes \`no\`, or it could come back beside the release when the server starts.`,
    ];
  }
  if (!one.running) return [];
  const isOurs = record.services.some(({ name }) => name === one.service);
  if (!isOurs && state.current === undefined) {
    return [
      `${one.name} runs from a plain compose project, and this release has no service ${one.service}: it goes on running, and no deploy touches it.`,
    ];
  }
  if (!hasColour(one, services) || servingColour(state) === undefined) return [];
  return [
    `${one.name} runs from a plain compose project beside this app, and answers to the name ${one.service} as well: this deploy stops and removes it.`,
  ];
}

/**
 * A container of a plain compose project that does not run this moment: it may be starting anew without end, or start with
 * the server, and would take the name and the ports of the edge then.
 */
function isResting(one: ContainerState, services: readonly PlannedService[]): boolean {
  return one.plain && !one.running && hasColour(one, services);
}

/**
 * Containers of a plain compose project that a deploy leaves behind, down, and that must stay down: those that did not run,
 * and those that gave a port to a service of another name.
 */
export function leftDown(
  { containers }: Pick<HostState, 'containers'>,
  { services, handovers }: Pick<HostPlan, 'services' | 'handovers'>,
): ContainerState[] {
  const gave = new Set(handovers.map(({ container }) => container));
  return containers.filter((one) => isResting(one, services) || (one.plain && gave.has(one.name)));
}

function hasColour({ service }: ContainerState, services: readonly PlannedService[]): boolean {
  const action = services.find((plannedService) => plannedService.service === service)?.action;
  return action === 'colour' || action === 'workers';
}
