import type { Host } from '../../host/model.ts';
import type { Serving } from '../../report/model.ts';
import { type JournalRecord, parseJournal } from '../lease/journal.ts';
import { type Colour, layoutOf } from '../model.ts';
import { coloursText } from '../plan/strays.ts';
import { servingOn } from '../report/report.ts';
import type { EdgeStatus } from '../traffic/guard.ts';
import { activeColours, type HostState, readHostState } from './state.ts';

/** Running containers and serving releases of an app on one host, read from its edges and its engine. */
export interface HostStatus {
  readonly host: string;
  readonly current: string | undefined;
  readonly serving: readonly Serving[];
  readonly edges: Readonly<Record<string, EdgeStatus>>;
  /** Old colors that still run: they finish requests in flight, or stay warm for a rollback. */
  readonly finishing: readonly {
    readonly service: string;
    readonly release: string;
    readonly colour: Colour;
    readonly inFlight: number;
  }[];
  /** Problems, as sentences. */
  readonly troubles: readonly string[];
  readonly releases: readonly string[];
  /** Deploys whose run was killed. */
  readonly unfinished: readonly { readonly deploy: string; readonly release: string; readonly at: string }[];
  readonly others: readonly {
    readonly service: string;
    readonly status: string;
    readonly running: boolean;
  }[];
}

export async function hostStatus(host: Host, app: string): Promise<HostStatus> {
  const state = await readHostState(host, app, layoutOf(host.config.root, app));
  return describe(host.name, state);
}

export function describe(host: string, state: HostState): HostStatus {
  const serving = servingOn(host, state);
  return {
    host,
    current: state.current,
    serving,
    edges: state.edges,
    finishing: finishingIn(state),
    troubles: troublesOf(state),
    releases: state.releases.map((record) => record.release),
    unfinished: state.unfinished.map(({ header }) => ({
      deploy: header.deploy,
      release: header.release,
      at: header.at,
    })),
    others: state.containers
      .filter((container) => container.edge === undefined && container.colour === undefined)
      .map((container) => ({
        service: container.service,
        status: container.status,
        running: container.running,
      })),
  };
}

function finishingIn({ containers, edges }: HostState): HostStatus['finishing'] {
  const found = containers.flatMap(({ service, colour, release = '', running, edge }) => {
    const status = edges[service];
    const isOld = colour !== undefined && colour !== status?.active && status?.armed === null;
    return running && edge === undefined && status !== undefined && isOld
      ? [{ service, release, colour, inFlight: status.colours[colour].current }]
      : [];
  });
  return found.filter(
    ({ service, colour }, index) =>
      found.findIndex((candidate) => candidate.service === service && candidate.colour === colour) === index,
  );
}

function troublesOf(state: HostState): string[] {
  const troubles: string[] = [];
  for (const container of state.containers) {
    const { service, status } = container;
    if (container.edge !== undefined && state.edges[service] === undefined) {
      troubles.push(`the edge of ${service} does not answer (${status})`);
    }
    const shouldRun = container.edge === undefined && container.colour === undefined && !container.job;
    if (shouldRun && !container.running) troubles.push(`${service} is not running: ${status}`);
    if (/unhealthy|Restarting|Dead/.test(status)) troubles.push(`${container.name}: ${status}`);
  }
  for (const [service, status] of Object.entries(state.edges)) {
    const active = status.colours[status.active];
    const { connections } = status;
    if (connections !== undefined && connections.current >= connections.max)
      troubles.push(
        `${service}: all ${connections.max} connections are in use, and further requests get a 503 (edge.max-connections)`,
      );
    if (active.up === 0)
      troubles.push(`${service}: no healthy container in ${status.active}, the serving color`);
    if (status.armed !== null) {
      troubles.push(
        `${service}: a switch to ${status.armed.to} is waiting for confirmation; without it, the edge reverts in ${Math.round(status.armed.deadlineIn)} s`,
      );
    }
  }
  if (new Set(activeColours(state).map(({ colour }) => colour)).size > 1)
    troubles.push(`${coloursText(state)}: no deploy is possible until all serve the same color`);
  for (const { header } of state.unfinished) {
    troubles.push(
      `the ${header.command} of ${header.release} from ${header.at} did not end; the next deploy finishes or undoes it`,
    );
  }
  return troubles;
}

/** Whether hosts serve different releases. */
export function isSplit(statuses: readonly HostStatus[]): boolean {
  return new Set(statuses.map((status) => status.current)).size > 1;
}

export interface HistoryEntry {
  readonly deploy: string;
  readonly command: 'deploy' | 'rollback';
  readonly release: string;
  readonly previous: string | undefined;
  readonly at: string;
  /** Undefined for a run that did not end. */
  readonly outcome: string | undefined;
  readonly seconds: number | undefined;
  readonly actor: string | undefined;
  readonly note: string;
}

/** The last deploys of an app on a host, newest first, from its journals. */
export async function history(host: Host, app: string, count: number): Promise<HistoryEntry[]> {
  const layout = layoutOf(host.config.root, app);
  const script = `cd "$1" 2>/dev/null || exit 0
for f in $(ls | sort -r | head -n "$2"); do base64 <"$f" | tr -d '\\n'; echo; done`;
  const result = await host.script(script, { args: [layout.journal, String(count)], timeoutMs: 30_000 });
  return result.stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => parseJournal(Buffer.from(line, 'base64').toString('utf8')))
    .filter((record) => record !== undefined)
    .map(entryOf);
}

function entryOf(record: JournalRecord): HistoryEntry {
  const { header, end } = record;
  return {
    deploy: header.deploy,
    command: header.command,
    release: header.release,
    previous: header.previous?.release,
    at: header.at,
    outcome: end?.outcome,
    seconds: end === undefined ? undefined : (Date.parse(end.at) - Date.parse(header.at)) / 1000,
    actor: header.actor,
    note: end?.note ?? 'did not end',
  };
}
