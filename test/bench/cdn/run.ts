import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RequestCounts } from '../../../src/cdn/model.ts';
import { monotonic } from '../../bed/load/clock.ts';
import type { Contestant, Place } from './peers.ts';
import { type BenchServer, cpuOf, keysOf } from './server.ts';

/** What one publication took. Times are ms. */
export interface Run {
  readonly ms: number;
  readonly cpu: number;
  readonly serverCpu: number;
  /** Largest resident memory of the process, in bytes. */
  readonly peakMemory: number;
  /** As the server counted them. */
  readonly requests: RequestCounts;
  readonly stdout: string;
  /** What is wrong in the bucket afterwards; nothing, if it is right. */
  readonly wrong: readonly string[];
}

/**
 * Runs a contestant once and holds the bucket against the folder, byte by byte.
 *
 * @param bucket folder in which the server keeps the bucket's files.
 * @param earlier paths of the release before.
 */
export async function runOnce(
  contestant: Contestant,
  server: BenchServer,
  place: Place,
  bucket: string,
  earlier: ReadonlySet<string>,
): Promise<Run> {
  const { argv, env } = contestant.invocation(place);
  server.requests();
  const serverBefore = server.cpu();
  const process = await timed(argv, env, place.folder);
  const serverCpu = server.cpu() - serverBefore;
  const requests = server.requests();
  const wrong = wrongIn(bucket, join(place.folder, 'dist'), (key) =>
    contestant.retains ? key.startsWith('.sluice/') || earlier.has(key) : false,
  );
  return { ...process, serverCpu, requests, wrong };
}

type Timed = Pick<Run, 'ms' | 'cpu' | 'peakMemory' | 'stdout'>;

async function timed(
  [program, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  cwd: string,
): Promise<Timed> {
  mkdirSync(cwd, { recursive: true });
  const began = monotonic();
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [cpu, peakMemory, stdout, said] = [0, 0, '', ''];
  // The kernel keeps both as long as the process lives; what it does in the last moment before it ends is not seen.
  const timer = setInterval(() => {
    cpu = cpuOf(child.pid) || cpu;
    peakMemory = Math.max(peakMemory, peakOf(child.pid));
  }, 10);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-3000);
  });
  let ms = 0;
  child.once('exit', () => {
    ms = monotonic() - began;
  });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code === 0) return { ms, cpu, peakMemory, stdout };
    throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${stdout.slice(-2000)}\n${said}`);
  } finally {
    clearInterval(timer);
  }
}

function peakOf(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** One sentence for each kind of fault, with how many of it and the first. */
function wrongIn(bucket: string, dist: string, mayStay: (key: string) => boolean): string[] {
  const wanted = keysOf(dist);
  const there = new Set(keysOf(bucket));
  const missing = wanted.filter((key) => !there.has(key));
  const stale = wanted.filter(
    (key) => there.has(key) && !readFileSync(join(bucket, key)).equals(readFileSync(join(dist, key))),
  );
  const names = new Set(wanted);
  const left = [...there].filter((key) => !names.has(key) && !mayStay(key));
  return [
    { keys: missing, what: 'missing' },
    { keys: stale, what: 'with the content of before' },
    { keys: left, what: 'left behind' },
  ]
    .filter(({ keys }) => keys.length > 0)
    .map(({ keys, what }) => `${keys.length} ${what} (${keys[0]})`);
}
