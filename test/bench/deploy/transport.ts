import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { carriedReference } from '../../../src/config/images/transferred.ts';
import { layoutOf } from '../../../src/deploy/model.ts';
import { openCargo } from '../../../src/deploy/transfer/transfer.ts';
import { connectHost } from '../../../src/host/ssh/connect.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { createLog } from '../../../src/kernel/log.ts';
import { createMask } from '../../../src/kernel/masking/mask.ts';
import { copyContext } from '../../bed/app/tree.ts';
import { buildVersions } from '../../bed/app/versions.ts';
import { type Bed, type BedHost, standIns, upBed } from '../../bed/bed.ts';
import { must } from '../../bed/command.ts';
import { monotonic } from '../../bed/load/clock.ts';
import { publish, type Spread, say, seconds, show, spread } from '../output.ts';
import { scratch } from '../target.ts';
import { sshArguments } from './ssh.ts';

const repository = 'localhost/bench/backend';

interface Moved {
  readonly ms: number;
  /** Towards the other side, all of them: log-ins, questions and packets of SSH or HTTP too. */
  readonly wire: number;
  /** What the sender says it sent; undefined where it does not say. */
  readonly sent?: number;
  /** Layers that are new since the image before, compressed. */
  readonly layers: number;
}

/** One line of the example's backend changed: carried by Sluice, by a pipe through ssh, and pushed to a registry. */
export async function benchTransport(rounds: number): Promise<void> {
  const bed = await upBed({ hosts: 1 });
  const [host] = bed.hosts;
  if (host === undefined) throw new Error('a host is needed');
  const folder = join(scratch, 'transport');
  const all = { sluice: [] as Moved[], pipe: [] as Moved[], push: [] as Moved[] };
  const clean = `docker image ls --format '{{.Repository}}:{{.Tag}}' '${repository}' | xargs -r docker image rm --force`;
  try {
    await buildVersions(['v2'], say);
    await host.wipe('bench');
    await host.exec(clean);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    copyContext('backend', join(folder, 'backend'));
    let before = await build(folder);
    await bySluice(bed, host, before);
    await byPush(bed, before, before);
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`);
      for (const how of ['sluice', 'pipe', 'push'] as const) {
        const now = await change(folder);
        if (how === 'sluice') all.sluice.push(await bySluice(bed, host, now, before));
        if (how === 'pipe') all.pipe.push(await byPipe(bed, host, now, before));
        if (how === 'push') all.push.push(await byPush(bed, now, before));
        // Whoever did not take part has this image, too, before the next change.
        if (how !== 'push') await byPush(bed, now, before);
        if (how === 'push') await bySluice(bed, host, now, before);
        before = now;
      }
    }
  } finally {
    await host.wipe('bench');
    await host.exec(clean);
    await must(['sh', '-c', clean]);
    bed.release();
  }
  tell(all);
}

function tell(all: Readonly<Record<'sluice' | 'pipe' | 'push', readonly Moved[]>>): void {
  const of = (moved: readonly Moved[], what: (item: Moved) => number): Spread => spread(moved.map(what));
  const kb = ({ median }: Spread) => `${(median / 1000).toFixed(1)} kB`;
  const ratio = ({ median }: Spread) => median.toFixed(3);
  const row = (name: string, moved: readonly Moved[]) => [
    name,
    kb(of(moved, ({ layers }) => layers)),
    moved.some(({ sent }) => sent === undefined) ? '' : kb(of(moved, ({ sent = 0 }) => sent)),
    moved.some(({ sent }) => sent === undefined)
      ? ''
      : ratio(of(moved, ({ sent = 0, layers }) => sent / layers)),
    kb(of(moved, ({ wire }) => wire)),
    ratio(of(moved, ({ wire, layers }) => wire / layers)),
    seconds(of(moved, ({ ms }) => ms)),
  ];
  show(
    ['one line changed', 'changed layers', 'sent', 'of them', 'on the wire', 'of them', 'time'],
    [
      row('sluice, over SSH', all.sluice),
      row('docker save | gzip | ssh docker load', all.pipe),
      row('docker push (and the hosts pull)', all.push),
    ],
  );
  say(
    'On the wire is everything towards the other side, log-in and questions too. A push has no log-in here.',
  );
  publish('transport', { bars: { sentRatio: 1.05 }, ...all });
}

/** Builds the backend as it is now; gives its reference. */
async function build(folder: string): Promise<string> {
  const args = { BASE_IMAGE: standIns.python, APP_VERSION: 'bench', BREAK: '' };
  const flags = Object.entries(args).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]);
  const built = `${repository}:built`;
  const config = await must([
    ...['docker', 'buildx', 'build', '--quiet', '--provenance=false', '--tag', built],
    ...[...flags, join(folder, 'backend')],
  ]);
  const reference = carriedReference(repository, config.trim());
  await must(['docker', 'tag', built, reference]);
  return reference;
}

async function change(folder: string): Promise<string> {
  appendFileSync(join(folder, 'backend/bookreader/app.py'), `# ${Math.random()}\n`);
  return await build(folder);
}

async function bySluice(bed: Bed, place: BedHost, image: string, before?: string): Promise<Moved> {
  await using relay = await countingRelay(place.ssh);
  const { signal } = new AbortController();
  const log = createLog({
    ...{ mode: 'plain', verbose: false, colour: false },
    ...{ clock: systemClock, mask: createMask(), write: () => {} },
  });
  const config = {
    ...{ name: place.sshTarget, user: place.ssh.user, address: '127.0.0.1', port: relay.port },
    ...{ services: undefined, env: {}, hostKey: place.hostKey, jump: undefined, root: '/opt/sluice' },
  };
  const env = { SLUICE_SSH_KEY_FILE: bed.privateKeyPath, HOME: userInfo().homedir };
  const began = monotonic();
  await using host = await connectHost(config, { log, clock: systemClock, env });
  const layout = layoutOf('/opt/sluice', 'bench');
  await host.exec(['mkdir', '-p', layout.app]);
  const recipient = { host, layout, references: [image] };
  await using cargo = await openCargo([recipient], { env: process.env, signal });
  const { bytes } = await cargo.carry(recipient, { signal, note: () => {}, detail: () => {} });
  const ms = monotonic() - began;
  return { ms, wire: relay.bytes(), sent: bytes, layers: await changedBytes(bed, image, before) };
}

async function byPipe(bed: Bed, place: BedHost, image: string, before: string): Promise<Moved> {
  await using relay = await countingRelay(place.ssh);
  const ssh = sshArguments(bed, place, { host: '127.0.0.1', port: relay.port }, ['docker', 'load']);
  const began = monotonic();
  await must(['sh', '-c', 'image=$1; shift; docker save "$image" | gzip | "$@"', 'sh', image, ...ssh]);
  const ms = monotonic() - began;
  return { ms, wire: relay.bytes(), layers: await changedBytes(bed, image, before) };
}

async function byPush(bed: Bed, image: string, before: string): Promise<Moved> {
  const [host = '', port] = bed.registry.split(':');
  await using relay = await countingRelay({ host, port: Number(port) });
  const pushed = `127.0.0.1:${relay.port}/${inRegistry(image)}`;
  await must(['docker', 'tag', image, pushed]);
  const began = monotonic();
  await must(['docker', 'push', '--quiet', pushed]);
  const ms = monotonic() - began;
  await must(['docker', 'image', 'rm', pushed]);
  return { ms, wire: relay.bytes(), layers: await changedBytes(bed, image, before) };
}

const inRegistry = (image: string) => image.replace('localhost/', '');

/** Compressed size of the layers that the image before did not have, as the registry knows them. */
async function changedBytes(bed: Bed, image: string, before: string | undefined): Promise<number> {
  if (before === undefined) return 0;
  const [now, then] = [await layersOf(bed, image), await layersOf(bed, before)];
  const old = new Set(then.map(({ digest }) => digest));
  return now.filter(({ digest }) => !old.has(digest)).reduce((sum, { size }) => sum + size, 0);
}

async function layersOf(bed: Bed, image: string): Promise<{ digest: string; size: number }[]> {
  const [name, tag] = inRegistry(image).split(':');
  const accept =
    'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json';
  const url = `http://${bed.registry}/v2/${name}/manifests/${tag}`;
  let answer = await fetch(url, { headers: { accept } });
  if (!answer.ok) {
    // Not pushed yet: what is measured is over, so it may be now.
    const reference = `${bed.registry}/${inRegistry(image)}`;
    await must(['docker', 'tag', image, reference]);
    await must(['docker', 'push', '--quiet', reference]);
    await must(['docker', 'image', 'rm', reference]);
    answer = await fetch(url, { headers: { accept } });
  }
  return ((await answer.json()) as { layers: { digest: string; size: number }[] }).layers;
}

/** Counts what goes through it towards the target. */
async function countingRelay(target: {
  readonly host: string;
  readonly port: number;
}): Promise<AsyncDisposable & { readonly port: number; bytes(): number }> {
  let bytes = 0;
  const server = createServer((client) => {
    const onward = connect(target);
    client.on('data', (chunk) => {
      bytes += chunk.length;
    });
    client.pipe(onward).pipe(client);
    client.on('error', () => onward.destroy());
    onward.on('error', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    bytes: () => bytes,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}
