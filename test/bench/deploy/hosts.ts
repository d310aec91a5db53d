import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { appRegistry, buildVersions, imagesOf, type VersionName } from '../../bed/app/versions.ts';
import { type BedHost, standIns, upBed } from '../../bed/bed.ts';
import { command } from '../../bed/command.ts';
import { sluice } from '../../bed/demo/cli.ts';
import { upHost } from '../../bed/host.ts';
import { buildImages } from '../../bed/images.ts';
import { clientKey } from '../../bed/keys.ts';
import { type HostPlace, hostPlace, maxHosts } from '../../bed/layout.ts';
import { monotonic } from '../../bed/load/clock.ts';
import { publish, type Spread, say, seconds, show, spread } from '../output.ts';
import { scratch } from '../target.ts';

const many = 10;

/**
 * One deploy to ten hosts beside one to a single host. The application is small (the example's front end alone): all
 * ten engines share this machine's cores, and ten boots of a large one would measure these.
 */
export async function benchHosts(rounds: number): Promise<void> {
  const quiet = (line: string) => say(`bed: ${line}`);
  const bed = await upBed();
  const usual = bed.hosts.length;
  // One more than many: a host belongs to one target.
  try {
    const hosts = [...bed.hosts, ...(await moreHosts(usual + 1, many + 1, quiet))];
    await buildVersions(['v1', 'v2'], say);
    for (const host of hosts) await host.wipe();
    const folder = writeSmallProject(hosts);
    const walls = { one: [] as number[], ten: [] as number[] };
    const control = { one: [] as number[], ten: [] as number[] };
    const deploy = async (target: 'one' | 'ten', version: VersionName): Promise<number> => {
      const image = `web=${imagesOf(version).frontend}`;
      const run = await sluice(['deploy', target, '--release', version, '--watch', '0s', '--image', image], {
        folder,
        key: bed.privateKeyPath,
      });
      if (run.report?.outcome !== 'confirmed')
        throw new Error(`${run.lines.map((line) => line.message).join('\n')}\n${run.stdout}`);
      return run.endedAt - run.startedAt;
    };
    for (const version of ['v1', 'v2'] as const) {
      await deploy('one', version);
      await deploy('ten', version);
    }
    for (let round = 0; round < rounds; round++) {
      const version = round % 2 === 0 ? 'v1' : 'v2';
      walls.one.push(await deploy('one', version));
      walls.ten.push(await deploy('ten', version));
      control.one.push(await containerWork(hosts.slice(many)));
      control.ten.push(await containerWork(hosts.slice(0, many)));
    }
    const [one, ten] = [spread(walls.one), spread(walls.ten)];
    const [controlOne, controlTen] = [spread(control.one), spread(control.ten)];
    const times = (more: Spread, less: Spread) => `${(more.median / less.median).toFixed(2)} ×`;
    show(
      ['hosts', 'sluice deploy', 'of one', 'one container on each', 'of one'],
      [
        ['1', seconds(one), '', seconds(controlOne), ''],
        [`${many}`, seconds(ten), times(ten, one), seconds(controlTen), times(controlTen, controlOne)],
      ],
    );
    say('The right half is the machine: all engines share its cores, and nothing of Sluice runs.');
    publish('hosts', { hosts: many, one, ten, controlOne, controlTen });
  } finally {
    await removeHosts(usual + 1, many + 1);
    for (const host of bed.hosts) await host.wipe('small');
    bed.release();
  }
}

/** What any deploy makes the engines do at the least: start a container, stop one. On all hosts at once. */
async function containerWork(hosts: readonly BedHost[]): Promise<number> {
  const began = monotonic();
  const image = imagesOf('v1').frontend;
  const script = `docker run -d --name control ${image} >/dev/null && docker stop control >/dev/null && docker rm control >/dev/null`;
  await Promise.all(hosts.map((host) => host.must(script)));
  return monotonic() - began;
}

/** Hosts beyond the usual ones, and beyond the places that the bed has. One after the other: loop devices are few. */
async function moreHosts(first: number, last: number, log: (line: string) => void): Promise<BedHost[]> {
  const images = await buildImages(log);
  const key = await clientKey();
  const hosts: BedHost[] = [];
  for (let n = first; n <= last; n++) {
    const up = () => upHost(place(n), images.host, key, log);
    // A host's first start makes the machine's next loop device, which only its second start finds.
    hosts.push(await up().catch(up));
  }
  return hosts;
}

async function removeHosts(first: number, last: number): Promise<void> {
  const places = Array.from({ length: last - first + 1 }, (_, index) => place(first + index));
  // Those that are not there are no reason to stop.
  await command(['docker', 'rm', '--force', ...places.map((item) => item.name)]);
  await command([
    'docker',
    'volume',
    'rm',
    '--force',
    ...places.flatMap((item) => Object.values(item.volumes)),
  ]);
}

function place(n: number): HostPlace {
  if (n <= maxHosts) return hostPlace(n);
  const like = hostPlace(1);
  const name = `sluice-bed-host-${n}`;
  const loopback = `127.0.0.${10 + n}`;
  return {
    name,
    address: `10.211.0.${10 + n}`,
    ssh: { ...like.ssh, host: loopback },
    http: { ...like.http, host: loopback },
    volumes: { docker: `${name}-docker`, disk: `${name}-disk`, home: `${name}-home` },
  };
}

function writeSmallProject(hosts: readonly BedHost[]): string {
  const folder = join(scratch, 'hosts');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const service = {
    image: `${appRegistry}/frontend:v1`,
    expose: ['3000'],
    healthcheck: {
      test: ['CMD', 'curl', '-fsS', '-o', '/dev/null', 'http://127.0.0.1:3000/'],
      interval: '10s',
      start_period: '10s',
      start_interval: '0.3s',
    },
  };
  writeFileSync(join(folder, 'compose.yml'), stringify({ services: { web: service } }));
  const reached = hosts.map((host) => ({ host: host.sshTarget, 'host-key': host.hostKey }));
  const config = {
    app: 'small',
    compose: 'compose.yml',
    services: { web: { port: 3000, health: '/' } },
    edge: { image: standIns.haproxy },
    drain: '1s',
    targets: {
      one: { hosts: reached.slice(many) },
      ten: { hosts: reached.slice(0, many) },
    },
  };
  writeFileSync(join(folder, 'sluice.yml'), stringify(config, { lineWidth: 0 }));
  return folder;
}
