import { messageOf, UserError, userErrorsOf } from '../../kernel/errors.ts';
import { counted } from '../../kernel/figures.ts';
import { type DeployRun, type HostRun, onHosts, settleAll } from '../context.ts';
import { otherColour } from '../model.ts';
import { composeUp } from '../on-host/compose.ts';
import { letEnd, removeContainers, retireContainers, stopContainers } from '../on-host/containers.ts';
import { type ContainerState, listContainers } from '../on-host/state.ts';
import { leftDown } from '../plan/strays.ts';
import { lastingTroubleAt, troubleAt } from '../preflight/public-url.ts';
import { drainColour, untilEnded } from '../traffic/drain.ts';
import { releaseFronts, turnFronts } from '../traffic/fronts.ts';
import { drainedFile } from '../traffic/guard.ts';
import type { Step } from '../transaction.ts';
import { graceOf } from './revert.ts';

/**
 * Drains and stops the old color: requests in flight and WebSockets get until the drain limit, then its containers get
 * their stop signal. The host waits for that, not this run, also for old workers to finish their last tasks. The
 * containers stay, stopped (or warm), so that a rollback is a start and a switch. Singletons change over here, when it is
 * certain which release stays.
 */
export const retire: Step = {
  name: 'retire',
  finishes: true,
  isFailure: (error) => userErrorsOf(error).some(({ code }) => code === 'adopt.url'),
  async apply(run, note) {
    const notes = await onHosts(run, async (hostRun) => {
      const old = oldContainers(hostRun);
      const listing = listContainers(hostRun.host.engine, hostRun.plan.record.app);
      listing.catch(() => {});
      const adopted = old.filter((container) => container.plain);
      const own = old.filter((container) => !container.plain);
      const proof = provenUrl(run, adopted);
      proof.catch(() => {});
      const isWarm = (container: ContainerState) => {
        const strategy = strategyOf(hostRun, container);
        return run.config.previous === 'warm' && strategy !== undefined && strategy !== 'workers';
      };
      const swaps = hostRun.plan.services.filter(
        ({ action, plan }) => action === 'swap' || (action === 'create' && plan.strategy === 'singleton'),
      );
      const swapped = composeUp(
        hostRun,
        swaps.map((planned) => planned.service),
      );
      const turned = listing.then((now) => turnFronts(run, hostRun, now));
      turned.catch(() => {});
      // While a singleton changes over none runs, so containers that end must not take CPU time from it. It finishes
      // after a cancellation, too, or the app would have no singleton.
      const quiet = swapped.catch(() => {});
      const [inFlight] = await settleAll([
        Promise.all([quiet, turned]).then(() =>
          leave(
            run,
            hostRun,
            own.filter((container) => !isWarm(container)),
          ),
        ),
        Promise.all([quiet, turned, proof]).then(() => endAdopted(run, hostRun, adopted, note)),
        swapped.then(() => 0),
      ]);
      await releaseFronts(hostRun, await turned);
      await proveUrl(run, hostRun, await proof, adopted);
      await removeStale(hostRun, old, await listing);
      await keepDown(hostRun);
      if (run.options.wait === true) await untilEnded(run, hostRun, own, note);
      return inFlight ?? 0;
    });
    const inFlight = notes.reduce((sum, count) => sum + count, 0);
    if (run.options.wait === true) return 'old release stopped';
    const seconds = Math.ceil(run.config.drainMs / 1000);
    return inFlight === 0
      ? 'old release is stopping'
      : `old release drains ${counted(inFlight, 'connection')} for at most ${seconds} s`;
  },
};

/**
 * Lets containers of the old color drain and stop on the host, without this run.
 *
 * @returns how many requests and WebSockets they have in flight.
 */
async function leave(
  run: DeployRun,
  hostRun: HostRun,
  containers: readonly ContainerState[],
): Promise<number> {
  const old = otherColour(hostRun.plan.colour);
  const counts = new Map<string, { readonly file: string; readonly left: number }>();
  await Promise.all(
    [...hostRun.guards].map(async ([service, guard]) => {
      if (!containers.some((one) => one.service === service)) return;
      const answer = await guard.drain(old).catch(() => undefined);
      const isReloaded = hostRun.plan.edges.some(
        (edge) => edge.service === service && edge.action === 'reload',
      );
      // After a reload the new process does not know the connections of the old one, and an edge that does not answer
      // may have some: the host waits until the limit.
      const isKnown = answer !== undefined && !isReloaded;
      counts.set(service, {
        file: isKnown ? drainedFile(old) : 'not-known',
        left: Number.parseInt(answer ?? '', 10) || 0,
      });
    }),
  );
  const drainOf = ({ service }: ContainerState) => {
    const file = counts.get(service)?.file;
    return file === undefined ? {} : { drained: `${hostRun.layout.edge(service)}/run/${file}` };
  };
  const ending = containers.map((one) => ({
    id: one.id,
    graceMs: graceOf(hostRun.plan.services, one.service),
    ...drainOf(one),
  }));
  await letEnd(hostRun.host, ending, run.config.drainMs);
  return [...counts.values()].reduce((sum, { left }) => sum + left, 0);
}

/** Adopted containers are removed afterwards, so this run waits until they have stopped. */
async function endAdopted(
  run: DeployRun,
  hostRun: HostRun,
  containers: readonly ContainerState[],
  note: (text: string) => void,
): Promise<number> {
  if (containers.length === 0) return 0;
  await drainColour(hostRun.guards.values(), otherColour(hostRun.plan.colour), {
    limitMs: run.config.drainMs,
    clock: run.effects.clock,
    signal: run.effects.signal,
    note,
  });
  await settleAll(
    containers.map((container) =>
      stopContainers(hostRun.host, [container.id], graceOf(hostRun.plan.services, container.service)),
    ),
  );
  return 0;
}

/** The public URL, if adopted containers will end and it works while they run: only then can a failure be due to their end. */
async function provenUrl(run: DeployRun, adopted: readonly ContainerState[]): Promise<string | undefined> {
  const url = run.config.watch.url ?? run.target.url;
  if (adopted.length === 0 || url === undefined) return undefined;
  return (await troubleAt(url, run.signal)) === undefined ? url : undefined;
}

/**
 * A proxy in front may still use the address of an adopted container. In that case the containers run again, beside the
 * new release, until the proxy has been reloaded.
 *
 * @throws UserError `adopt.url`.
 */
async function proveUrl(
  run: DeployRun,
  hostRun: HostRun,
  url: string | undefined,
  adopted: readonly ContainerState[],
): Promise<void> {
  if (url === undefined) return;
  const trouble = await lastingTroubleAt(url, { clock: run.effects.clock, signal: run.signal });
  if (trouble === undefined) return;
  const names = adopted.map(({ name }) => name).join(', ');
  const failures = await Promise.all(
    adopted.map(({ id }) =>
      hostRun.host.engine
        .getContainer(id)
        .start()
        .then(() => '', messageOf),
    ),
  );
  const failed = failures.find((why) => why !== '');
  const back =
    failed !== undefined
      ? `They cannot be started again: ${failed}`
      : (await lastingTroubleAt(url, { clock: run.effects.clock, signal: run.signal })) === undefined
        ? 'They are running again and the URL answers'
        : 'They are running again, but the URL still fails';
  throw new UserError({
    code: 'adopt.url',
    message: `${url} ${trouble} after the adopted containers (${names}) stopped on ${hostRun.host.name}. ${back}`,
    hint: 'A proxy in front still uses their addresses. Make it resolve the name again (nginx: docker exec NAME nginx -s reload), then deploy again with --force.',
  });
}

function oldContainers(hostRun: HostRun): ContainerState[] {
  return hostRun.state.containers.filter(
    (container) =>
      container.edge === undefined &&
      // One of ours that is not running at this moment may be in a restart loop.
      (container.plain
        ? container.running && isSwitchedService(hostRun, container)
        : container.colour === otherColour(hostRun.plan.colour)),
  );
}

function isSwitchedService(hostRun: HostRun, container: ContainerState): boolean {
  const planned = hostRun.plan.services.find((service) => service.service === container.service);
  return planned?.action === 'colour' || planned?.action === 'workers';
}

function strategyOf(hostRun: HostRun, container: ContainerState): string | undefined {
  return hostRun.plan.services.find((planned) => planned.service === container.service)?.plan.strategy;
}

/** Leftovers of a plain project must not take an edge's name and ports when the server boots. */
async function keepDown(hostRun: HostRun): Promise<void> {
  const left = leftDown(hostRun.state, hostRun.plan);
  await retireContainers(
    hostRun.host,
    left.map(({ id }) => id),
    10_000,
  );
}

/**
 * Removes adopted plain containers and services that left the compose file: no release starts them. Also removes those
 * of services that left it earlier and date from when the color was last in use.
 */
async function removeStale(
  hostRun: HostRun,
  old: readonly ContainerState[],
  now: readonly ContainerState[],
): Promise<void> {
  const adopted = old.filter((container) => container.plain).map((container) => container.id);
  const { removed, colour, release } = hostRun.plan;
  const gone = now.filter((container) =>
    container.colour === colour
      ? container.release !== release
      : container.colour === undefined && removed.includes(container.service),
  );
  await stopContainers(
    hostRun.host,
    gone.map((container) => container.id),
    10_000,
  );
  await removeContainers(hostRun.host, [...adopted, ...gone.map((container) => container.id)]);
}
