import { messageOf, UserError, userErrorsOf } from '../../kernel/errors.ts';
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

/**
 * Lets the old colour finish: requests in flight and WebSockets until the drain limit, then its stop signal. The host
 * waits for that and not this run, and how long its apps take then, and old workers for their last tasks, is theirs.
 * Its containers stay, stopped (or warm), so that a rollback is a start and a switch. Singletons change over here,
 * when it is certain which release stays.
 */
export const retire: Step = {
  name: 'retire',
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
      // Between its two singletons an app has none: nothing that ends may take the processor from that change. It is let
      // come to its end after a cancellation, too, or none of them would run.
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
    if (run.options.wait === true) return 'old release ended';
    const seconds = Math.ceil(run.config.drainMs / 1000);
    return inFlight === 0
      ? 'old release ends by itself'
      : `old release finishes ${inFlight} ${inFlight === 1 ? 'connection' : 'connections'}, at most ${seconds} s`;
  },
};

/**
 * Leaves containers of the old color to their end on the host.
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
      // Of connections from before a reload the new process knows nothing, and an edge that does not answer may have some:
      // the host waits out the limit.
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
    graceMs: graceOf(hostRun, one),
    ...drainOf(one),
  }));
  await letEnd(hostRun.host, ending, run.config.drainMs);
  return [...counts.values()].reduce((sum, { left }) => sum + left, 0);
}

/** Adopted containers are removed afterwards, so their end is waited for; nothing needs that of a kept one. */
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
    containers.map((container) => stopContainers(hostRun.host, [container.id], graceOf(hostRun, container))),
  );
  return 0;
}

/** The public URL, if adopted containers end and it answers well while they run: only then it can tell of their end. */
async function provenUrl(run: DeployRun, adopted: readonly ContainerState[]): Promise<string | undefined> {
  const url = run.config.watch.url ?? run.target.url;
  if (adopted.length === 0 || url === undefined) return undefined;
  return (await troubleAt(url, run.signal)) === undefined ? url : undefined;
}

/**
 * Whatever is in front may have the address of an adopted container, and nobody but its owner knows. Then the containers run
 * again, beside the new release, until it has been told.
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
      ? `They could not be started again: ${failed}`
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
      // One of ours that does not run this moment may be starting anew without end.
      (container.plain
        ? container.running && isSwitchedService(hostRun, container)
        : container.colour === otherColour(hostRun.plan.colour)),
  );
}

function isSwitchedService(hostRun: HostRun, container: ContainerState): boolean {
  const planned = hostRun.plan.services.find((service) => service.service === container.service);
  return planned?.action === 'colour' || planned?.action === 'workers';
}

function graceOf(hostRun: HostRun, { service }: ContainerState): number {
  return hostRun.plan.services.find((planned) => planned.service === service)?.plan.stopGraceMs ?? 10_000;
}

function strategyOf(hostRun: HostRun, container: ContainerState): string | undefined {
  return hostRun.plan.services.find((planned) => planned.service === container.service)?.plan.strategy;
}

/** What is left of a plain project must not take an edge's name and ports when the server starts. */
async function keepDown(hostRun: HostRun): Promise<void> {
  const left = leftDown(hostRun.state, hostRun.plan);
  await retireContainers(
    hostRun.host,
    left.map(({ id }) => id),
    10_000,
  );
}

/**
 * Plain containers that were adopted, and services that left the compose file, are removed: no release starts them.
 * So are those of a service that had left it a release earlier, from when the colour was last in use.
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
