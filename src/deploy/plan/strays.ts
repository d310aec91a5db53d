import { UserError } from '../../kernel/errors.ts';
import type { HostPlan, PlannedService, ReleaseRecord } from '../model.ts';
import { activeColours, type ContainerState, type HostState, servingColour } from '../on-host/state.ts';

/**
 * A deploy moves all services from one color to the other. If one of them was switched separately, the new containers of
 * another would replace the serving ones.
 *
 * @returns `preflight.colors-differ`.
 */
export function colourFaults(host: string, state: HostState): UserError[] {
  // Half-done switches of a dead run are reconciled before the next deploy plans.
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
      message: `${host}: services serve different colors (${coloursText(state)}), but a deploy moves all services from one color to the other`,
      hint: `Switch ${service} to ${to} on the server, in the app's folder edge/${service}: start its ${to} containers, then run echo 'sluice switch ${from} ${to} by-hand-1 60' | socat - UNIX-CONNECT:run/admin.sock, and the same with 'sluice confirm by-hand-1'.`,
    }),
  ];
}

/** `web serves blue, api serves green`. */
export function coloursText(state: HostState): string {
  return activeColours(state)
    .map(({ service, colour }) => `${service} serves ${colour}`)
    .join(', ');
}

/** Warnings about the state of a host that no deploy of this app leaves behind. */
export function strayWarnings(
  record: ReleaseRecord,
  state: HostState,
  before: ReleaseRecord | undefined,
  { services, handovers }: Pick<HostPlan, 'services' | 'handovers'>,
): string[] {
  // Handovers have their own warnings.
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
    `${what}, so the serving release is unknown. This deploy cannot compare with it, and no rollback can return to it.`,
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
      `${one.name} of a plain compose project is not running (${one.status}). The deploy sets its restart policy to \`no\`, so that it does not start beside the release when the server boots.`,
    ];
  }
  if (!one.running) return [];
  const isOurs = record.services.some(({ name }) => name === one.service);
  if (!isOurs && state.current === undefined) {
    return [
      `${one.name} runs from a plain compose project, and this release has no service ${one.service}: it keeps running, and no deploy touches it.`,
    ];
  }
  if (!hasColour(one, services) || servingColour(state) === undefined) return [];
  return [
    `${one.name} runs from a plain compose project beside this app, and also answers to the name ${one.service}: this deploy stops and removes it.`,
  ];
}

/**
 * A container of a plain compose project that is not running at this moment. It may be in a restart loop, or start when
 * the server boots, and take the name and the ports of the edge.
 */
function isResting(one: ContainerState, services: readonly PlannedService[]): boolean {
  return one.plain && !one.running && hasColour(one, services);
}

/**
 * Stopped containers of a plain compose project that must stay stopped after the deploy: those that did not run, and
 * those that handed a port to a service of another name.
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
