import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { must } from '../../bed/command.ts';
import { buildImages, standIns } from '../../bed/images.ts';

/** A real registry of its own on a free loopback port, gone with the test. */
export interface TestRegistry extends AsyncDisposable {
  readonly host: string;
  readonly container: string;
  /** A small image with a shell, that Dockerfiles can begin from. */
  readonly base: string;
  tags(repository: string): Promise<readonly string[]>;
  digest(repository: string, reference: string): Promise<string | undefined>;
  manifest(repository: string, reference: string): Promise<Record<string, unknown>>;
  config(repository: string, reference: string): Promise<ImageConfig>;
  /** Text of every file in the layers of an image, whose digests are checked. */
  files(repository: string, reference: string): Promise<Record<string, string>>;
  /** Runs a script where the registry keeps its blobs. */
  tamper(script: string): Promise<void>;
}

export interface ImageConfig {
  readonly created?: string;
  readonly config: {
    readonly Labels?: Record<string, string>;
    readonly Env?: readonly string[];
    readonly User?: string;
  };
}

const types = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/** @param diskMiB size of its disk, for one that is soon full. */
export async function startRegistry(diskMiB = 512): Promise<TestRegistry> {
  const { registry: image } = await buildImages(() => {});
  const storage = `/var/lib/registry:size=${diskMiB}m`;
  // The same port inside and outside: an engine in the container's own network finds it by the same name.
  const host = `127.0.0.1:${await freePort()}`;
  const port = host.replace(/^.*:/, '');
  const options = ['--detach', '--rm', '--publish', `${host}:${port}`, '--tmpfs', storage];
  const id = (
    await must(['docker', 'run', ...options, '--env', `REGISTRY_HTTP_ADDR=:${port}`, image])
  ).trim();
  for (let attempt = 0; !(await fetch(`http://${host}/v2/`).catch(() => undefined))?.ok; attempt++) {
    if (attempt > 200) throw new Error('the registry does not answer');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const get = (path: string) => fetch(`http://${host}/v2/${path}`, { headers: { accept: types } });
  const manifest = async (repository: string, reference: string) =>
    (await (await get(`${repository}/manifests/${reference}`)).json()) as Record<string, unknown>;
  const base = `${host}/base:1`;
  if (diskMiB >= 256) {
    await must(['docker', 'tag', standIns.debian, base]);
    await must(['docker', 'push', '--quiet', base]);
  }
  return {
    host,
    container: id,
    base,
    manifest,
    tags: async (repository) => {
      const answer = await get(`${repository}/tags/list`);
      return answer.ok ? (((await answer.json()) as { tags: string[] | null }).tags ?? []) : [];
    },
    digest: async (repository, reference) => {
      const answer = await get(`${repository}/manifests/${reference}`);
      if (!answer.ok) return undefined;
      return `sha256:${createHash('sha256')
        .update(await answer.text())
        .digest('hex')}`;
    },
    config: async (repository, reference) => {
      const { config } = (await manifest(repository, reference)) as { config: { digest: string } };
      return (await (await get(`${repository}/blobs/${config.digest}`)).json()) as ImageConfig;
    },
    files: async (repository, reference) => {
      const { layers } = (await manifest(repository, reference)) as { layers: { digest: string }[] };
      const folder = mkdtempSync('/tmp/build-contract-layers-');
      for (const { digest } of layers) {
        const bytes = Buffer.from(await (await get(`${repository}/blobs/${digest}`)).arrayBuffer());
        if (`sha256:${createHash('sha256').update(bytes).digest('hex')}` !== digest)
          throw new Error(`${digest} has another digest`);
        execFileSync('tar', ['-xz', '-C', folder], { input: bytes });
      }
      const names = readdirSync(folder);
      const texts = names.map((name) => [name, readFileSync(join(folder, name), 'utf8')] as const);
      rmSync(folder, { recursive: true });
      return Object.fromEntries(texts);
    },
    tamper: async (script) => void (await must(['docker', 'exec', id, 'sh', '-ec', script])),
    [Symbol.asyncDispose]: async () => {
      await must(['docker', 'rm', '--force', '--volumes', id]);
      await removeImages(host);
    },
  };
}

/** Where the registry keeps a blob. */
export function blobFile(digest: string): string {
  const hex = digest.replace('sha256:', '');
  return `/var/lib/registry/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`;
}

/** Those that builds left in the engine under a registry's name. */
async function removeImages(host: string): Promise<void> {
  const listed = await must(['docker', 'image', 'ls', '--format', '{{.Repository}}:{{.Tag}}']);
  const ours = listed.split('\n').filter((line) => line.startsWith(`${host}/`) && !line.endsWith(':<none>'));
  if (ours.length > 0) await must(['docker', 'image', 'rm', '--force', ...ours]);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A registry's address behind which requests can be made to fail. */
export interface FaultProxy extends AsyncDisposable {
  readonly host: string;
  /** `PATCH /v2/app/web/blobs/…`, in the order they came. */
  readonly requests: string[];
  /** Answers itself (true), waits, or lets the registry answer (false). */
  fault: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;
}

export async function startProxy(registry: Pick<TestRegistry, 'host'>): Promise<FaultProxy> {
  const [hostname = '', port] = registry.host.split(':');
  const server = createServer(async (request, response) => {
    self.requests.push(`${request.method} ${request.url}`);
    // Nobody is there to be told when a client has gone.
    request.on('error', () => {});
    response.on('error', () => {});
    if (await self.fault(request, response)) return;
    const { method, headers, url: path } = request;
    const onward = forward({ hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const self: FaultProxy = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    fault: () => false,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      await removeImages(self.host);
    },
  };
  return self;
}

/** Answers requests that match with a status, `times` times. */
export function refuse(
  pattern: RegExp,
  status: number,
  times = Number.POSITIVE_INFINITY,
): FaultProxy['fault'] {
  let left = times;
  return (request, response) => {
    if (!pattern.test(`${request.method} ${request.url}`) || left-- <= 0) return false;
    request.resume();
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end('{"errors":[{"code":"UNKNOWN","message":"told so by the test"}]}');
    return true;
  };
}
