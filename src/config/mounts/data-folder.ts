import { posix } from 'node:path';
import { mountKey } from '../compose/written.ts';
import type { ComposeModel, ComposeVolume } from '../model.ts';

/** A folder beside the compose file that containers write to: on the server it is a folder of the app. */
export interface DataFolder {
  /** `./data`: the source as the compose file has it, normalized. */
  readonly shown: string;
  /** `data`: where it is below the app's data on the server. */
  readonly path: string;
}

/** Replaces `..` in a path, which must not lead out of the app's data. */
const above = '@above';

/** @param written relative source of a mount, as the compose file has it. */
export function dataFolder(written: string): DataFolder {
  const normal = posix.normalize(written).replace(/(?<!\/)\/+$/, '');
  const path = normal
    .split('/')
    .map((part) => (part === '..' ? above : part))
    .join('/');
  return { shown: normal.startsWith('..') ? normal : `./${normal}`, path };
}

/** Where the data of an app is on a server: `/opt/sluice/shop/data`. Nothing of Sluice removes it. */
export function dataRoot(root: string, app: string): string {
  return `${root.replace(/(?<!\/)\/+$/, '')}/${app}/data`;
}

/**
 * The model with data folders as paths of a server. The engine creates one that is missing, as it does for the short
 * syntax: the long one without `create_host_path` looks the same in what docker compose prints.
 *
 * @param root {@link dataRoot}.
 */
export function withDataFolders(
  model: ComposeModel,
  folders: Readonly<Record<string, DataFolder>>,
  root: string,
): ComposeModel {
  return mapVolumes(model, (volume, key) => {
    const folder = Object.hasOwn(folders, key) ? folders[key] : undefined;
    if (folder === undefined) return volume;
    const { bind } = volume as { bind?: object | null };
    // Compose replaces variables once more when it starts the release.
    const source = `${root}/${folder.path}`.replaceAll('$', '$$$$');
    return { ...volume, source, bind: { ...bind, create_host_path: true } } as ComposeVolume;
  });
}

/** Mounts with the paths of data folders on a server. */
export function withPlaces<M extends { readonly key: string }>(
  mounts: readonly M[],
  folders: Readonly<Record<string, DataFolder>>,
  root: string,
): (M & { readonly place?: string })[] {
  return mounts.map((mount) => {
    const folder = Object.hasOwn(folders, mount.key) ? folders[mount.key] : undefined;
    return folder === undefined ? mount : { ...mount, place: `${root}/${folder.path}` };
  });
}

/**
 * One line for each data folder, for a plan. The engine creates a folder that only root may write to, so a container of
 * another user needs a command first: Sluice does not know the numbers of an image's users.
 *
 * @param model with the mounts of the services.
 * @param images config of the services' images, as far as it is known.
 */
export function dataFolderNotes(
  {
    model,
    folders,
  }: { readonly model: ComposeModel; readonly folders: Readonly<Record<string, DataFolder>> },
  root: string,
  images: Readonly<Record<string, { readonly user?: string | undefined }>> = {},
): string[] {
  const places = new Map<string, { readonly place: string; readonly names: Set<string>; writer?: Writer }>();
  for (const [name, service] of Object.entries(model.services)) {
    for (const { type, target, read_only: readOnly } of service.volumes ?? []) {
      const key = mountKey(name, target);
      const folder = type === 'bind' && Object.hasOwn(folders, key) ? folders[key] : undefined;
      if (folder === undefined) continue;
      const found = places.get(folder.shown) ?? { place: `${root}/${folder.path}`, names: new Set<string>() };
      places.set(folder.shown, found);
      found.names.add(name);
      const image = Object.hasOwn(images, name) ? images[name] : undefined;
      const user = String(service['user'] ?? image?.user ?? '');
      if (readOnly !== true && !/^(?:root|0)?(?::|$)/.test(user)) found.writer ??= { name, user };
    }
  }
  return [...places].map(
    ([shown, { place, names, writer }]) =>
      `${shown} of ${[...names].join(', ')} is a data folder on the server: ${place}. It starts empty, and no deploy changes or removes it${writer === undefined ? '' : ownerText(writer, place)}`,
  );
}

interface Writer {
  readonly name: string;
  /** As the compose file or the image has it. */
  readonly user: string;
}

function ownerText({ name, user }: Writer, place: string): string {
  const owner = /^\d+/.exec(user)?.[0];
  const id = owner === undefined ? `UID (the numeric ID of ${user} in the image)` : owner;
  return `. ${name} runs as user ${user}, but the engine creates the folder as root: before the first deploy, run on the server \`mkdir -p ${place} && sudo chown ${id} ${place}\``;
}

/** A model with its mounts replaced. */
export function mapVolumes(
  model: ComposeModel,
  map: (volume: ComposeVolume, key: string) => ComposeVolume,
): ComposeModel {
  const services = Object.entries(model.services).map(([name, service]) => {
    const volumes = service.volumes?.map((volume) =>
      volume.type === 'bind' ? map(volume, mountKey(name, volume.target)) : volume,
    );
    return [name, volumes === undefined ? service : { ...service, volumes }] as const;
  });
  return { ...model, services: Object.fromEntries(services) };
}
