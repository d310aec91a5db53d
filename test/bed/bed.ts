import { command, must } from './command.ts';
import { ensureContainer, ensureNetwork } from './container.ts';
import { type BedHost, upHost } from './host.ts';
import { buildImages, pushStandIns } from './images.ts';
import { clientKey, hostKey, writeKnownHosts } from './keys.ts';
import { hostPlace, maxHosts, network, registry, stateDir } from './layout.ts';
import { lockBed } from './lock.ts';

export type { Result } from './command.ts';
export type { BedHost } from './host.ts';
export { standIns } from './images.ts';

export interface Bed {
  /** Keys and other state, 0700, outside every checkout. */
  dir: string;
  /** `127.0.0.1:5000`, on this machine and on every host. */
  registry: string;
  hosts: BedHost[];
  privateKeyPath: string;
  knownHostsPath: string;
  stopRegistry(): Promise<void>;
  startRegistry(): Promise<void>;
  /** Lets another process have the bed. It stays up. Happens by itself when this process ends. */
  release(): void;
}

export interface BedOptions {
  /** 2 by default. Hosts beyond that number which already run are left alone. */
  hosts?: number;
  log?: (line: string) => void;
  /** Seconds to wait for another process that uses the bed; 900 by default. */
  wait?: number;
}

const toStderr = (line: string) => console.error(`bed: ${line}`);

/** Brings up what is not up yet and gives this process the bed for itself. Quick when everything runs. */
export async function upBed({ hosts = 2, log = toStderr, wait = 900 }: BedOptions = {}): Promise<Bed> {
  const places = Array.from({ length: hosts }, (_, index) => hostPlace(index + 1));
  await requireEngine();
  const release = await lockBed(wait, log);
  try {
    const images = await buildImages(log);
    await ensureNetwork(network.name, network.subnet);
    const startRegistry = () => upRegistry(images.registry, log);
    await startRegistry();
    // Before the parallel start: two hosts must not make the same key.
    const client = await clientKey();
    for (const place of places) await hostKey(place);
    const [knownHostsPath, , ...up] = await Promise.all([
      writeKnownHosts(),
      pushStandIns(log),
      ...places.map((place) => upHost(place, images.host, client, log)),
    ]);
    return {
      dir: stateDir(),
      registry: registry.reference,
      hosts: up,
      privateKeyPath: client.path,
      knownHostsPath,
      stopRegistry: async () => {
        await must(['docker', 'stop', '--time', '1', registry.container]);
      },
      startRegistry,
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** Removes the bed's containers and network. Images and keys stay; volumes too unless asked. */
export async function downBed(
  options: { volumes?: boolean; log?: (line: string) => void } = {},
): Promise<void> {
  await requireEngine();
  const release = await lockBed(900, options.log ?? toStderr);
  try {
    const places = Array.from({ length: maxHosts }, (_, index) => hostPlace(index + 1));
    await command(['docker', 'rm', '--force', registry.container, ...places.map((place) => place.name)]);
    await command(['docker', 'network', 'rm', network.name]);
    if (options.volumes) {
      const volumes = places.flatMap((place) => Object.values(place.volumes));
      await command(['docker', 'volume', 'rm', '--force', registry.volume, ...volumes]);
    }
  } finally {
    release();
  }
}

async function upRegistry(image: string, log: (line: string) => void): Promise<void> {
  const options = [
    ...['--network', network.name, '--ip', registry.address],
    ...['--publish', `${registry.reference}:5000`, '--volume', `${registry.volume}:/var/lib/registry`],
  ];
  await ensureContainer({ name: registry.container, image, options }, log);
  for (let attempt = 0; ; attempt++) {
    const answer = await fetch(`http://${registry.reference}/v2/`).catch(() => undefined);
    if (answer?.ok) return;
    if (attempt > 100) throw new Error(`the registry does not answer: docker logs ${registry.container}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function requireEngine(): Promise<void> {
  const answer = await command(['docker', 'version', '--format', '{{.Server.Version}}']).catch(
    () => undefined,
  );
  if (answer?.code !== 0) throw new Error('no Docker engine answers: run scripts/setup engine');
}
