import { type DeployReport, durationOf } from '../model.ts';

/** Positions on the time axis as percentages, so that a drawing stretches while its text keeps its size. */
export interface Scale {
  readonly totalMs: number;
  readonly at: (ms: number) => string;
  readonly width: (ms: number) => string;
}

export function scaleOf(report: DeployReport): Scale {
  const ends = report.events.map((event) => event.at);
  const totalMs = Math.max(1, durationOf(report), ...ends.filter(Number.isFinite));
  const percent = (ms: number) =>
    `${Number(((100 * Math.min(Math.max(ms, 0), totalMs)) / totalMs).toFixed(3))}%`;
  return { totalMs, at: percent, width: percent };
}

/** Four to eight round marks of the axis, in ms. */
export function ticks(totalMs: number): number[] {
  const step =
    roundSteps.find((roundStep) => totalMs / roundStep <= 7) ??
    Math.ceil(totalMs / 7 / 3_600_000) * 3_600_000;
  return Array.from({ length: Math.floor(totalMs / step) + 1 }, (_, index) => index * step);
}

const second = 1000;
const minute = 60 * second;
const roundSteps = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((count) => count * second),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * minute),
];

/** `0`, `0.2 s`, `15 s`, `2 m`, `2 m 30 s` */
export function tickLabel(ms: number): string {
  if (ms === 0) return '0';
  if (ms < minute) return `${ms / second} s`;
  const rest = (ms % minute) / second;
  return rest === 0 ? `${ms / minute} m` : `${Math.floor(ms / minute)} m ${rest} s`;
}
