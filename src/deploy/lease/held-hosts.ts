import { hostname } from 'node:os';
import type { Config, HostConfig, Target } from '../../config/model.ts';
import type { Host } from '../../host/model.ts';
import { UserErrors, userErrorsOf } from '../../kernel/errors.ts';
import type { DeployEffects, HeldHost } from '../context.ts';
import { type Layout, layoutOf } from '../model.ts';
import { type ContainerState, type HostState, readHostState, releaseNamed } from '../on-host/state.ts';
import { askerOf, ownerOf, refuseOthers } from '../preflight/owner.ts';
import type { Recorder } from '../report/recorder.ts';
import { runUrl } from '../report/report.ts';
import { startStoppedEdges } from '../traffic/edges.ts';
import { type Keeper, type LeaseHolder, takeLease } from './keeper.ts';
import { reconcile } from './reconcile.ts';

/**
 * Opens the connections to all hosts of a target, in parallel; if one fails, the others are closed.
 *
 * @throws UserErrors with the failure of every host that cannot be reached.
 */
export async function connectAll(
  hosts: readonly HostConfig[],
  connect: (config: HostConfig) => Promise<Host>,
): Promise<Host[]> {
  const settled = await Promise.allSettled(hosts.map(connect));
  const reasons = settled.flatMap((result): unknown[] =>
    result.status === 'rejected' ? [result.reason] : [],
  );
  const open = settled.filter((result) => result.status === 'fulfilled').map((result) => result.value);
  if (reasons.length === 0) return open;
  await Promise.all(open.map((host) => host.close().catch(() => {})));
  const known = reasons.flatMap(userErrorsOf);
  throw known.length === reasons.length && known.length > 1 ? new UserErrors(known) : reasons[0];
}

/** Names this run to other runs that find its lease. */
export function leaseHolder(deploy: string, effects: Pick<DeployEffects, 'clock' | 'env'>): LeaseHolder {
  const { env } = effects;
  return {
    deploy,
    actor: env.GITHUB_ACTOR ?? env.USER,
    runUrl: runUrl(env),
    runner: env.RUNNER_NAME ?? hostname(),
    since: new Date(effects.clock.now()).toISOString(),
  };
}

interface HoldRequest {
  readonly config: Config;
  readonly target: Target;
  readonly hosts: readonly Host[];
  /** Id of the run that takes the leases. */
  readonly deploy: string;
}

/** Takes the lease on every host, reads its state, and finishes or undoes deploys of dead runs. */
export async function holdHosts(
  request: HoldRequest,
  effects: DeployEffects,
  recorder: Recorder,
): Promise<HeldHost[]> {
  const early = readEarly(request, effects);
  const keepers = await recorder.step('lease', () => takeLeases(request, effects));
  try {
    const held = await readAll(request, keepers, early);
    refuseForeignApps(request, effects, held);
    if (held.every(isSettled)) return held;
    await recorder.step('reconcile', () => settle(request, effects, keepers, held));
    return await reread(request, effects, keepers, held);
  } catch (error) {
    await releaseAll(keepers);
    throw error;
  }
}

type Keepers = ReadonlyMap<Host, Keeper>;

async function releaseAll(keepers: Keepers): Promise<void> {
  await Promise.all([...keepers.values()].map((keeper) => keeper.release()));
}

/** Hosts are locked in the order of their names, so that two deploys at once cannot each hold half of them. */
async function takeLeases({ hosts, config, deploy }: HoldRequest, effects: DeployEffects): Promise<Keepers> {
  const keepers = new Map<Host, Keeper>();
  const holder = leaseHolder(deploy, effects);
  const take = async (host: Host) =>
    void keepers.set(host, await takeLease(host, layoutOn(host, config), holder));
  try {
    const [first, ...rest] = hosts.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    // The first host decides between two deploys at once; the others can then be locked together.
    if (first !== undefined) await take(first);
    await Promise.all(rest.map(take));
    return keepers;
  } catch (error) {
    await releaseAll(keepers);
    throw error;
  }
}

/** Gives the state of a host that was read before its lease was taken, if it is still valid. */
type EarlyState = (host: Host, keeper: Keeper) => Promise<HostState> | undefined;

/** Reads all hosts while their leases are taken: the state is valid if no other run held the lease meanwhile. */
function readEarly({ hosts, config }: HoldRequest, { clock }: DeployEffects): EarlyState {
  const begun = clock.elapsed();
  const states = new Map(hosts.map((host) => [host, readState(host, config)]));
  for (const state of states.values()) state.catch(() => {});
  return (host, keeper) => (isUntouched(keeper, clock.elapsed() - begun) ? states.get(host) : undefined);
}

/** @param early states that are still valid; the others are read now. */
async function readAll(
  { hosts, config }: HoldRequest,
  keepers: Keepers,
  early: EarlyState = () => undefined,
): Promise<HeldHost[]> {
  return await Promise.all(
    hosts.map(async (host) => {
      const keeper = keepers.get(host);
      if (keeper === undefined) throw new Error(`no lease on ${host.name}`);
      const state = await (early(host, keeper) ?? readState(host, config));
      return { host, layout: layoutOn(host, config), keeper, state };
    }),
  );
}

function layoutOn(host: Host, config: Config): Layout {
  return layoutOf(host.config.root, config.app);
}

function readState(host: Host, config: Config): Promise<HostState> {
  return readHostState(host, config.app, layoutOn(host, config));
}

/** Checked again under the lease: of two first deploys at once, both find an empty folder before they hold it. */
function refuseForeignApps(
  { config, target }: HoldRequest,
  effects: DeployEffects,
  held: readonly HeldHost[],
): void {
  const asker = askerOf(config, target, effects.env);
  for (const { host, layout, state } of held) refuseOthers(host.name, layout, ownerOf(state), asker);
}

/** No dead run has left anything, and every needed edge is up. */
function isSettled(held: HeldHost): boolean {
  return held.state.unfinished.length === 0 && !isDown(held);
}

function isDown({ state }: HeldHost): boolean {
  return neededEdges(state).some(({ running }) => !running);
}

async function settle(
  request: HoldRequest,
  effects: DeployEffects,
  keepers: Keepers,
  held: readonly HeldHost[],
): Promise<string> {
  // An edge that cannot start is left: another container may have its port until a dead deploy is undone.
  const started = await startEdges(held, effects, { mayFail: true });
  // The edges decide what was confirmed, so they are read again when all of them are up.
  const now = started.length > 0 ? await readAll(request, keepers) : held;
  const done = await reconcile(now, {
    deploy: request.deploy,
    log: effects.log,
    clock: effects.clock,
    drainMs: request.config.drainMs,
  });
  return [...started.map((service) => `started the edge of ${service}`), ...done].join('; ');
}

async function reread(
  request: HoldRequest,
  effects: DeployEffects,
  keepers: Keepers,
  before: readonly HeldHost[],
): Promise<HeldHost[]> {
  const broughtTo = (host: Host) =>
    before
      .filter((held) => held.host === host)
      .flatMap(({ state }) => state.unfinished.flatMap(({ header }) => header.brought ?? []));
  const read = async () =>
    (await readAll(request, keepers)).map((held) => ({ ...held, left: broughtTo(held.host) }));
  const after = await read();
  if (!after.some(isDown)) return after;
  await startEdges(after, effects);
  return await read();
}

async function startEdges(
  held: readonly HeldHost[],
  { clock }: DeployEffects,
  options: { readonly mayFail?: boolean } = {},
): Promise<string[]> {
  const started = await Promise.all(
    held.map(({ host, layout, state }) =>
      startStoppedEdges(host, layout, neededEdges(state), clock, options),
    ),
  );
  return started.flat();
}

/**
 * Edges of the serving release. The edge of a renamed service may be stopped, because another has its port. Before the
 * first confirmation no edge is needed.
 */
export function neededEdges(state: HostState): ContainerState[] {
  if (state.current === undefined) return [];
  const services = releaseNamed(state, state.current)?.services.map(({ name }) => name);
  return state.containers.filter(
    ({ edge, service }) => edge !== undefined && services?.includes(service) !== false,
  );
}

/** The host counts whole seconds, and its clock may be adjusted meanwhile. */
const doubtMs = 3_000;

function isUntouched({ freeFor }: Keeper, sinceReadMs: number): boolean {
  return freeFor !== undefined && freeFor * 1000 > sinceReadMs + doubtMs;
}
