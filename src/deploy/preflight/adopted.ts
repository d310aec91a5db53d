import { posix } from 'node:path';
import type Docker from 'dockerode';
import type { ComposeVolume } from '../../config/model.ts';
import type { Host } from '../../host/model.ts';
import { UserError, UserErrors } from '../../kernel/errors.ts';
import type { ReleaseRecord } from '../model.ts';
import type { ContainerMount, ContainerState, HostState } from '../on-host/state.ts';
import { writeFiles } from '../on-host/write-files.ts';

/**
 * Containers that a deploy replaces in place and that no release describes: those of a plain compose project, and stores
 * with a skipped change. The deploy records their definition first, and an undo recreates them from it, as Watchtower
 * does for its updates.
 */

/** Below a release's folder. */
const folderName = 'adopted';

/** Records the definition of containers. The files hold their environment: 0600, in the release's own folder. */
export async function writeDown(
  host: Host,
  releaseFolder: string,
  containers: readonly Pick<ContainerState, 'id' | 'service'>[],
): Promise<void> {
  if (containers.length === 0) return;
  const files = await Promise.all(
    containers.map(async ({ id }) => ({
      path: `${folderName}/${id.slice(0, 12)}.json`,
      mode: 0o600,
      content: Buffer.from(JSON.stringify(await host.engine.getContainer(id).inspect())),
    })),
  );
  await writeFiles(host, releaseFolder, files);
}

/**
 * Recreates the recorded containers, and removes the ones that took their names.
 *
 * @param services services to restore.
 * @returns services whose containers run again.
 * @throws UserError `state.unreadable`.
 */
export async function putBackAdopted(
  host: Host,
  releaseFolder: string,
  services: readonly string[],
): Promise<string[]> {
  const all = (await readDown(host, releaseFolder)).filter((containerInspect) =>
    services.includes(serviceOf(containerInspect) ?? ''),
  );
  const done = new Set<string>();
  for (const old of all) {
    const name = old.Name.replace(/^\//, '');
    const project = old.Config.Labels['com.docker.compose.project'] ?? '';
    if (await isThere(host, old.Id)) {
      await host.engine.getContainer(old.Id).start().catch(ignoreStatus(304));
      done.add(serviceOf(old) ?? '');
      continue;
    }
    await removeSuccessors(host, project, serviceOf(old) ?? '');
    const { id } = await host.engine.createContainer({ name, ...definitionOf(old) });
    const [, ...further] = networksOf(old);
    for (const [network, settings] of further)
      await host.engine.getNetwork(network).connect({ Container: id, EndpointConfig: settings });
    await host.engine.getContainer(id).start();
    done.add(serviceOf(old) ?? '');
  }
  return [...done];
}

// $1 folder. A line for each file, in base64.
const readAll = `
cd "$1" 2>/dev/null || exit 0
for f in ${folderName}/*.json; do [ -f "$f" ] && { base64 <"$f" | tr -d '\\n'; echo; }; done
exit 0
`;

async function readDown(host: Host, releaseFolder: string): Promise<Docker.ContainerInspectInfo[]> {
  const { code, stdout, truncated } = await host.script(readAll, {
    args: [releaseFolder],
    timeoutMs: 20_000,
    maxOutput: 16 * 1024 * 1024,
  });
  try {
    if (code !== 0 || truncated) throw new Error('cut off');
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(Buffer.from(line, 'base64').toString('utf8')) as Docker.ContainerInspectInfo);
  } catch (error) {
    throw new UserError({
      code: 'state.unreadable',
      message: `${host.name}: cannot read ${releaseFolder}/${folderName}, which records the containers that ran before Sluice`,
      hint: 'Start them with `docker compose up -d` in their own project.',
      cause: error,
    });
  }
}

function serviceOf(container: Docker.ContainerInspectInfo): string | undefined {
  return container.Config.Labels['com.docker.compose.service'];
}

async function isThere(host: Host, id: string): Promise<boolean> {
  return await host.engine
    .getContainer(id)
    .inspect()
    .then(
      () => true,
      () => false,
    );
}

/** Keeps their anonymous volumes: Compose passed on those of the old container. */
async function removeSuccessors(host: Host, project: string, service: string): Promise<void> {
  const label = [`com.docker.compose.project=${project}`, `com.docker.compose.service=${service}`];
  const found = await host.engine.listContainers({ all: true, filters: JSON.stringify({ label }) });
  await Promise.all(
    found.map(({ Id }) =>
      host.engine.getContainer(Id).remove({ force: true, v: false }).catch(ignoreStatus(404)),
    ),
  );
}

function definitionOf(old: Docker.ContainerInspectInfo): Docker.ContainerCreateOptions {
  const { Hostname, Image: _tag, ...config } = old.Config;
  const isOwnName = Hostname === old.Id.slice(0, 12);
  const [first] = networksOf(old);
  const mounted = new Set((old.HostConfig.Binds ?? []).map((bind) => bind.split(':')[1]));
  for (const { Target } of old.HostConfig.Mounts ?? []) mounted.add(Target);
  const unnamed = old.Mounts.filter(
    ({ Type, Destination }) => Type === 'volume' && !mounted.has(Destination),
  ).map(({ Name, Destination }) => `${Name}:${Destination}`);
  return {
    ...(config as Docker.ContainerCreateOptions),
    ...(isOwnName ? {} : { Hostname }),
    // By its id, because the tag may have moved.
    Image: old.Image,
    HostConfig: { ...old.HostConfig, Binds: [...(old.HostConfig.Binds ?? []), ...unnamed] },
    ...(first === undefined ? {} : { NetworkingConfig: { EndpointsConfig: { [first[0]]: first[1] } } }),
  };
}

/** Names and fixed addresses in each network, without what the engine assigned. */
function networksOf(old: Docker.ContainerInspectInfo): [string, Docker.EndpointSettings][] {
  if (/^(?:host|none|container:)/.test(old.HostConfig.NetworkMode ?? '')) return [];
  return Object.entries(old.NetworkSettings.Networks ?? {}).map(([name, network]) => {
    const { Aliases, IPAMConfig } = network as { Aliases?: string[] | null; IPAMConfig?: object | null };
    const aliases = (Aliases ?? []).filter((alias) => alias !== old.Id.slice(0, 12));
    const settings = { Aliases: aliases, ...(IPAMConfig ? { IPAMConfig } : {}) };
    return [name, settings as Docker.EndpointSettings];
  });
}

function ignoreStatus(status: number) {
  return (error: unknown): void => {
    if ((error as { statusCode?: number }).statusCode !== status) throw error;
  };
}

/**
 * A container of a plain compose project has its data in its checkout, or in a volume of another name. A release that
 * mounts another place there starts without that data, so it is refused until one of them moves.
 *
 * @throws UserErrors `preflight.data-elsewhere`, one for each mount.
 */
export function refuseDataElsewhere(host: string, record: ReleaseRecord, state: HostState): void {
  const errors = new Map<string, UserError>();
  for (const { name } of record.services) {
    const own = state.containers.filter((container) => container.plain && container.service === name);
    for (const volume of record.model.services[name]?.volumes ?? []) {
      if (!holdsData(volume, record)) continue;
      for (const container of own) {
        const other = mountAt(container, volume.target);
        if (other === undefined || isSame(other, volume, record)) continue;
        const error = elsewhere(host, name, { container, other, volume, record });
        errors.set(`${name} ${volume.target} ${other.source}`, error);
      }
    }
  }
  if (errors.size > 0) throw new UserErrors([...errors.values()]);
}

/** Whether a mount is writable and survives the container. */
function holdsData({ type, source, read_only: readOnly }: ComposeVolume, { files }: ReleaseRecord): boolean {
  if (readOnly === true || source === undefined) return false;
  if (type === 'volume') return true;
  // Files of the release are configuration, and sockets and devices hold no data.
  const isCarried = files.some((hash) => source.includes(`/files/${hash}/`));
  return type === 'bind' && !isCarried && !/^\/(?:dev|proc|sys|run|var\/run|etc)(?:\/|$)/.test(source);
}

function mountAt({ mounts = [] }: ContainerState, target: string): ContainerMount | undefined {
  return mounts.find((mount) => posix.resolve('/', mount.target) === posix.resolve('/', target));
}

function isSame(mount: ContainerMount, volume: ComposeVolume, record: ReleaseRecord): boolean {
  return mount.type === volume.type && placeOf(mount) === placeIn(volume, record);
}

function placeOf({ type, name, source }: ContainerMount): string {
  return type === 'volume' ? (name ?? source) : posix.resolve('/', source);
}

/** Path of a folder on the host, or the engine's name of a volume. */
function placeIn({ type, source = '' }: ComposeVolume, { app, model }: ReleaseRecord): string {
  if (type !== 'volume') return posix.resolve('/', source.replaceAll('$$', '$'));
  return (model.volumes?.[source] as { name?: string } | null | undefined)?.name ?? `${app}_${source}`;
}

interface Elsewhere {
  readonly container: ContainerState;
  readonly other: ContainerMount;
  readonly volume: ComposeVolume;
  readonly record: ReleaseRecord;
}

function elsewhere(
  host: string,
  service: string,
  { container, other, volume, record }: Elsewhere,
): UserError {
  const { target } = volume;
  const [there, here] = [placeOf(other), placeIn(volume, record)];
  const what = (type: string, place: string) => (type === 'volume' ? `the volume ${place}` : place);
  return new UserError({
    code: 'preflight.data-elsewhere',
    message: `${host}: the data of ${service} at ${target} is in ${what(other.type, there)} (container ${container.name}), but this release mounts ${what(volume.type, here)} there and starts without it`,
    hint: wayOut({ container, other, volume, record }, here),
  });
}

function wayOut({ container, other, volume }: Elsewhere, here: string): string {
  const keep =
    other.type === 'volume'
      ? `name the volume in a compose file: volumes: { ${volumeKey(volume)}: { name: ${other.name}, external: true } }`
      : `mount ${other.source}:${volume.target} in a compose file of this target`;
  if (volume.type === 'volume' || other.type === 'volume') return `To keep it there, ${keep}.`;
  const [from, to] = [quoted(`${other.source}/.`), quoted(here)];
  const move = `docker stop ${container.name} && mkdir -p ${to} && sudo cp -a ${from} ${to} && docker rm ${container.name}`;
  return `To keep it there, ${keep}. To move it (the service is down until the deploy ends), run on the server: ${move}`;
}

function volumeKey({ type, source = 'data' }: ComposeVolume): string {
  return type === 'volume' ? source : 'data';
}

function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
