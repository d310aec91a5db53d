import { docker } from '../../host/engine/docker-cli.ts';
import type { Host } from '../../host/model.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import { settleAll } from '../context.ts';
import { type Layout, otherColour } from '../model.ts';
import { compose } from '../on-host/compose.ts';
import {
  endContainers,
  isEnding,
  letEnd,
  removeContainers,
  reviveContainers,
  stopContainers,
} from '../on-host/containers.ts';
import { type HostState, releaseNamed } from '../on-host/state.ts';
import { persistColour } from '../on-host/write-files.ts';
import { putBackAdopted } from '../preflight/adopted.ts';
import { edgeProjectService } from '../project/project.ts';
import { drainColour } from '../traffic/drain.ts';
import { noEdge, reloadEdge, wantedEdges } from '../traffic/edges.ts';
import { type EdgeStatus, guardClient, sendTo } from '../traffic/guard.ts';
import type { JournalHeader, JournalRecord } from './journal.ts';
import type { Keeper } from './keeper.ts';

/** What a container of a dead run is given to end. */
const longestGraceMs = 60_000;

/** A host whose lease is held, with what was found on it. */
export interface Site {
  readonly host: Host;
  readonly layout: Layout;
  readonly state: HostState;
  readonly keeper: Keeper;
  /** Images that dead runs have brought: the release that is tried again may want them, so they stay until it is there. */
  readonly left?: readonly string[];
}

/** Who reconciles, and how long what a colour still carries is waited for. */
export interface Reconciler {
  readonly deploy: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly drainMs: number;
}

/** Whether a dead deploy had become the persistent release on a host, as the host itself tells. */
export function isConfirmedOn(
  state: Pick<HostState, 'current' | 'maps' | 'edges'>,
  record: Pick<JournalRecord, 'header' | 'entries'>,
): boolean {
  const { header } = record;
  // Written when every host had confirmed. Its absence says nothing: the runner may have died before.
  if (record.entries.some((entry) => entry.event === 'done' && entry.step === 'confirm')) return true;
  const switched = header.edges.filter((service) => !header.newEdges.includes(service));
  if (switched.length === 0)
    return state.current === header.release && header.previous?.release !== header.release;
  return switched.some((service) => {
    const onDisk = state.maps[service] === header.colour;
    const status = state.edges[service];
    const inMemory =
      status?.active === header.colour &&
      status.last?.nonce === header.deploy &&
      status.last.outcome === 'confirmed';
    return onDisk || inMemory;
  });
}

/**
 * Deals with deploys whose runner died: each is finished if any host had confirmed it, and undone otherwise. Works
 * from what edges, labels and disk say; the journal only tells where to look.
 *
 * @returns what was done, one sentence a deploy; the states are out of date then.
 */
export async function reconcile(sites: readonly Site[], by: Reconciler): Promise<string[]> {
  const ids = new Set(sites.flatMap((site) => site.state.unfinished.map((record) => record.header.deploy)));
  const done: string[] = [];
  for (const id of [...ids].sort()) {
    const involved = sites.flatMap((site) => {
      const record = site.state.unfinished.find((journal) => journal.header.deploy === id);
      return record === undefined ? [] : [{ site, record }];
    });
    const confirmed = involved.some(({ site, record }) => isConfirmedOn(site.state, record));
    await settleAll(
      involved.map(async ({ site, record }) => {
        refuseSilentEdges(site, record.header);
        const finished = confirmed && canServe(site.state, record.header);
        await (finished ? finish(site, record.header, by) : undo(site, record, by));
        await site.keeper.write(id, {
          event: 'end',
          at: new Date(by.clock.now()).toISOString(),
          outcome: finished ? 'confirmed' : 'undone',
          note: finished ? 'finished by a later run' : 'undone by a later run',
          by: by.deploy,
        });
      }),
    );
    const release = involved[0]?.record.header.release ?? id;
    done.push(
      confirmed ? `finished ${release}, which was confirmed` : `undid ${release}, whose run had died`,
    );
  }
  return done;
}

/** A running edge that says nothing may serve either colour: to guess could take away the one that serves. */
function refuseSilentEdges({ host, state }: Site, header: JournalHeader): void {
  const silent = state.containers.find(
    (container) =>
      container.edge !== undefined &&
      container.running &&
      header.edges.includes(container.service) &&
      !header.newEdges.includes(container.service) &&
      state.edges[container.service] === undefined,
  );
  if (silent !== undefined) throw noEdge(host, silent.service);
}

/**
 * Whether a host can go on to a release that another host has confirmed. Where the release's containers are gone or
 * sick by now it goes back: the deploy that follows brings all hosts together again.
 */
function canServe(state: HostState, header: JournalHeader): boolean {
  return edgesOf(state, header).every(
    ([, status]) => status.active === header.colour || status.colours[header.colour].up > 0,
  );
}

async function finish(site: Site, header: JournalHeader, by: Reconciler): Promise<void> {
  const { host, layout, state } = site;
  for (const [service, status] of edgesOf(state, header)) {
    const guard = guardClient(sendTo(host, layout.edgeSocket(service)));
    if (status.armed?.nonce === header.deploy) await guard.confirm(header.deploy);
    else if (status.active !== header.colour) await moveTraffic(guard, header, header.colour);
  }
  await persistColour(host, layout, header.edges, header.colour, header.release);
  // Edges that gave up their ports, of services that are gone.
  const services = releaseNamed(state, header.release)?.services.map(({ name }) => name);
  const gone = state.containers.filter(
    ({ id, edge, service }) =>
      edge !== undefined && header.stopped.includes(id) && services?.includes(service) === false,
  );
  await removeContainers(
    host,
    gone.map(({ id }) => id),
  );
  const running = state.containers.filter(
    (container) =>
      container.running && container.edge === undefined && container.colour === otherColour(header.colour),
  );
  // Those that the host waits for already have their time.
  const ending = await Promise.all(running.map(({ id }) => isEnding(host, id)));
  const old = running.filter((_, index) => ending[index] !== true);
  if (old.length > 0) await drain(site, header, otherColour(header.colour), by);
  await letEnd(
    host,
    old.map(({ id }) => ({ id, graceMs: longestGraceMs })),
  );
}

async function undo(site: Site, record: JournalRecord, by: Reconciler): Promise<void> {
  const { host, layout, state } = site;
  const { header } = record;
  for (const [service, status] of edgesOf(state, header)) {
    if (header.newEdges.includes(service)) continue;
    const guard = guardClient(sendTo(host, layout.edgeSocket(service)));
    if (status.armed?.nonce === header.deploy) await guard.revert(header.deploy, 'its runner died');
    else if (status.active === header.colour) await moveTraffic(guard, header, otherColour(header.colour));
  }
  const switched = header.edges.filter((service) => !header.newEdges.includes(service));
  if (switched.some((service) => state.maps[service] === header.colour)) {
    await persistColour(host, layout, switched, otherColour(header.colour), header.previous?.release);
  }
  const ours = state.containers.filter(
    (container) =>
      (container.edge === undefined &&
        container.release === header.release &&
        container.colour === header.colour) ||
      (container.edge !== undefined && header.newEdges.includes(container.service)) ||
      header.created.includes(container.service),
  );
  await drain(site, header, header.colour, by);
  const plans = releaseNamed(state, header.release)?.services ?? [];
  const planOf = (service: string) => plans.find((plan) => plan.name === service);
  // Who may hold a request or a task is let finish, as by the run that died.
  const hadTraffic = edgesOf(state, header).some(
    ([, { active, last, armed }]) =>
      active === header.colour || last?.nonce === header.deploy || armed?.nonce === header.deploy,
  );
  const busy = ours.filter(
    ({ running, service, edge }) =>
      running && edge === undefined && (hadTraffic || planOf(service)?.strategy === 'workers'),
  );
  await endContainers(host, busy, {
    graceMs: (service) => Math.min(planOf(service)?.stopGraceMs ?? 10_000, longestGraceMs),
    clock: by.clock,
  });
  await removeContainers(host, [
    ...ours.map((container) => container.id),
    ...(await oneOffs(host, header.deploy)),
  ]);
  await startAgain(site, header);
  if (header.replaced.length > 0) {
    const done = await putBackAdopted(host, layout.release(header.release), header.replaced);
    const rest = header.replaced.filter((service) => !done.includes(service));
    if (header.previous !== undefined && rest.length > 0) {
      const project = { app: header.app, file: `${layout.release(header.previous.release)}/compose.json` };
      await compose(host, project, ['up', '--detach', '--no-deps', '--no-build', ...rest]);
    }
  }
  // Where its taker was replaced in place, the port is free only now.
  await startAgain(site, header);
  await reloadPrevious(site, header);
  const folders = header.newEdges.map((service) => layout.edge(service));
  if (header.newRelease) folders.push(layout.release(header.release));
  if (folders.length > 0) await host.exec(['rm', '-rf', '--', ...folders]);
}

/** Containers that gave up their ports have them again; edges that were made anew give them up for that. */
async function startAgain({ host, state }: Site, { stopped, replaced }: JournalHeader): Promise<void> {
  if (stopped.length === 0) return;
  const made = state.containers.filter(
    ({ edge, service, id }) =>
      edge !== undefined && replaced.includes(edgeProjectService(service)) && !stopped.includes(id),
  );
  await stopContainers(
    host,
    made.map(({ id }) => id),
    3_000,
  );
  // One that was made anew meanwhile is no more.
  await docker(host, ['start', ...stopped]);
  const own = state.containers.filter(({ id, plain }) => stopped.includes(id) && !plain);
  await reviveContainers(
    host,
    own.map(({ id }) => id),
  );
}

/** What a colour still carries when its traffic has moved away is let come to its end. */
async function drain(
  { host, layout, state }: Site,
  header: JournalHeader,
  colour: JournalHeader['colour'],
  { clock, drainMs }: Reconciler,
): Promise<void> {
  const guards = edgesOf(state, header).map(([service]) =>
    guardClient(sendTo(host, layout.edgeSocket(service))),
  );
  await drainColour(guards, colour, { limitMs: Math.min(drainMs, longestGraceMs), clock });
}

/** What the dead run's migration and jobs run in goes on without it. */
async function oneOffs(host: Host, deploy: string): Promise<string[]> {
  const filters = JSON.stringify({ name: [`^/sluice-(migrate|job)-${deploy}(-|$)`] });
  const found = await host.engine.listContainers({ all: true, filters });
  return found.map((container) => container.Id);
}

/** Edges that the dead run had given its own settings get those of the release that serves. */
async function reloadPrevious(site: Site, header: JournalHeader): Promise<void> {
  const previous = releaseNamed(site.state, header.previous?.release);
  if (previous === undefined) return;
  const changed = wantedEdges(previous, site.state, '').filter(
    (edge) =>
      header.edges.includes(edge.service) &&
      !header.newEdges.includes(edge.service) &&
      ![undefined, edge.version].includes(site.state.edges[edge.service]?.version),
  );
  // What was written down for an older color is written again for the one that serves now.
  const serving = header.previous?.colour;
  const maps = Object.fromEntries(
    Object.entries(site.state.maps).map(([service, colour]) => [service, serving ?? colour]),
  );
  const now = { ...site, state: { ...site.state, maps } };
  await Promise.all(changed.map((edge) => reloadEdge(now, edge)));
}

function edgesOf(state: HostState, header: JournalHeader): [string, EdgeStatus][] {
  return Object.entries(state.edges).filter(([service]) => header.edges.includes(service));
}

async function moveTraffic(
  guard: ReturnType<typeof guardClient>,
  header: JournalHeader,
  to: JournalHeader['colour'],
): Promise<void> {
  const nonce = `${header.deploy}-fix`;
  await guard.switch({ from: otherColour(to), to, nonce, deadlineSeconds: 30 });
  await guard.confirm(nonce);
}
