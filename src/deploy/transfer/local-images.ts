import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { carriedDigest } from '../../config/images/transferred.ts';
import { UserError } from '../../kernel/errors.ts';
import { dockerEnv } from '../../kernel/process/child-env.ts';
import { runProcess, tail } from '../../kernel/process/process.ts';
import { streamProcess } from '../../kernel/process/stream.ts';
import { readTar, type TarEntry } from '../../kernel/tar.ts';
import { type Platform, platformsIn } from '../preflight/platforms.ts';
import { hexOf, type LocalBlob, type LocalImage, sha256 } from './layers.ts';

/** Files of images from the local engine. Disposing removes them. */
export interface LocalImages extends AsyncDisposable {
  readonly images: readonly LocalImage[];
  /** A layer in compressed form. It is compressed at most once. */
  blob(diffId: string): Promise<LocalBlob>;
}

/** Configurations and lists are smaller, and are always kept. */
const smallBytes = 64 * 1024;

/**
 * Exports images from the engine where Sluice runs, with one `docker save`, and verifies their digests.
 *
 * @param skip names of files in the archive that no host needs.
 * @throws UserError `image.nowhere`, `image.damaged`.
 */
export async function openImages(
  references: readonly string[],
  skip: ReadonlySet<string>,
  effects: EngineEffects,
): Promise<LocalImages> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-carry-'));
  const dispose = () => rm(folder, { recursive: true, force: true });
  try {
    const saved = new Map<string, Saved>();
    const { code, stderr } = await streamProcess(
      ['docker', 'save', ...references],
      { ...effects, env: dockerEnv(effects.env) },
      (stdout) =>
        readTar(stdout, async (entry) => {
          const isNeeded = entry.size <= smallBytes || !skip.has(posix.basename(entry.path));
          if (isNeeded)
            saved.set(posix.normalize(entry.path), await keep(entry, join(folder, `${saved.size}`)));
        }),
    );
    if (code !== 0) throw notSaved(references, stderr);
    const { images, layers } = await readManifest(references, saved);
    const made = new Map<string, Promise<LocalBlob>>();
    const blob = (diffId: string): Promise<LocalBlob> => {
      const known = made.get(diffId) ?? travelling(diffId, layers.get(diffId), effects.signal);
      made.set(diffId, known);
      return known;
    };
    return { images, blob, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

interface Saved {
  readonly file: string;
  readonly size: number;
  readonly digest: string;
  /** Target of a link, from the root of the archive: older engines save a shared layer once. */
  readonly link: string | undefined;
}

async function keep(entry: TarEntry, file: string): Promise<Saved> {
  if (entry.kind !== 'file') {
    const link = entry.kind === 'link' ? posix.join(posix.dirname(entry.path), entry.link) : undefined;
    return { file, size: 0, digest: '', link };
  }
  const hash = createHash('sha256');
  await pipeline(
    entry.content,
    async function* (parts: AsyncIterable<Buffer>) {
      for await (const part of parts) {
        hash.update(part);
        yield part;
      }
    },
    createWriteStream(file, { mode: 0o600 }),
  );
  return { file, size: entry.size, digest: `sha256:${hash.digest('hex')}`, link: undefined };
}

async function readManifest(references: readonly string[], saved: ReadonlyMap<string, Saved>) {
  const find = (path: string): Saved | undefined => {
    const found = saved.get(posix.normalize(path));
    return found?.link === undefined ? found : saved.get(found.link);
  };
  const read = async (path: string): Promise<Buffer> => {
    const found = find(path);
    if (found === undefined) throw damaged(`docker save did not write ${path}`);
    return await readFile(found.file);
  };
  const manifest = JSON.parse((await read('manifest.json')).toString()) as readonly {
    readonly Config: string;
    readonly RepoTags: readonly string[] | null;
    readonly Layers: readonly string[];
  }[];
  const layers = new Map<string, { readonly saved: Saved; readonly named: string | undefined }>();
  const images = await Promise.all(
    references.map(async (reference): Promise<LocalImage> => {
      const found = manifest.find(({ RepoTags }) => RepoTags?.includes(reference));
      if (found === undefined) throw damaged(`docker save did not write ${reference}`);
      const config = await read(found.Config);
      if (sha256(config) !== carriedDigest(reference)) {
        throw damaged(`${reference} does not match the digest in its name: its tag was moved`);
      }
      const { rootfs } = JSON.parse(config.toString()) as { rootfs: { diff_ids: readonly string[] } };
      for (const [index, diffId] of rootfs.diff_ids.entries()) {
        const path = found.Layers[index] ?? '';
        const layer = find(path);
        const named = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(path)?.[1];
        if (layer !== undefined) layers.set(diffId, { saved: layer, named });
      }
      return { reference, config, diffIds: rootfs.diff_ids };
    }),
  );
  return { images, layers };
}

const gzipType = 'application/vnd.oci.image.layer.v1.tar+gzip';

async function travelling(
  diffId: string,
  layer: { readonly saved: Saved; readonly named: string | undefined } | undefined,
  signal: AbortSignal,
): Promise<LocalBlob> {
  if (layer === undefined) throw damaged(`docker save did not write the layer ${diffId}`);
  const { file, size, digest } = layer.saved;
  const kind = await compressionOf(file);
  const wanted = kind === 'none' ? hexOf(diffId) : layer.named;
  if (wanted !== undefined && hexOf(digest) !== wanted) {
    throw damaged(`docker save wrote a layer that does not match its digest: ${diffId}`);
  }
  if (kind !== 'none') {
    return { file, size, digest, mediaType: gzipType.replace('gzip', kind) };
  }
  const packed = `${file}.gz`;
  const hash = createHash('sha256');
  const gzip = createGzip();
  gzip.on('data', (chunk: Buffer) => hash.update(chunk));
  await pipeline(createReadStream(file), gzip, createWriteStream(packed, { mode: 0o600 }), { signal });
  await rm(file);
  const { size: packedSize } = await stat(packed);
  return {
    file: packed,
    size: packedSize,
    digest: `sha256:${hash.digest('hex')}`,
    mediaType: gzipType,
  };
}

async function compressionOf(file: string): Promise<'gzip' | 'zstd' | 'none'> {
  await using handle = await open(file);
  const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
  if (buffer[0] === 0x1f && buffer[1] === 0x8b) return 'gzip';
  return buffer.readUInt32LE(0) === 0xfd2fb528 ? 'zstd' : 'none';
}

function damaged(message: string): UserError {
  return new UserError({
    code: 'image.damaged',
    message,
    hint: 'Build again on this machine: `sluice build --force --images images.json`.',
  });
}

function notSaved(references: readonly string[], stderr: string): UserError {
  return new UserError({
    code: 'image.nowhere',
    message: `The Docker engine where Sluice runs cannot save ${references.join(', ')}`,
    hint: 'Run `sluice build --images images.json` on this machine first.',
    output: tail(stderr, 5),
  });
}

export interface EngineEffects {
  /** Environment of Sluice, with DOCKER_HOST and the docker context. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** An image of the engine where Sluice runs. */
export interface FoundImage {
  readonly reference: string;
  readonly diffIds: readonly string[];
  readonly platforms: readonly Platform[];
}

/**
 * Checks that the engine where Sluice runs has the images that hosts lack.
 *
 * @returns their diff ids and platforms.
 * @throws UserError `image.nowhere`.
 */
export async function requireLocal(
  references: readonly string[],
  hosts: readonly string[],
  effects: EngineEffects,
): Promise<readonly FoundImage[]> {
  if (references.length === 0) return [];
  const format =
    '{"diffIds":{{json .RootFS.Layers}},"os":{{json .Os}},"architecture":{{json .Architecture}}}';
  const result = await runProcess(['docker', 'image', 'inspect', '--format', format, ...references], {
    env: dockerEnv(effects.env),
    signal: effects.signal,
    timeoutMs: 60_000,
  });
  if (result.code === 0) {
    const lines = result.stdout.trim().split('\n');
    return lines.map((line, index) => {
      const { diffIds, ...platform } = JSON.parse(line) as { readonly diffIds: string[] | null };
      return {
        reference: references[index] ?? '',
        diffIds: diffIds ?? [],
        platforms: platformsIn([platform]),
      };
    });
  }
  const missing = references.filter((reference) =>
    result.stderr.toLowerCase().includes(`image: ${reference}`),
  );
  throw new UserError({
    code: 'image.nowhere',
    message: `Neither ${hosts.join(', ')} nor the Docker engine where Sluice runs has ${(missing.length > 0 ? missing : references).join(', ')}`,
    hint: 'Run `sluice build --images images.json` on this machine first, and deploy with the file it writes. Or roll back to a release that the hosts still have.',
    output: tail(result.stderr, 5),
  });
}
