import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { say } from '../output.ts';
import { type Contestant, others, sluice } from './peers.ts';
import { countsOf, type Measured, reportCdn } from './report.ts';
import { runOnce } from './run.ts';
import { type BenchServer, keysOf, startBenchServer } from './server.ts';
import { type Revision, writeSite } from './site.ts';

/** In this order, each on the bucket that the one before left. */
const scenarios: readonly { readonly name: string; readonly revision: Revision }[] = [
  { name: 'first upload', revision: 0 },
  { name: 'nothing changed', revision: 0 },
  { name: '1% changed', revision: 1 },
];

export interface CdnBenchOptions {
  readonly rounds: number;
  readonly files: number;
  /** Of a round trip to the store, ms. */
  readonly latency: number;
  /** Parts of names; none: all. */
  readonly only: readonly string[];
}

/**
 * `sluice cdn publish` beside what others publish a site with: the same server, a new bucket for each, every file as
 * fresh as after a checkout and a build, the order turned from round to round.
 */
export async function benchCdn({ rounds, files, latency, only }: CdnBenchOptions): Promise<void> {
  execFileSync(join(import.meta.dirname, '../../../scripts/setup'), ['cdn-peers'], { stdio: 'inherit' });
  const contestants = [sluice, ...others].filter(
    ({ name }) => only.length === 0 || only.some((part) => name.includes(part)),
  );
  const server = await startBenchServer(latency);
  const measured: Measured[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const turn = round % contestants.length;
      for (const contestant of [...contestants.slice(turn), ...contestants.slice(0, turn)]) {
        if (isFarBehind(contestant, measured)) continue;
        measured.push(...(await publishAll(contestant, server, files, round)));
      }
      say(`round ${round + 1} of ${rounds}`);
    }
  } finally {
    await server.stop();
  }
  reportCdn(measured, files, latency);
}

/** Over four times the time of the quickest: nobody is measured against it, and one round tells enough. */
function isFarBehind({ name }: Contestant, measured: readonly Measured[]): boolean {
  const totals = new Map<string, number>();
  for (const { contestant, ms, round } of measured) {
    if (round === 0) totals.set(contestant, (totals.get(contestant) ?? 0) + ms);
  }
  return (totals.get(name) ?? 0) > 4 * Math.min(...totals.values());
}

async function publishAll(
  contestant: Contestant,
  server: BenchServer,
  files: number,
  round: number,
): Promise<Measured[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-cdn-'));
  const bucket = `bench-${round}-${contestant.name.replace(/[^a-z0-9]+/g, '-')}`
    .slice(0, 60)
    .replace(/-$/, '');
  const stored = await server.makeBucket(bucket);
  const dist = join(folder, 'dist');
  const measured: Measured[] = [];
  try {
    let earlier = new Set<string>();
    for (const { name, revision } of scenarios) {
      writeSite(dist, files, revision);
      // What has just been written goes to the disk now, not while somebody is measured.
      execFileSync('sync');
      const load = loadavg()[0] ?? 0;
      const { stdout, ...run } = await runOnce(
        contestant,
        server,
        { ...server, bucket, folder },
        stored,
        earlier,
      );
      earlier = new Set(keysOf(dist));
      const counts = contestant === sluice ? countsOf(stdout) : undefined;
      measured.push({ ...run, contestant: contestant.name, scenario: name, round, load, counts });
      say(
        `${contestant.name}: ${name}: ${(run.ms / 1000).toFixed(2)} s${run.wrong.map((what) => `, WRONG: ${what}`).join('')}`,
      );
    }
    return measured;
  } finally {
    server.removeBucket(bucket);
    rmSync(folder, { recursive: true, force: true });
  }
}
