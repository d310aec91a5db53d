import { composeUp } from '../compose.ts';
import { letEnd, removeContainers, stopContainers } from '../containers.ts';
import { type HostRun, onHosts, settleAll } from '../context.ts';
import { drainColour } from '../drain.ts';
import { releaseFronts, turnFronts } from '../fronts.ts';
import { otherColour } from '../model.ts';
import { type ContainerState, listContainers } from '../state.ts';
import type { Step } from '../transaction.ts';

/**
 * Lets the old colour finish: requests in flight and WebSockets until the drain limit, then its stop signal. How long
 * its apps take for that, and old workers for their last tasks, is theirs: nobody waits for it but their grace.
 * Its containers stay, stopped (or warm), so that a rollback is a start and a switch. Singletons change over here,
 * when it is certain which release stays.
 */
export const retire: Step = {
  name: 'retire',
  async apply(run, note) {
    const notes = await onHosts(run, async (each) => {
      const old = oldContainers(each);
      const listing = listContainers(each.host.engine, each.plan.record.app);
      listing.catch(() => {});
      const web = old.filter((container) => strategyOf(each, container) !== 'workers');
      const workers = old.filter((container) => strategyOf(each, container) === 'workers');
      const swaps = each.plan.services.filter(
        ({ action, plan }) => action === 'swap' || (action === 'create' && plan.strategy === 'singleton'),
      );
      const swapped = composeUp(
        each,
        swaps.map((planned) => planned.service),
      );
      const turned = listing.then((now) => turnFronts(run, each, now));
      turned.catch(() => {});
      // Between its two singletons an app has none: nothing that ends may take the processor from that change.
      const quiet = swapped.catch(() => {});
      // A cancellation ends the drain; the singletons' change-over is let come to its end, or none of them would run.
      const left = await settleAll([
        drainColour(each.guards.values(), otherColour(each.plan.colour), {
          limitMs: run.config.drainMs,
          clock: run.effects.clock,
          signal: run.effects.signal,
          note,
        }).then(async (cut) => {
          const warm = run.config.previous === 'warm';
          await Promise.all([quiet, turned]);
          await endAll(each, warm ? web.filter((one) => strategyOf(each, one) === undefined) : web);
          return cut;
        }),
        quiet.then(() => endAll(each, workers)).then(() => 0),
        swapped.then(() => 0),
      ]);
      await removeStale(each, old, await listing);
      await releaseFronts(each, await turned);
      return left[0] ?? 0;
    });
    const cut = notes.reduce((sum, count) => sum + count, 0);
    return cut === 0 ? 'old release drained' : `${cut} connections outlived the drain limit and were closed`;
  },
};

function oldContainers(each: HostRun): ContainerState[] {
  return each.state.containers.filter(
    (container) =>
      container.edge === undefined &&
      // One of ours that does not run this moment may be starting anew without end.
      (container.plain
        ? container.running && isSwitchedService(each, container)
        : container.colour === otherColour(each.plan.colour)),
  );
}

function isSwitchedService(each: HostRun, container: ContainerState): boolean {
  const planned = each.plan.services.find((service) => service.service === container.service);
  return planned?.action === 'colour' || planned?.action === 'workers';
}

function strategyOf(each: HostRun, container: ContainerState): string | undefined {
  return each.plan.services.find((planned) => planned.service === container.service)?.plan.strategy;
}

/** Adopted containers are removed afterwards, so their end is waited for; nothing needs that of a kept one. */
async function endAll(each: HostRun, containers: readonly ContainerState[]): Promise<void> {
  const graceOf = ({ service }: ContainerState) =>
    each.plan.services.find((planned) => planned.service === service)?.plan.stopGraceMs ?? 10_000;
  const kept = containers.filter((container) => !container.plain);
  await settleAll([
    letEnd(
      each.host,
      kept.map((container) => ({ id: container.id, graceMs: graceOf(container) })),
    ),
    ...containers
      .filter((container) => container.plain)
      .map((container) => stopContainers(each.host, [container.id], graceOf(container))),
  ]);
}

/**
 * Plain containers that were adopted, and services that left the compose file, are removed: no release starts them.
 * So are those of a service that had left it a release earlier, from when the colour was last in use.
 */
async function removeStale(
  each: HostRun,
  old: readonly ContainerState[],
  now: readonly ContainerState[],
): Promise<void> {
  const adopted = old.filter((container) => container.plain).map((container) => container.id);
  const { removed, colour, release } = each.plan;
  const gone = now.filter((container) =>
    container.colour === colour
      ? container.release !== release
      : container.colour === undefined && removed.includes(container.service),
  );
  await stopContainers(
    each.host,
    gone.map((container) => container.id),
    10_000,
  );
  await removeContainers(each.host, [...adopted, ...gone.map((container) => container.id)]);
}
