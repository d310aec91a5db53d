import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, relative, sep } from 'node:path';
import type { ComposeFileObject, ComposeModel, ComposeVolume } from '../config/model.ts';
import { UserError } from '../kernel/errors.ts';

/** A file of the repository that a service mounts; it travels to `<app>/files/<hash>/<name>`. */
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

/** Configuration is small; a mount beyond this is data or source code, which a release cannot carry. */
const largest = 20 * 1024 * 1024;

/**
 * Bind mounts, configs and secrets that come from the repository are copied to the host under the hash of their
 * content: the same content has the same path, so an unchanged file never restarts a container.
 *
 * @param folder the repository's folder, absolute; mounts from elsewhere are the host's own and stay.
 * @param filesRoot where the files will lie on the host.
 * @throws UserError `compose.mount-missing`, `compose.mount-link`, `compose.mount-data` or `compose.mount-large`.
 */
export async function moveMounts(
  model: ComposeModel,
  folder: string,
  filesRoot: string,
): Promise<MovedMounts> {
  const files = new Map<string, MountedFile>();
  const isOurs = (source: string | undefined): source is string => {
    if (source === undefined || !isAbsolute(source)) return false;
    const inside = relative(folder, source);
    return inside !== '' && inside !== '..' && !inside.startsWith(`..${sep}`);
  };
  const move = async (source: string, owner: string, secret: boolean): Promise<string> => {
    // The mode is part of the hash: a file that is mounted as a secret and otherwise too lies there twice.
    const tree = await readTree(source, folder, owner, (mode) => (secret ? 0o600 : mode));
    const hash = hashOf(tree);
    for (const each of tree) files.set(`${hash}/${each.path}`, { hash, ...each });
    return `${filesRoot}/${hash}/${basename(source)}`;
  };

  const services = await mapValues(model.services, async (service, name) => {
    const volumes = await Promise.all(
      (service.volumes ?? []).map(async (volume): Promise<ComposeVolume> => {
        if (volume.type !== 'bind' || !isOurs(volume.source)) return volume;
        await refuseData(volume, name, folder);
        return { ...volume, source: await move(volume.source, `services.${name}`, false) };
      }),
    );
    return service.volumes === undefined ? service : { ...service, volumes };
  });
  const moveObjects = (objects: ComposeModel['configs'], kind: 'configs' | 'secrets') =>
    mapValues(objects ?? {}, async (object: ComposeFileObject, name) =>
      isOurs(object.file)
        ? { ...object, file: await move(object.file, `${kind}.${name}`, kind === 'secrets') }
        : object,
    );
  const moved: ComposeModel = {
    ...model,
    services,
    ...(model.configs === undefined ? {} : { configs: await moveObjects(model.configs, 'configs') }),
    ...(model.secrets === undefined ? {} : { secrets: await moveObjects(model.secrets, 'secrets') }),
  };
  return { model: moved, files: [...files.values()] };
}

/** A writable folder of the repository would be data that the next release does not have. */
async function refuseData(volume: ComposeVolume, service: string, folder: string): Promise<void> {
  if (volume.read_only === true || volume.source === undefined) return;
  const found = await stat(volume.source).catch(() => undefined);
  if (found !== undefined && !found.isDirectory()) return;
  const source = `./${relative(folder, volume.source)}`;
  throw new UserError({
    code: 'compose.mount-data',
    message: `services.${service}.volumes: ${source} is mounted writable at ${volume.target}, and a release cannot carry data`,
    hint: `Use a named volume for data, an absolute path for a folder of the host, or add :ro if it is configuration.`,
  });
}

interface TreeFile {
  readonly path: string;
  readonly mode: number;
  readonly content: Buffer;
}

/**
 * Reads a file or a folder as it is in the repository. Links are followed as long as they stay inside it; sockets and
 * the like are left out.
 */
async function readTree(
  source: string,
  folder: string,
  owner: string,
  modeOf: (mode: number) => number,
): Promise<TreeFile[]> {
  const shown = `./${relative(folder, source)}`;
  if ((await lstat(source).catch(() => undefined)) === undefined) {
    throw new UserError({
      code: 'compose.mount-missing',
      message: `${owner}: ${shown} is mounted but does not exist in the repository`,
      hint: 'Commit the file, or use an absolute path if it is a file of the host.',
    });
  }
  const root = await realpath(folder);
  const found: TreeFile[] = [];
  let total = 0;
  const read = async (path: string, name: string, above: readonly string[]): Promise<void> => {
    const real = await realpath(path).catch(() => undefined);
    const isInside = real !== undefined && (real === root || real.startsWith(`${root}${sep}`));
    if (!isInside || above.includes(real)) throw badLink(owner, `./${relative(folder, path)}`);
    const { mode, size, ...kind } = await kindOf(real);
    if (kind.isFolder) {
      const names = (await readdir(real)).sort();
      for (const each of names) await read(join(path, each), join(name, each), [...above, real]);
    } else if (kind.isFile) {
      total += size;
      if (total > largest) throw tooLarge(owner, shown);
      found.push({ path: name, mode: modeOf(mode), content: await readFile(real) });
    }
  };
  await read(source, basename(source), []);
  return found;
}

async function kindOf(path: string) {
  const found = await stat(path);
  const { size } = found;
  const mode = found.mode & 0o100 ? 0o755 : 0o644;
  return { mode, size, isFile: found.isFile(), isFolder: found.isDirectory() };
}

function badLink(owner: string, shown: string): UserError {
  return new UserError({
    code: 'compose.mount-link',
    message: `${owner}: the mounted ${shown} is a link that leads nowhere, in a circle, or out of the repository`,
    hint: 'Put the file itself into the repository, or mount it by an absolute path if it is a file of the host.',
  });
}

function tooLarge(owner: string, shown: string): UserError {
  return new UserError({
    code: 'compose.mount-large',
    message: `${owner}: the mounted ${shown} holds more than 20 MiB`,
    hint: 'Put data into a named volume and source code into the image; a release carries configuration only.',
  });
}

function hashOf(tree: readonly TreeFile[]): string {
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
