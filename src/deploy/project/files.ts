import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { mountKey, objectKey } from '../../config/compose/written.ts';
import type {
  CarriedFile,
  ComposeFileObject,
  ComposeModel,
  ComposeVolume,
  HostModel,
} from '../../config/model.ts';

/** A file of the repository that a service mounts. A deploy uploads it to `<app>/files/<hash>/<name>`. */
export interface MountedFile {
  readonly hash: string;
  /** Path below the hash's folder. */
  readonly path: string;
  readonly mode: number;
  readonly content: Buffer;
}

export interface MovedMounts {
  readonly model: ComposeModel;
  readonly files: readonly MountedFile[];
}

/**
 * Rewrites bind mounts, configs and secrets of the repository (config/mounts/plan.ts) to their path on the host. The path
 * has the hash of the content, so an unchanged file never restarts a container. All other mounts keep their source.
 *
 * @param filesRoot folder of the files on the host.
 */
export async function moveMounts(
  { model, carried = {} }: Pick<HostModel, 'model' | 'carried'>,
  filesRoot: string,
): Promise<MovedMounts> {
  const files = new Map<string, MountedFile>();
  const move = async (tree: readonly CarriedFile[], secret: boolean): Promise<string> => {
    // The mode is part of the hash: a file that is both a secret and another mount is stored twice.
    const read = await Promise.all(
      tree.map(async ({ path, file, mode, content }) => ({
        path,
        mode: secret ? 0o600 : mode,
        content: content === undefined ? await readFile(file) : Buffer.from(content),
      })),
    );
    const hash = hashOf(read);
    for (const file of read) files.set(`${hash}/${file.path}`, { hash, ...file });
    // Compose interpolates again when it starts the release.
    return `${filesRoot}/${hash}/${read[0]?.path.split('/')[0] ?? ''}`.replaceAll('$', '$$$$');
  };

  const services = await mapValues(model.services, async (service, name) => {
    const volumes = await Promise.all(
      (service.volumes ?? []).map(async (volume): Promise<ComposeVolume> => {
        const tree = volume.type === 'bind' ? carried[mountKey(name, volume.target)] : undefined;
        return tree === undefined ? volume : { ...volume, source: await move(tree, false) };
      }),
    );
    return service.volumes === undefined ? service : { ...service, volumes };
  });
  const moveObjects = (objects: ComposeModel['configs'], kind: 'configs' | 'secrets') =>
    mapValues(objects ?? {}, async (object: ComposeFileObject, name) => {
      const tree = carried[objectKey(kind, name)];
      if (tree === undefined) return object;
      const { environment: _variable, ...rest } = object;
      return { ...rest, file: await move(tree, kind === 'secrets') };
    });
  const moved: ComposeModel = {
    ...model,
    services,
    ...(model.configs === undefined ? {} : { configs: await moveObjects(model.configs, 'configs') }),
    ...(model.secrets === undefined ? {} : { secrets: await moveObjects(model.secrets, 'secrets') }),
  };
  return { model: moved, files: [...files.values()] };
}

function hashOf(tree: readonly Omit<MountedFile, 'hash'>[]): string {
  const hash = createHash('sha256');
  for (const file of [...tree].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    hash.update(`${file.path}\0${file.mode}\0${file.content.length}\0`).update(file.content);
  }
  return hash.digest('hex').slice(0, 16);
}

async function mapValues<V, R>(
  object: Readonly<Record<string, V>>,
  map: (value: V, key: string) => Promise<R>,
): Promise<Record<string, R>> {
  const entries = await Promise.all(
    Object.entries(object).map(async ([key, value]) => [key, await map(value, key)] as const),
  );
  return Object.fromEntries(entries);
}
