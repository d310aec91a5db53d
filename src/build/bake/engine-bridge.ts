import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { ChildEnv } from '../../kernel/process/child-env.ts';
import { runProcess } from '../../kernel/process/process.ts';
import type { Builder } from './builder.ts';

export interface BridgeEffects {
  readonly env: ChildEnv;
  readonly signal: AbortSignal;
  readonly log: { detail(message: string): void };
}

/** A socket to the engine's own BuildKit, open during one build. */
export interface EngineBridge extends AsyncDisposable {
  /** Variables that make buildx use this socket. */
  readonly env: Readonly<Record<string, string>>;
}

const builderName = 'sluice';
const upgradeMs = 5_000;

/**
 * buildx's `docker` driver has one way to push: the engine fetches and unpacks every layer of the image, including cached
 * ones, stores it, and `docker push` follows. The engine's BuildKit can push from the build and skip layers the registry
 * has; buildx's `remote` driver makes it do so if it finds BuildKit at a socket. This is that socket: it passes
 * connections on to `/grpc` of the engine, which the `docker` driver calls, too (decision 0007).
 *
 * @returns undefined if the engine keeps images in its older store, is not at a local socket, or does not offer `/grpc`.
 *   The `docker` driver then pushes its own way.
 */
export async function bridgeEngine(
  builder: Builder,
  effects: BridgeEffects,
): Promise<EngineBridge | undefined> {
  const { socket } = builder;
  if (builder.driver !== 'docker' || builder.store !== 'containerd' || socket === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'sluice-engine-'));
  const sockets = new Set<Duplex>();
  const server = createServer((client) => void hand(client, socket, sockets));
  const close = async () => {
    for (const stream of sockets) stream.destroy();
    server.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    (await upgrade(socket)).destroy();
    const path = join(folder, 'buildkit.sock');
    await listen(server, path);
    const env = { BUILDX_CONFIG: folder, BUILDX_BUILDER: builderName };
    const create = ['create', '--name', builderName, '--driver', 'remote', `unix://${path}`];
    const { code, stderr } = await runProcess([...builder.buildx, ...create], {
      env: { ...effects.env, ...env },
      signal: effects.signal,
    });
    if (code !== 0) throw new Error(stderr);
    return { env, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    effects.signal.throwIfAborted();
    effects.log.detail(`the engine’s BuildKit cannot be reached directly: ${String(error)}`);
    return undefined;
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}

async function hand(client: Socket, engine: string, sockets: Set<Duplex>): Promise<void> {
  sockets.add(client);
  // Either end may close at any time; buildx reports what that means.
  client.on('error', () => {});
  try {
    const upstream = await upgrade(engine);
    sockets.add(upstream);
    upstream.on('error', () => {});
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
    client.pipe(upstream).pipe(client);
    if (client.destroyed) upstream.destroy();
  } catch {
    client.destroy();
  }
}

/** A connection to BuildKit in the engine. */
function upgrade(socketPath: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const headers = { Connection: 'Upgrade', Upgrade: 'h2c' };
    const asked = request({ socketPath, path: '/grpc', method: 'POST', headers, timeout: upgradeMs });
    asked.once('upgrade', (_response, socket, head) => {
      socket.setTimeout(0);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    asked.once('response', (response) => {
      response.resume();
      reject(new Error(`POST /grpc: ${response.statusCode}`));
    });
    asked.once('timeout', () => asked.destroy(new Error('POST /grpc: no answer')));
    asked.once('error', reject);
    asked.end();
  });
}
