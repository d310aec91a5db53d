import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { table } from '../bed/demo/table.ts';

const folder = join(import.meta.dirname, '../../build/bench');

/** Figures as a table on stdout and as JSON in build/bench. Nothing here judges them: the bars are in the issue. */
export function publish(name: string, figures: object): void {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.json`);
  writeFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), ...figures }, undefined, 2)}\n`);
  console.log(`\nwritten to build/bench/${name}.json`);
}

export function show(head: readonly string[], rows: readonly (readonly string[])[]): void {
  console.log(`\n${table(head, rows)}`);
}

export function say(text: string): void {
  console.log(text);
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly all: readonly number[];
}

export function spread(numbers: readonly number[]): Spread {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
  return { median, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN, all: numbers };
}

/** `4.1 s (3.0–4.5)` */
export function seconds({ median, min, max }: Spread): string {
  const text = (ms: number) => (ms / 1000).toFixed(2);
  return `${text(median)} s (${text(min)}–${text(max)})`;
}
