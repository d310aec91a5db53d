import type { Host } from '../../host/model.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import { type HeldHost, settleAll } from '../context.ts';
import { type Colour, otherColour } from '../model.ts';
import { compose } from '../on-host/compose.ts';
import { isEnding, letEnd, removeContainers, stopContainers } from '../on-host/containers.ts';
import { type HostState, releaseNamed } from '../on-host/state.ts';
import { persistColour } from '../on-host/write-files.ts';
import { edgeProjectService } from '../project/project.ts';
import { endBusy, longestGraceMs, restoreReplaced, startAgain } from '../steps/revert.ts';
import { drainColour } from '../traffic/drain.ts';
import { noEdge, reloadEdge, wantedEdges } from '../traffic/edges.ts';
import { type EdgeStatus, guardClient, sendTo } from '../traffic/guard.ts';
import { type JournalHeader, type JournalRecord, wasConfirmed } from './journal.ts';

/** The run that reconciles, with its limit for the drain of a color. */
interface Reconciler {
  readonly deploy: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly drainMs: number;
}

/** Whether a dead deploy had become the persistent release on a host, by the state of the host. */
export function isConfirmedOn(
  state: Pick<HostState, 'current' | 'maps' | 'edges'>,
  record: Pick<JournalRecord, 'header' | 'entries'>,
): boolean {
  const { header } = record;
  if (wasConfirmed(record)) return true;
  const switched = switchedBy(header);
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
 * Finishes each deploy whose runner died if any host had confirmed it, and undoes it otherwise. The decision comes from
 * edges, labels and disk; the journal only tells where to look. The states of the hosts are out of date afterwards.
 *
 * @returns one sentence for each deploy.
 */
export async function reconcile(hosts: readonly HeldHost[], by: Reconciler): Promise<string[]> {
  const ids = new Set(hosts.flatMap(({ state }) => state.unfinished.map(({ header }) => header.deploy)));
  const done: string[] = [];
  for (const id of [...ids].sort()) {
    const involved = hosts.flatMap((held) => {
      const record = held.state.unfinished.find((journal) => journal.header.deploy === id);
      return record === undefined ? [] : [{ held, record }];
    });
    const confirmed = involved.some(({ held, record }) => isConfirmedOn(held.state, record));
    await settleAll(
      involved.map(async ({ held, record }) => {
        refuseSilentEdges(held, record.header);
        const finished = confirmed && canServe(held.state, record.header);
        await (finished ? finish(held, record.header, by) : undo(held, record, by));
        await held.keeper.write(id, {
          event: 'end',
          at: new Date(by.clock.now()).toISOString(),
          outcome: finished ? 'confirmed' : 'undone',
          note: finished ? 'finished by a later run' : 'undone by a later run',
          by: by.deploy,
        });
      }),
    );
    const release = involved[0]?.record.header.release ?? id;
    done.push(confirmed ? `finished ${release}, which was confirmed` : `undid ${release}, whose run died`);
  }
  return done;
}

/** A running edge that does not answer may serve either color: a guess could remove the serving one. */
function refuseSilentEdges({ host, state }: HeldHost, header: JournalHeader): void {
  const silent = state.containers.find(
    (container) =>
      container.edge !== undefined &&
      container.running &&
      switchedBy(header).includes(container.service) &&
      state.edges[container.service] === undefined,
  );
  if (silent !== undefined) throw noEdge(host, silent.service);
}

/**
 * Whether a host can move to a release that another host has confirmed. If the release's containers are gone or
 * unhealthy, the host reverts: the deploy that follows brings all hosts together again.
 */
function canServe(state: HostState, header: JournalHeader): boolean {
  return edgesOf(state, header).every(
    ([, status]) => status.active === header.colour || status.colours[header.colour].up > 0,
  );
}

async function finish(held: HeldHost, header: JournalHeader, by: Reconciler): Promise<void> {
  const { host, layout, state } = held;
  for (const [service, status] of edgesOf(state, header)) {
    const guard = guardClient(sendTo(host, layout.edgeSocket(service)));
    if (status.armed?.nonce === header.deploy) await guard.confirm(header.deploy);
    else if (status.active !== header.colour) await moveTraffic(guard, header, header.colour);
  }
  await persistColour(host, layout, header.edges, header.colour, header.release);
  // Edges of removed services, which released their ports.
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
  // The host already waits for those that are ending.
  const ending = await Promise.all(running.map(({ id }) => isEnding(host, id)));
  const old = running.filter((_, index) => ending[index] !== true);
  if (old.length > 0) await drain(held, header, otherColour(header.colour), by);
  await letEnd(
    host,
    old.map(({ id }) => ({ id, graceMs: longestGraceMs })),
  );
}

async function undo(held: HeldHost, { header }: JournalRecord, by: Reconciler): Promise<void> {
  await revertEdges(held, header);
  await drain(held, header, header.colour, by);
  await removeMade(held, header, by);
  await returnPorts(held, header);
  await restore(held, header);
  // If the container that took a port was replaced in place, the port is free only now.
  await returnPorts(held, header);
  await reloadPrevious(held, header);
  await removeFolders(held, header);
}

async function revertEdges({ host, layout, state }: HeldHost, header: JournalHeader): Promise<void> {
  const old = otherColour(header.colour);
  const switched = switchedBy(header);
  for (const [service, status] of edgesOf(state, header)) {
    if (!switched.includes(service)) continue;
    const guard = guardClient(sendTo(host, layout.edgeSocket(service)));
    if (status.armed?.nonce === header.deploy) await guard.revert(header.deploy, 'its runner died');
    else if (status.active === header.colour) await moveTraffic(guard, header, old);
  }
  if (switched.some((service) => state.maps[service] === header.colour)) {
    await persistColour(host, layout, switched, old, header.previous?.release);
  }
}

/** Removes the containers that the dead run created: its color, its new edges and services, its migration and jobs. */
async function removeMade({ host, state }: HeldHost, header: JournalHeader, by: Reconciler): Promise<void> {
  const { release, colour, created, newEdges, deploy } = header;
  const made = state.containers.filter(
    ({ edge, ...one }) =>
      created.includes(one.service) ||
      (edge === undefined
        ? one.release === release && one.colour === colour
        : newEdges.includes(one.service)),
  );
  const movedTraffic = edgesOf(state, header).some(
    ([, { active, last, armed }]) => active === colour || last?.nonce === deploy || armed?.nonce === deploy,
  );
  // First, while the others still run: a worker that finishes its task may need them.
  await endBusy(
    host,
    made.filter(({ edge }) => edge === undefined),
    { services: releaseNamed(state, release)?.services ?? [], movedTraffic, clock: by.clock },
  );
  await removeContainers(host, [...made.map(({ id }) => id), ...(await oneOffs(host, deploy))]);
}

/** Containers that released their ports start again; edges that were recreated release them first. */
async function returnPorts({ host, state }: HeldHost, { stopped, replaced }: JournalHeader): Promise<void> {
  if (stopped.length === 0) return;
  const recreated = state.containers.filter(
    ({ edge, service, id }) =>
      edge !== undefined && replaced.includes(edgeProjectService(service)) && !stopped.includes(id),
  );
  await stopContainers(
    host,
    recreated.map(({ id }) => id),
    3_000,
  );
  await startAgain(
    host,
    state.containers.filter(({ id }) => stopped.includes(id)),
  );
}

async function restore({ host, layout }: HeldHost, header: JournalHeader): Promise<void> {
  const { app, previous, release, replaced } = header;
  await restoreReplaced(host, layout.release(release), replaced, async (rest) => {
    if (previous === undefined) return;
    const project = { app, file: `${layout.release(previous.release)}/compose.json` };
    await compose(host, project, ['up', '--detach', '--no-deps', '--no-build', ...rest]);
  });
}

async function removeFolders({ host, layout }: HeldHost, header: JournalHeader): Promise<void> {
  const folders = header.newEdges.map((service) => layout.edge(service));
  if (header.newRelease) folders.push(layout.release(header.release));
  if (folders.length > 0) await host.exec(['rm', '-rf', '--', ...folders]);
}

/** Waits until a color without new traffic has nothing in flight. */
async function drain(
  { host, layout, state }: HeldHost,
  header: JournalHeader,
  colour: Colour,
  { clock, drainMs }: Reconciler,
): Promise<void> {
  const guards = edgesOf(state, header).map(([service]) =>
    guardClient(sendTo(host, layout.edgeSocket(service))),
  );
  await drainColour(guards, colour, { limitMs: Math.min(drainMs, longestGraceMs), clock });
}

/** The containers of the dead run's migration and jobs, which keep running without it. */
async function oneOffs(host: Host, deploy: string): Promise<string[]> {
  const filters = JSON.stringify({ name: [`^/sluice-(migrate|job)-${deploy}(-|$)`] });
  const found = await host.engine.listContainers({ all: true, filters });
  return found.map((container) => container.Id);
}

/** Edges that the dead run reloaded get the settings of the serving release again. */
async function reloadPrevious(held: HeldHost, header: JournalHeader): Promise<void> {
  const previous = releaseNamed(held.state, header.previous?.release);
  if (previous === undefined) return;
  const changed = wantedEdges(previous, held.state, '').filter(
    (edge) =>
      switchedBy(header).includes(edge.service) &&
      ![undefined, edge.version].includes(held.state.edges[edge.service]?.version),
  );
  // A map for older containers of the reverted color is written for the serving color.
  const serving = header.previous?.colour;
  const maps = Object.fromEntries(
    Object.entries(held.state.maps).map(([service, colour]) => [service, serving ?? colour]),
  );
  const now = { ...held, state: { ...held.state, maps } };
  await Promise.all(changed.map((edge) => reloadEdge(now, edge)));
}

/** Services whose edge had an old color to switch from. */
function switchedBy({ edges, newEdges }: JournalHeader): string[] {
  return edges.filter((service) => !newEdges.includes(service));
}

function edgesOf(state: HostState, header: JournalHeader): [string, EdgeStatus][] {
  return Object.entries(state.edges).filter(([service]) => header.edges.includes(service));
}

async function moveTraffic(
  guard: ReturnType<typeof guardClient>,
  header: JournalHeader,
  to: Colour,
): Promise<void> {
  const nonce = `${header.deploy}-fix`;
  await guard.switch({ from: otherColour(to), to, nonce, deadlineSeconds: 30 });
  await guard.confirm(nonce);
}
