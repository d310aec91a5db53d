import { posix } from 'node:path';
import type { ComposeVolume } from '../../config/model.ts';
import { UserError, UserErrors } from '../../kernel/errors.ts';
import type { ReleaseRecord } from '../model.ts';
import type { ContainerState, HostState } from '../on-host/state.ts';

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
