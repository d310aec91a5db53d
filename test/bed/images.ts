import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { command, must } from './command.ts';
import { registry, stateDir } from './layout.ts';

type Log = (line: string) => void;

const folder = join(import.meta.dirname, 'images');
const machineCertificates = '/usr/local/share/ca-certificates';

/** Stand-ins for official images: folder → the reference under which tests and the example find them. */
export const standIns = {
  postgres: `${registry.reference}/library/postgres:17`,
  redis: `${registry.reference}/library/redis:7`,
  nginx: `${registry.reference}/library/nginx:1`,
  haproxy: `${registry.reference}/library/haproxy:3.0`,
  python: `${registry.reference}/library/python:3.13-slim`,
  node: `${registry.reference}/library/node:22-slim`,
  debian: `${registry.reference}/library/debian:trixie-slim`,
} as const;

export interface BedImages {
  registry: string;
  host: string;
}

/**
 * Builds what is not built yet. The tag of an image is the hash of everything that goes into it, so "is it there?"
 * is the whole cache, shared by all checkouts. The names are under our own registry's: no public one is ever asked.
 */
export async function buildImages(log: Log): Promise<BedImages> {
  const certificates = existsSync(machineCertificates) ? machineCertificates : emptyFolder();
  const base = image('base', hash([join(folder, 'base'), join(folder, 'rootfs.sh'), certificates], arch()));
  const of = (name: string, ...from: string[]) => image(name, hash([join(folder, name)], base, ...from));
  const python = of('python');
  const node = of('node', python);
  const others = ['host', 'postgres', 'registry', 'redis', 'nginx', 'haproxy'] as const;
  const images = new Map([
    ...others.map((name) => [name, of(name)] as const),
    ['python', python],
    ['node', node],
  ]);

  const listed = await must(['docker', 'image', 'ls', '--format', '{{.Repository}}:{{.Tag}}']);
  const present = new Set(listed.split('\n'));
  if (!present.has(base)) await buildBase(base, certificates, log);
  const missing = [...images].filter(([, reference]) => !present.has(reference));
  await inParallel(2, missing, async ([name, reference]) => {
    // Only node stands on another image, and it comes last.
    if (name !== 'node') await build(name, reference, [`BASE=${base}`], log);
  });
  if (!present.has(node)) await build('node', node, [`BASE=${base}`, `PYTHON=${python}`], log);
  if (missing.length > 0) await removeOutdated(present, new Set([base, rootfs(), ...images.values()]));

  const stale = Object.entries(standIns).filter(
    ([, reference]) => !present.has(reference) || missing.length > 0,
  );
  for (const [name, reference] of stale) {
    await must(['docker', 'tag', name === 'debian' ? base : (images.get(name) as string), reference]);
  }
  return { registry: images.get('registry') as string, host: images.get('host') as string };
}

/** Pushes the stand-ins that the registry does not have, or has in another version. */
export async function pushStandIns(log: Log): Promise<void> {
  const references = Object.values(standIns);
  const digests = await must([
    'docker',
    'image',
    'inspect',
    '--format',
    '{{json .RepoDigests}}',
    ...references,
  ]);
  const lines = digests.trim().split('\n');
  await Promise.all(
    references.map(async (reference, index) => {
      const remote = await remoteDigest(reference);
      if (remote !== undefined && lines[index]?.includes(remote)) return;
      log(`pushing ${reference}`);
      await must(['docker', 'push', '--quiet', reference]);
    }),
  );
}

async function remoteDigest(reference: string): Promise<string | undefined> {
  const [, repository, tag] = /^[^/]+\/(.+):([^:]+)$/.exec(reference) ?? [];
  const response = await fetch(`http://${registry.reference}/v2/${repository}/manifests/${tag}`, {
    method: 'HEAD',
    headers: {
      accept:
        'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json',
    },
  });
  return response.ok ? (response.headers.get('docker-content-digest') ?? undefined) : undefined;
}

async function buildBase(reference: string, certificates: string, log: Log): Promise<void> {
  let root = 'debian:trixie-slim';
  const pulled = await command(['docker', 'pull', '--quiet', root], { timeout: 60_000 });
  if (pulled.code !== 0) {
    root = rootfs();
    const there = await command(['docker', 'image', 'inspect', root]);
    if (there.code !== 0) {
      log('no image registry in reach: making the base with debootstrap');
      await must([join(folder, 'rootfs.sh'), root]);
    }
  }
  await build('base', reference, [`ROOTFS=${root}`], log, ['--build-context', `ca=${certificates}`]);
}

async function build(
  name: string,
  reference: string,
  args: string[],
  log: Log,
  more: string[] = [],
): Promise<void> {
  const started = performance.now();
  log(`building ${name}`);
  const buildArgs = args.flatMap((arg) => ['--build-arg', arg]);
  // Without provenance the result is a plain manifest, the same in every image store.
  const options = ['--provenance=false', '--progress=plain', ...buildArgs, ...more];
  await must(['docker', 'buildx', 'build', ...options, ...(await output(reference)), join(folder, name)]);
  log(`built ${name} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

/** Where the engine keeps images in containerd's store, zstd halves the time of a build and of every pull. */
async function output(reference: string): Promise<string[]> {
  const status = await must(['docker', 'info', '--format', '{{json .DriverStatus}}']);
  return status.includes('io.containerd.snapshotter')
    ? ['--output', `type=image,name=${reference},compression=zstd`]
    : ['--load', '--tag', reference];
}

async function removeOutdated(present: Set<string>, wanted: Set<string>): Promise<void> {
  const ours = [...wanted].map((reference) => reference.slice(0, reference.lastIndexOf(':') + 1));
  const outdated = [...present].filter(
    (one) => !wanted.has(one) && ours.some((start) => one.startsWith(start)),
  );
  // One that a container still uses stays; the next time will find it again.
  for (const reference of outdated) await command(['docker', 'image', 'rm', reference]);
}

function rootfs(): string {
  return image('rootfs', hash([join(folder, 'rootfs.sh')], arch()));
}

function image(name: string, version: string): string {
  return `${registry.reference}/bed/${name}:${version}`;
}

function hash(paths: readonly string[], ...more: readonly string[]): string {
  const sum = createHash('sha256');
  for (const path of paths) addToHash(sum, path);
  return sum.update(more.join('\n')).digest('hex').slice(0, 16);
}

/** Names, modes and contents; not the location, which differs between checkouts. */
function addToHash(sum: ReturnType<typeof createHash>, path: string, name = ''): void {
  if (!statSync(path).isDirectory()) {
    sum.update(`${name}\0${statSync(path).mode & 0o111}\0`).update(readFileSync(path));
    return;
  }
  for (const entry of readdirSync(path).sort()) addToHash(sum, join(path, entry), `${name}/${entry}`);
}

function emptyFolder(): string {
  const path = join(stateDir(), 'no-certificates');
  mkdirSync(path, { recursive: true });
  return path;
}

async function inParallel<T>(
  limit: number,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}
