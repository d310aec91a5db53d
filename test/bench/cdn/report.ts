import { availableParallelism } from 'node:os';
import type { RequestCounts } from '../../../src/cdn/model.ts';
import { totalOf } from '../../../src/cdn/report/lines.ts';
import { publish, type Spread, say, seconds, show, spread } from '../output.ts';
import { peerVersions, sluice } from './peers.ts';
import type { Run } from './run.ts';

/** One publication by one contestant. */
export interface Measured extends Omit<Run, 'stdout'> {
  readonly contestant: string;
  readonly scenario: string;
  readonly round: number;
  /** Of the machine over the last minute, before it began. */
  readonly load: number;
  /** What Sluice says of its requests: before, and after. */
  readonly counts: Counts | undefined;
}

interface Counts {
  readonly planned: RequestCounts;
  readonly made: RequestCounts;
  readonly retries: number;
}

interface Row {
  readonly contestant: string;
  readonly time: Spread;
  readonly cpu: number;
  readonly serverCpu: number;
  readonly peakMemory: number;
  readonly requests: RequestCounts;
  readonly wrong: readonly string[];
}

/** Of what `sluice cdn publish --json` printed. */
export function countsOf(stdout: string): Counts {
  const { plan, requests, retries } = JSON.parse(stdout) as {
    plan: { requests: RequestCounts };
    requests: RequestCounts;
    retries: number;
  };
  return { planned: plan.requests, made: requests, retries };
}

export function reportCdn(measured: readonly Measured[], files: number, latency: number): void {
  const versions = peerVersions();
  say(`\n${Object.values(versions).join('; ')}`);
  const loads = spread(measured.map(({ load }) => load));
  say(
    `${files} files, round trip of ${latency} ms more than the loopback's, ${availableParallelism()} cores,`,
  );
  say(
    `load of the machine ${loads.median.toFixed(1)} (${loads.min.toFixed(1)}–${loads.max.toFixed(1)}) before each run`,
  );
  // Who is wrong once is nobody to be measured against, in any of the scenarios.
  const liars = new Set(measured.filter(({ wrong }) => wrong.length > 0).map(({ contestant }) => contestant));
  const scenarios = [...new Set(measured.map(({ scenario }) => scenario))].map((scenario) => {
    const rows = rowsOf(measured.filter((one) => one.scenario === scenario));
    const rivals = rows.filter(({ contestant }) => contestant !== sluice.name && !liars.has(contestant));
    const best = rivals.toSorted((a, b) => a.time.median - b.time.median)[0];
    showScenario(scenario, rows, best);
    return { scenario, best: best?.contestant, rows };
  });
  for (const one of measured) reportCounts(one);
  publish(latency > 0 ? `cdn-${files}-${latency}ms` : `cdn-${files}`, {
    ...{ files, latency, versions, cores: availableParallelism(), loads, scenarios },
  });
}

function rowsOf(measured: readonly Measured[]): Row[] {
  const names = [...new Set(measured.map(({ contestant }) => contestant))];
  return names.flatMap((contestant) => {
    const own = measured.filter((one) => one.contestant === contestant);
    const [first] = own;
    if (first === undefined) return [];
    return {
      contestant,
      time: spread(own.map(({ ms }) => ms)),
      cpu: spread(own.map(({ cpu }) => cpu)).median,
      serverCpu: spread(own.map(({ serverCpu }) => serverCpu)).median,
      peakMemory: Math.max(...own.map(({ peakMemory }) => peakMemory)),
      requests: first.requests,
      wrong: own.find(({ wrong }) => wrong.length > 0)?.wrong ?? [],
    };
  });
}

function showScenario(scenario: string, rows: readonly Row[], best: Row | undefined): void {
  const own = rows.find(({ contestant }) => contestant === sluice.name);
  const brief = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
  show(
    [scenario, 'time', 'sluice takes', 'processor', 'server', 'memory', 'requests', ''],
    rows.map((row) => [
      row.contestant,
      seconds(row.time),
      own === undefined || row === own ? '' : `${(own.time.median / row.time.median).toFixed(3)} x`,
      brief(row.cpu),
      brief(row.serverCpu),
      `${(row.peakMemory / 2 ** 20).toFixed(0)} MiB`,
      String(totalOf(row.requests)),
      row === best ? 'the best of the others' : row.wrong.length > 0 ? `WRONG: ${row.wrong.join(', ')}` : '',
    ]),
  );
}

/** Requests as planned, as Sluice counted them, and as the server did. */
function reportCounts({ scenario, round, counts, requests }: Measured): void {
  if (counts === undefined) return;
  const { planned, made, retries } = counts;
  const names = Object.keys(requests) as (keyof RequestCounts)[];
  const text = (all: RequestCounts) =>
    names.flatMap((name) => (all[name] > 0 ? `${all[name]} ${name.toUpperCase()}` : [])).join(', ');
  const isEqual = names.every((name) => planned[name] === made[name] && made[name] === requests[name]);
  const verdict = isEqual
    ? 'as planned, as counted and as the server counted'
    : `planned ${text(planned)}; counted ${text(made)}, ${retries} again`;
  say(`sluice, round ${round + 1}, ${scenario}: ${text(requests)}: ${verdict}`);
}
