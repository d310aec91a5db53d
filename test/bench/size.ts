import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildVersions } from '../bed/app/versions.ts';
import { type BedHost, upBed } from '../bed/bed.ts';
import { monotonic } from '../bed/load/clock.ts';
import { startLoad } from '../bed/load/start.ts';
import { publish, say, show, spread } from './output.ts';
import { deployVersion, freshProject } from './target.ts';

const program = join(import.meta.dirname, '../../bin/sluice');
const mib = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

/** Memory of the runner and of the edges, and the time of `sluice --help`. */
export async function benchSize(): Promise<void> {
  const help = spread(Array.from({ length: 15 }, helpTime));
  const bed = await upBed({ hosts: 2 });
  const [host] = bed.hosts;
  if (host === undefined) throw new Error('a host is needed');
  try {
    await buildVersions(['v1', 'v2'], say);
    await host.wipe();
    const project = freshProject(bed, 'size', { drain: '1s' });
    const first = await deployVersion(bed, project, 'single', 'v1');
    const idle = await edgeMemory(host);
    const load = startLoad({
      urls: [`http://${host.http.host}:${host.http.port}`],
      rate: 200,
      webSockets: 20,
    });
    const second = await deployVersion(bed, project, 'single', 'v2');
    const busy = await edgeMemory(host);
    await load.stop();
    const runner = Math.max(first.peakMemory, second.peakMemory);
    show(
      ['what', 'value'],
      [
        ['sluice --help', `${help.median.toFixed(0)} ms (${help.min.toFixed(0)}–${help.max.toFixed(0)})`],
        ['runner, peak of two deploys', mib(runner)],
        ...idle.map((edge) => [`edge of ${edge.name}, idle`, mib(edge.bytes)]),
        ...busy.map((edge) => [`edge of ${edge.name}, after a switch under load`, mib(edge.bytes)]),
      ],
    );
    publish('size', { help, runner, idle, busy });
  } finally {
    await host.wipe('bookreader');
    bed.release();
  }
}

function helpTime(): number {
  const began = monotonic();
  spawnSync(process.execPath, [program, '--help'], { stdio: 'ignore' });
  return monotonic() - began;
}

/** Resident memory of all processes of each edge; shared pages are counted for each of them. */
async function edgeMemory(host: BedHost): Promise<{ name: string; bytes: number }[]> {
  const text = await host.must(`set -e
for id in $(docker ps -q --filter label=sluice.edge); do
  name=$(docker inspect -f '{{index .Config.Labels "sluice.service"}}' "$id")
  sum=0
  for pid in $(docker top "$id" -o pid | tail -n +2); do
    sum=$((sum + $(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")))
  done
  echo "$name $sum"
done`);
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [name = '', kilobytes = '0'] = line.split(' ');
      return { name, bytes: Number(kilobytes) * 1024 };
    });
}
