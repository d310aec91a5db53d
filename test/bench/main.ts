import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { benchBuild } from './build.ts';
import { benchCdn } from './cdn/cdn.ts';
import { benchChecks } from './checks.ts';
import { benchDeploy, deployParts } from './deploy/deploy.ts';
import { benchHosts } from './deploy/hosts.ts';
import { benchTransport } from './deploy/transport.ts';
import { benchEdge } from './edge/edge.ts';
import { benchReuse } from './edge/reuse.ts';
import { benchSwitch } from './edge/switch.ts';
import { benchSize } from './size.ts';
import { benchStart } from './start.ts';

const usage = `Benchmarks on the test bed. Each prints a table and writes build/bench/NAME.json; none of them judges.

  node test/bench/main.ts switch [REQUESTS [RATE]]   60 switches under load, beside a run without (300000, 350/s)
  node test/bench/main.ts edge [ROUNDS [SECONDS]]    requests/s and memory of the edge beside nginx and HAProxy (3, 5 s)
  node test/bench/main.ts reuse [REQUESTS]           replicas that close idle connections all the time, switches (1000000)
  node test/bench/main.ts build [ROUNDS]             sluice build beside buildx bake, warm and cold (5)
  node test/bench/main.ts cdn [ROUNDS [FILES [LATENCY [NAME,…]]]]
                                                     sluice cdn publish beside aws-cli, rclone and s5cmd (3, 10000, 0 ms, all)
  node test/bench/main.ts checks [ROUNDS]            sluice check beside its tools one by one and job by job (3)
  node test/bench/main.ts deploy [ROUNDS [PART]]     time of a deploy beside compose, a blue-green script and Kamal (6; PART: scripts or
                                                     kamal alone)
  node test/bench/main.ts hosts [ROUNDS]             ten hosts beside one (5)
  node test/bench/main.ts transport [ROUNDS]         images over SSH without a registry, beside a pipe and a push (5)
  node test/bench/main.ts size                       memory of runner and edges, time of --help
  node test/bench/main.ts start [ROUNDS]             size of the actions' bundle, time to their first line (15)`;

/** Measured is what users run: the bundle, and that of these very sources. */
function buildBundle(): void {
  execFileSync(process.execPath, [join(import.meta.dirname, '../../scripts/build.ts')], { stdio: 'ignore' });
}

async function main([name, count, more, ...rest]: string[]): Promise<number> {
  const part = deployParts.find((deployPart) => deployPart === more);
  const number = (fallback: number) => (count === undefined ? fallback : Number(count));
  if (['cdn', 'checks', 'deploy', 'switch', 'hosts', 'size', 'start'].includes(name ?? '')) buildBundle();
  switch (name) {
    case 'build':
      await benchBuild(number(5));
      return 0;
    case 'cdn':
      await benchCdn({
        rounds: number(3),
        files: Number(more ?? 10_000),
        latency: Number(rest[0] ?? 0),
        only: rest[1]?.split(',') ?? [],
      });
      return 0;
    case 'checks':
      await benchChecks(number(3));
      return 0;
    case 'edge':
      await benchEdge(number(3), Number(more ?? 5));
      return 0;
    case 'reuse':
      await benchReuse(number(1_000_000));
      return 0;
    case 'deploy':
      if (more !== undefined && part === undefined) break;
      await benchDeploy(number(6), part);
      return 0;
    case 'switch':
      await benchSwitch(number(300_000), Number(more ?? 350));
      return 0;
    case 'hosts':
      await benchHosts(number(5));
      return 0;
    case 'transport':
      await benchTransport(number(5));
      return 0;
    case 'start':
      await benchStart(number(15));
      return 0;
    case 'size':
      await benchSize();
      return 0;
  }
  console.error(usage);
  return 2;
}

process.exitCode = await main(process.argv.slice(2));
