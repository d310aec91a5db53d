import { hostname } from 'node:os';
import type { Config, HostConfig, Target } from '../../config/model.ts';
import type { Host } from '../../host/model.ts';
import { UserErrors, userErrorsOf } from '../../kernel/errors.ts';
import type { DeployEffects } from '../context.ts';
import { layoutOf } from '../model.ts';
import { type ContainerState, type HostState, readHostState, releaseNamed } from '../on-host/state.ts';
import { askerOf, ownerOf, refuseOthers } from '../preflight/owner.ts';
import type { Recorder } from '../report/recorder.ts';
import { runUrl } from '../report/report.ts';
import { startStoppedEdges } from '../traffic/edges.ts';
import { type Keeper, type LeaseHolder, takeLease } from './keeper.ts';
import { reconcile, type Site } from './reconcile.ts';

/**
 * Opens the connections to all hosts of a target, in parallel; if one fails, the others are closed.
 *
 * @throws UserErrors with what every host that could not be reached said.
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

/** Names this run to whoever finds its lease. */
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

/**
 * Takes the lease on every host, reads what is there, and finishes or undoes what a dead run left.
 *
 * Hosts are locked in the order of their names, so that two deploys at once cannot each hold half of them.
 */
export async function openSites(
  config: Config,
  target: Target,
  hosts: readonly Host[],
  deploy: string,
  effects: DeployEffects,
  recorder: Recorder,
): Promise<Site[]> {
  const layout = (host: Host) => layoutOf(host.config.root, config.app);
  const { clock } = effects;
  const begun = clock.elapsed();
  // Read while the lease is asked for: it is as good as read afterwards where nobody held the lease meanwhile.
  const early = new Map(hosts.map((host) => [host, readHostState(host, config.app, layout(host))]));
  for (const state of early.values()) state.catch(() => {});
  const keepers = await recorder.step('lease', async () => {
    const taken = new Map<Host, Awaited<ReturnType<typeof takeLease>>>();
    try {
      const holder = leaseHolder(deploy, effects);
      const [first, ...rest] = [...hosts].sort((a, b) => (a.name < b.name ? -1 : 1));
      // The first host decides between two deploys at once; the others can then be locked together.
      if (first !== undefined) taken.set(first, await takeLease(first, layout(first), holder));
      await Promise.all(
        rest.map(async (host) => taken.set(host, await takeLease(host, layout(host), holder))),
      );
      return taken;
    } catch (error) {
      await Promise.all([...taken.values()].map((keeper) => keeper.release()));
      throw error;
    }
  });
  try {
    const read = () =>
      Promise.all(
        hosts.map(async (host): Promise<Site> => {
          const keeper = keepers.get(host);
          if (keeper === undefined) throw new Error(`no lease on ${host.name}`);
          const untouched = isUntouched(keeper, clock.elapsed() - begun);
          const state = (untouched && early.get(host)) || readHostState(host, config.app, layout(host));
          early.delete(host);
          return { host, layout: layout(host), keeper, state: await state };
        }),
      );
    const sites = await read();
    // Once more than at the door: two first deploys at once find nothing there, and the lease lets one after the other.
    const asker = askerOf(config, target, effects.env);
    for (const { host, layout, state } of sites) refuseOthers(host.name, layout, ownerOf(state), asker);
    const isDown = ({ state }: Site) => neededEdges(state).some(({ running }) => !running);
    if (!sites.some((site) => site.state.unfinished.length > 0 || isDown(site))) return sites;
    await recorder.step('reconcile', async () => {
      const started = await Promise.all(
        sites.map(({ host, layout, state }) =>
          startStoppedEdges(host, layout, neededEdges(state), effects.clock, { mayFail: true }),
        ),
      );
      // The edges have the last word on what was confirmed, so they are asked again once all of them are up.
      const asked = started.flat().length > 0 ? await read() : sites;
      const done = await reconcile(asked, {
        deploy,
        log: effects.log,
        clock: effects.clock,
        drainMs: config.drainMs,
      });
      return [...started.flat().map((service) => `started the edge of ${service}`), ...done].join('; ');
    });
    const left = new Map(
      sites.map(({ host, state }) => [host, state.unfinished.flatMap(({ header }) => header.brought ?? [])]),
    );
    const readAfter = async () =>
      (await read()).map((site): Site => ({ ...site, left: left.get(site.host) ?? [] }));
    const after = await readAfter();
    if (!after.some(isDown)) return after;
    await Promise.all(
      after.map(({ host, layout, state }) =>
        startStoppedEdges(host, layout, neededEdges(state), effects.clock),
      ),
    );
    return await readAfter();
  } catch (error) {
    await Promise.all([...keepers.values()].map((keeper) => keeper.release()));
    throw error;
  }
}

/**
 * Edges of the release that serves: one of a service that was renamed may be stopped, and another has its port. Before
 * the first confirmation none is needed.
 */
export function neededEdges(state: HostState): ContainerState[] {
  if (state.current === undefined) return [];
  const services = releaseNamed(state, state.current)?.services.map(({ name }) => name);
  return state.containers.filter(
    ({ edge, service }) => edge !== undefined && services?.includes(service) !== false,
  );
}

/** The host tells whole seconds, and its clock may be set a little meanwhile. */
const doubtMs = 3_000;

function isUntouched({ freeFor }: Keeper, sinceReadMs: number): boolean {
  return freeFor !== undefined && freeFor * 1000 > sinceReadMs + doubtMs;
}
