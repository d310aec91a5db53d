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
 * Measured on two cores: 5 to 12 ms, 30 ms once, beside four programs that never wait no more.
 */
const calmMs = 40;
/** Longest start of the web process, times the patience. Measured in the same way: 2.0 to 2.4 s. */
const calmBootMs = 3_000;
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
export function measuredOf(pace: Pace, load: LoadResult): Measured {
  const seconds = (load.at - load.startedAt) / 1000;
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

/** The paces to try on a machine, by the time that the web process took to start; the slowest is always there. */
export function pacesFor(bootMs: number): readonly Pace[] {
  const fit = paces.filter(({ patience }) => bootMs <= calmBootMs * patience);
  return fit.length > 0 ? fit : paces.slice(-1);
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
