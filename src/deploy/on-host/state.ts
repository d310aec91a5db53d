import type Docker from 'dockerode';
import type { Host } from '../../host/model.ts';
import { UserError } from '../../kernel/errors.ts';
import { type Colour, type Layout, labels, type ReleaseRecord } from '../model.ts';
import {
  listNetworks,
  lookAround,
  type Neighbor,
  type NetworkState,
  type PublishedPort,
  type TakenAddress,
} from '../preflight/host-network.ts';
import { type EdgeStatus, guardClient, sendTo } from '../traffic/guard.ts';
import { type FilesState, parseState, readState } from './state-files.ts';

/** A mount of a container, as the engine lists it. */
export interface ContainerMount {
  readonly type: string;
  /** Name of a volume; undefined for a folder. */
  readonly name: string | undefined;
  /** Path on the host. */
  readonly source: string;
  /** Path in the container. */
  readonly target: string;
}

/** A container of the app on a host. */
export interface ContainerState {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  readonly colour: Colour | undefined;
  readonly release: string | undefined;
  readonly hash: string | undefined;
  /** Name by which an edge finds it; undefined in containers of older versions. */
  readonly replicaName?: string | undefined;
  /** The app's folder that it was started from; undefined in containers of older versions. */
  readonly folder?: string | undefined;
  /** Version of the edge, if the container is one. */
  readonly edge: string | undefined;
  /** A one-off: it is not expected to run. */
  readonly job: boolean;
  /** Started by a plain `docker compose up`, not by Sluice. */
  readonly plain: boolean;
  readonly running: boolean;
  readonly status: string;
  readonly image: string;
  readonly imageId: string;
  /** Registry digests of the running image (`sha256:…`); for a plain project's containers only. */
  readonly digests?: readonly string[];
  /** Volumes and bind mounts; for a plain project's containers only. */
  readonly mounts?: readonly ContainerMount[];
  readonly addresses: Readonly<Record<string, string>>;
}

/** State of an app on a host, from labels, edges and the app's folder. */
export interface HostState extends FilesState {
  readonly containers: readonly ContainerState[];
  /** Published ports of all running containers, including other apps. */
  readonly published?: readonly PublishedPort[];
  /** Running containers of other projects. */
  readonly neighbors?: readonly Neighbor[];
  /** Addresses of all running containers, including other apps. */
  readonly addresses?: readonly TakenAddress[];
  /** Networks of the engine. */
  readonly networks?: readonly NetworkState[];
  /** Answers of the running edges. A service whose edge does not answer is absent. */
  readonly edges: Readonly<Record<string, EdgeStatus>>;
}

/** The part of the state that shows which release is serving. */
export type ServingState = Pick<HostState, 'containers' | 'edges' | 'maps' | 'current'> &
  Partial<Pick<HostState, 'releases'>>;

/** Large enough for many releases with large environments: truncated output looks like a first deploy. */
const largestState = 64 * 1024 * 1024;

/**
 * Reads the state of the app on one host, in parallel over one connection.
 *
 * @throws UserError `state.unreadable` if a file on the host is unreadable.
 */
export async function readHostState(host: Host, app: string, layout: Layout): Promise<HostState> {
  const [files, containers, around, networks] = await Promise.all([
    host.script(readState, { args: [layout.app], timeoutMs: 20_000, maxOutput: largestState }),
    listContainers(host.engine, app),
    lookAround(host.engine, app),
    listNetworks(host.engine),
  ]);
  if (files.code !== 0 || files.truncated) {
    throw new UserError({
      code: 'state.unreadable',
      message: `${host.name}: cannot read ${layout.app}`,
      output: files.stderr,
    });
  }
  const parsed = parseState(host.name, files.stdout);
  const [edges, known] = await Promise.all([
    readEdges(host, layout, containers),
    withDigests(host.engine, containers),
  ]);
  return { ...parsed, containers: known, ...around, networks, edges };
}

/** Adds registry digests: containers that Sluice did not start have only the image's id. */
async function withDigests(
  engine: Docker,
  containers: readonly ContainerState[],
): Promise<readonly ContainerState[]> {
  if (!containers.some(({ plain, running }) => plain && running)) return containers;
  const images = await engine.listImages();
  const digests = new Map(
    images.map(({ Id, RepoDigests }) => [
      Id,
      (RepoDigests ?? []).map((digest) => digest.slice(digest.indexOf('@') + 1)),
    ]),
  );
  return containers.map((container) =>
    container.plain ? { ...container, digests: digests.get(container.imageId) ?? [] } : container,
  );
}

/** All containers of the app, of Sluice and of a plain compose project with the same name. */
export async function listContainers(engine: Docker, app: string): Promise<ContainerState[]> {
  const filters = { label: [`com.docker.compose.project=${app}`, 'com.docker.compose.oneoff=False'] };
  const found = await engine.listContainers({ all: true, filters: JSON.stringify(filters) });
  return found.map((container) => {
    const label = container.Labels;
    const colour = label[labels.colour];
    const isPlain = label[labels.app] === undefined;
    return {
      id: container.Id,
      name: container.Names[0]?.slice(1) ?? container.Id.slice(0, 12),
      service: label[labels.service] ?? label['com.docker.compose.service'] ?? '',
      colour: colour === 'blue' || colour === 'green' ? colour : undefined,
      release: label[labels.release],
      hash: label[labels.hash],
      replicaName: label[labels.name],
      folder: label[labels.folder],
      edge: label[labels.edge],
      job: label[labels.strategy] === 'job',
      plain: isPlain,
      running: container.State === 'running',
      status: container.Status,
      image: container.Image,
      imageId: container.ImageID,
      ...(isPlain ? { mounts: mountsOf(container) } : {}),
      addresses: Object.fromEntries(
        Object.entries(container.NetworkSettings?.Networks ?? {}).map(([name, network]) => [
          name,
          network.IPAddress,
        ]),
      ),
    };
  });
}

function mountsOf({ Mounts }: Pick<Docker.ContainerInfo, 'Mounts'>): ContainerMount[] {
  return (Mounts ?? []).map(({ Type, Name, Source, Destination }) => ({
    type: Type,
    name: Name,
    source: Source,
    target: Destination,
  }));
}

async function readEdges(
  host: Host,
  layout: Layout,
  containers: readonly ContainerState[],
): Promise<Record<string, EdgeStatus>> {
  const running = containers.filter((container) => container.edge !== undefined && container.running);
  const answers = await Promise.all(
    running.map(async ({ service }) => {
      const status = await guardClient(sendTo(host, layout.edgeSocket(service)))
        .status()
        .catch(() => undefined);
      return [service, status] as const;
    }),
  );
  return Object.fromEntries(answers.filter((entry): entry is [string, EdgeStatus] => entry[1] !== undefined));
}

/**
 * The serving color: from the edges, else from their maps on disk, else (an app without edges) from running containers.
 * Edges of services that the current release does not have are ignored.
 */
export function servingColour(state: ServingState): Colour | undefined {
  const [asked] = activeColours(state);
  if (asked !== undefined) return asked.colour;
  const stopped = state.containers.filter(
    (container) => container.edge !== undefined && countsFor(state, container.service),
  );
  const written = stopped.map(({ service }) => state.maps[service]).find((colour) => colour !== undefined);
  return (
    written ??
    state.containers.find((container) => container.running && container.release === state.current)?.colour
  );
}

/** The serving color of each edge of the current release that answers. */
export function activeColours(state: ServingState): { readonly service: string; readonly colour: Colour }[] {
  return Object.entries(state.edges).flatMap(([service, { active }]) =>
    (active === 'blue' || active === 'green') && countsFor(state, service)
      ? [{ service, colour: active }]
      : [],
  );
}

function countsFor({ releases = [], current }: ServingState, service: string): boolean {
  const record = releases.find((release) => release.release === current);
  return (
    record === undefined ||
    record.services.some(({ name, strategy }) => name === service && strategy === 'blue-green')
  );
}

export function releaseNamed(state: HostState, name: string | undefined): ReleaseRecord | undefined {
  return state.releases.find((record) => record.release === name);
}
