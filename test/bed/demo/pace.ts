import type { LoadResult } from '../load/model.ts';

/** How hard the demo drives a machine, and how much longer than on a calm one it waits for it. */
export interface Pace {
  /** Requests per second, over both servers. */
  readonly rate: number;
  /** Factor of every time that a release or a runner is given. */
  readonly patience: number;
}

/**
 * From a calm machine down to a busy one. Machine, servers and clients share a few cores: above the first rate, the
 * demo shows how a full CPU behaves.
 */
export const paces: readonly Pace[] = [
  { rate: 120, patience: 1 },
  { rate: 80, patience: 2 },
  { rate: 50, patience: 3 },
  { rate: 30, patience: 4 },
];

/**
 * A machine that lets 1 of 100 requests wait longer than this, times the patience, has no room for a deploy beside them.
 * Measured: about 15 ms where nothing else runs, 65 to 80 ms where other programs keep both cores busy.
 */
const calmMs = 50;
/** Clients wait for an answer before they ask again: a machine that falls behind is asked less often than wanted. */
const calmShare = 0.9;

/** What the clients got at a pace, without Sluice. */
export interface Measured {
  readonly pace: Pace;
  readonly requests: number;
  readonly failed: number;
  /** Share of the wanted rate that the machine kept up with. */
  readonly share: number;
  readonly p99Ms: number;
  readonly longestGapMs: number;
}

/** The numbers of one control run. Only quick requests count for the rate; any failure counts. */
export function measuredOf(pace: Pace, load: LoadResult, seconds: number): Measured {
  const quick = [load.clients['keep-alive'], load.clients.fresh];
  const requests = quick.reduce((sum, client) => sum + client.requests, 0);
  return {
    pace,
    requests: load.requests,
    failed: load.failed + load.webSockets.cuts.length,
    share: requests / (pace.rate * seconds),
    p99Ms: Math.max(...quick.map((client) => client.p99Ms)),
    longestGapMs: Math.max(...quick.map((client) => client.longestGapMs)),
  };
}

/** Whether the machine keeps this pace with room to spare. */
export function isKept({ pace, failed, share, p99Ms }: Measured): boolean {
  return failed === 0 && share >= calmShare && p99Ms <= calmMs * pace.patience;
}

/** `470 requests at 120/s, 0 failed, 1 of 100 waited longer than 14 ms, longest gap 120 ms` */
export function measuredText({ pace, requests, failed, p99Ms, longestGapMs, share }: Measured): string {
  const kept = share >= calmShare ? '' : `, ${Math.round(share * 100)}% of that rate reached`;
  return `${requests} requests at ${pace.rate}/s${kept}, ${failed} failed, 1 of 100 took longer than ${Math.round(p99Ms)} ms, longest gap ${Math.round(longestGapMs)} ms`;
}
