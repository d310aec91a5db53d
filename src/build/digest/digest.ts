import { createHash } from 'node:crypto';
import { lstat, readFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { decodeText } from '../../config/dockerignore/go-text.ts';
import { type Ignore, readIgnore } from '../../config/dockerignore/ignore.ts';
import { Unresolvable } from '../../config/dockerignore/unresolvable.ts';
import type { BuildTarget } from '../model.ts';
import { type Dockerfile, readDockerfile } from './dockerfile.ts';
import { type ImageUse, imageOfContext, imagesOf, knownImagesOf } from './images.ts';
import { hashTree } from './tree.ts';
import { unreadable } from './walk.ts';

/** 64 hexadecimal digits, or why they cannot be computed: then Sluice builds the image. */
export type TreeDigest = { readonly digest: string } | { readonly unresolved: string };

/** A registry's answer: the digest, undefined for no image, or why it did not answer. */
export type BaseDigest = string | undefined | { readonly unasked: string };

export interface DigestEffects {
  /**
   * The digest that a registry (or the engine) has for an image now.
   *
   * @param ref in full: `docker.io/library/node:22-slim`.
   * @param platform `linux/amd64`; undefined: the builder's own, for which the digest of an index will do.
   */
  readonly baseDigest: (ref: string, platform: string | undefined) => Promise<BaseDigest>;
  /** The digest of another target, for contexts like `target:NAME`; without it they are unresolved. */
  readonly targetDigest?: (name: string) => Promise<TreeDigest>;
  /** Called with every image that goes into the digest. */
  readonly onImage?: (ref: string, digest: string, isReplaceable: boolean) => void;
  readonly signal: AbortSignal;
}

/** Changes when the digest of an unchanged tree does. */
const format = 'sluice tree 2';

/**
 * Digest over everything that can change the image of a target: files the build sees, Dockerfile, stage, arguments,
 * platforms, labels, names of secrets, named contexts, and the digests of the images it takes from. Not in it: times,
 * owners and extended attributes of files, values of secrets, where the folders lie, and what a RUN fetches from the network.
 *
 * The tree may change after this: compare with a second digest before an image is stored under the first.
 *
 * @throws the signal's reason on abort, and what the effects throw.
 */
export async function treeDigest(target: BuildTarget, effects: DigestEffects): Promise<TreeDigest> {
  try {
    return { digest: await digestOf(target, effects) };
  } catch (error) {
    effects.signal.throwIfAborted();
    if (error instanceof Unresolvable) return { unresolved: error.message };
    throw error;
  }
}

async function digestOf(target: BuildTarget, effects: DigestEffects): Promise<string> {
  const { signal } = effects;
  signal.throwIfAborted();
  if (!isAbsolute(target.context)) throw new Unresolvable('the build context is not a local folder');
  const source = await readSource(target);
  const dockerfile = readDockerfile(decodeText(source.bytes, 'the Dockerfile'));
  // The walk takes longest; the requests to registries run in parallel.
  const [tree, images, contexts] = await Promise.all([
    ignoreFor(target, source).then((ignore) => hashTree(target.context, ignore, signal)),
    imageDigests(target, dockerfile, effects),
    Promise.all(Object.entries(target.contexts).map((context) => contextDigest(context, target, effects))),
  ]);
  const parts = {
    format,
    dockerfile: sha256(source.bytes),
    tree,
    target: target.target ?? null,
    args: sortedEntries(target.args),
    labels: sortedEntries(target.labels),
    platforms: platformsOf(target).map((platform) => platform ?? null),
    builder: dependsOnBuilder(target, source.bytes) ? process.arch : null,
    secrets: target.secrets.map(({ id }) => id).sort(),
    ssh: target.ssh.map((agent) => agent.replace(/=.*$/s, '')).sort(),
    contexts: contexts.sort(([a], [b]) => (a < b ? -1 : 1)),
    images,
  };
  return sha256(JSON.stringify(parts));
}

/**
 * The images that the Dockerfile of a target names, as far as they are known. Empty for a Dockerfile that is not local or
 * that only its own frontend can read.
 */
export async function imagesNamedBy(target: BuildTarget): Promise<readonly ImageUse[]> {
  try {
    const { bytes } = await readSource(target);
    const dockerfile = readDockerfile(decodeText(bytes, 'the Dockerfile'));
    return platformsOf(target).flatMap((platform) => knownImagesOf(dockerfile, target, platform));
  } catch (error) {
    if (error instanceof Unresolvable) return [];
    throw error;
  }
}

/** Without platforms the image is for the builder's own, which is taken to be of this machine's kind. */
function dependsOnBuilder(target: BuildTarget, dockerfile: Buffer): boolean {
  return (
    target.platforms.length === 0 || /BUILD(?:PLATFORM|OS|ARCH|VARIANT)/.test(dockerfile.toString('latin1'))
  );
}

function platformsOf({ platforms }: BuildTarget): (string | undefined)[] {
  return platforms.length === 0 ? [undefined] : [...new Set(platforms)].sort();
}

interface DockerfileSource {
  readonly bytes: Buffer;
  /** The ignore file of only this Dockerfile. */
  readonly ignoreFile: string | undefined;
}

async function readSource({ dockerfile }: BuildTarget): Promise<DockerfileSource> {
  if (dockerfile.kind === 'inline') return { bytes: Buffer.from(dockerfile.text), ignoreFile: undefined };
  const { path } = dockerfile;
  if (!isAbsolute(path)) throw new Unresolvable('the Dockerfile is not a local file');
  const candidates = basename(path) === 'Dockerfile' ? [path, join(dirname(path), 'dockerfile')] : [path];
  for (const candidate of candidates) {
    const bytes = await readIfThere(candidate);
    if (bytes !== undefined) return { bytes, ignoreFile: `${candidate}.dockerignore` };
  }
  throw new Unresolvable('the Dockerfile does not exist');
}

/** Rules for the files of a context that the build ignores. @throws Unresolvable if they cannot be read reliably. */
export async function ignoreOf(target: BuildTarget): Promise<Ignore> {
  return await ignoreFor(target, await readSource(target));
}

async function ignoreFor(target: BuildTarget, { ignoreFile }: DockerfileSource): Promise<Ignore> {
  return readIgnore(await ignoreFileText(ignoreFile, join(target.context, '.dockerignore')));
}

/** The first that exists counts, even if it is empty. */
async function ignoreFileText(...files: readonly (string | undefined)[]): Promise<string> {
  for (const file of files) {
    const stats = file === undefined ? undefined : await lstat(file).catch(() => undefined);
    if (file === undefined || stats === undefined) continue;
    // BuildKit follows it within the context only, and builds without it otherwise.
    if (stats.isSymbolicLink()) throw new Unresolvable(`${basename(file)} is a symbolic link`);
    const bytes = await readIfThere(file);
    if (bytes !== undefined) return decodeText(bytes, basename(file));
  }
  return '';
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw unreadable(basename(file), error);
  }
}

async function imageDigests(target: BuildTarget, dockerfile: Dockerfile, effects: DigestEffects) {
  const uses = platformsOf(target).flatMap((platform) => imagesOf(dockerfile, target, platform));
  const unique = new Map(uses.map((use) => [JSON.stringify([use.reference, use.platform ?? null]), use]));
  const found = await Promise.all(
    [...unique].map(async ([key, use]) => [key, await imageDigest(use, effects)] as const),
  );
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}

async function imageDigest(
  { reference, platform, isReplaceable }: ImageUse,
  { baseDigest, onImage }: DigestEffects,
): Promise<string> {
  const pinned = /@(sha256:[0-9a-f]{64})$/.exec(reference)?.[1];
  const digest = pinned ?? (await baseDigest(reference, platform));
  if (digest === undefined) throw new Unresolvable(`the image ${reference} does not exist`);
  if (typeof digest === 'object')
    throw new Unresolvable(`the digest of ${reference} is not known: ${digest.unasked}`);
  onImage?.(reference, digest, isReplaceable);
  return digest;
}

async function contextDigest(
  [key, value]: readonly [string, string],
  target: BuildTarget,
  effects: DigestEffects,
): Promise<readonly [string, string]> {
  if (value.startsWith('docker-image://')) {
    const uses = platformsOf(target).map((platform) => imageOfContext(value, platform));
    const digests = await Promise.all(uses.map((use) => imageDigest(use, effects)));
    return [key, `image ${digests.join(' ')}`];
  }
  if (value.startsWith('target:')) {
    const name = value.slice('target:'.length);
    const other = await effects.targetDigest?.(name);
    if (other !== undefined && 'digest' in other) return [key, `target ${other.digest}`];
    const why = other === undefined ? 'its digest is not known' : other.unresolved;
    throw new Unresolvable(`it is built from the image of ${name}: ${why}`);
  }
  if (!isAbsolute(value))
    throw new Unresolvable(`the context "${key}" is neither a local folder nor an image`);
  const text = await ignoreFileText(join(value, '.dockerignore'));
  return [key, `folder ${await hashTree(value, readIgnore(text), effects.signal)}`];
}

function sortedEntries(record: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}

function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex');
}
