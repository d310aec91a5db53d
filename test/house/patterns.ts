import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, Script } from 'node:vm';
import { type HostileInput, hostileInputs, textOf } from './hostile-inputs.ts';
import { patternsOf } from './scan.ts';

export interface Pattern {
  /** `src/kernel/foreign.ts:12` */
  readonly at: string;
  readonly source: string;
  readonly flags: string;
}

/** All regular expressions of the sources, and the places where one is built of texts. */
export function allPatterns(root: string): { readonly literals: Pattern[]; readonly built: string[] } {
  const literals: Pattern[] = [];
  const built: string[] = [];
  for (const path of globSync('src/**/*.ts', { cwd: root }).sort()) {
    const found = patternsOf(readFileSync(join(root, path), 'utf8'));
    for (const { source, flags, line } of found.literals)
      literals.push({ at: `${path}:${line}`, source, flags });
    for (const line of found.built) built.push(`${path}:${line}`);
  }
  return { literals, built };
}

const context = createContext({});
const work = new Script(
  'texts.reduce((sum, text) => sum + (pattern.global ? text.replace(pattern, "").length : pattern.test(text) ? 1 : 0), 0)',
);

/** @returns ms that the pattern took for the slowest of these texts; at most `limitMs`. */
function cost(pattern: RegExp, texts: readonly string[], limitMs: number): number {
  const begun = performance.now();
  Object.assign(context, { pattern, texts });
  try {
    work.runInContext(context, { timeout: limitMs });
  } catch {
    return limitMs;
  }
  return performance.now() - begun;
}

/** Whether the pattern takes less than `limitMs` for every hostile text of a length. */
export function isCheap({ source, flags }: Pattern, length: number, limitMs: number): boolean {
  const pattern = new RegExp(source, flags);
  return hostileInputs(source, flags).every(
    (input) => cost(pattern, [textOf(input, length)], limitMs) < limitMs,
  );
}

/** For so much a linear pattern takes some microseconds, a quadratic one 30 ms. */
const sieve = 8 * 1024;
const suspiciousMs = 12;
/** So much longer, a linear pattern takes so many times as long; a quadratic one the square of it. */
const growth = 8;

/**
 * The text that a pattern takes longest for, if it takes more than `limitMs` for one of `length` characters. Long ones are made
 * only where the cost of short ones grows faster than their length.
 */
export function hostileTo({ source, flags }: Pattern, length: number, limitMs: number): string | undefined {
  const pattern = new RegExp(source, flags);
  const inputs = hostileInputs(source, flags);
  const short = Math.min(sieve, length);
  const costs = (some: readonly HostileInput[], size: number, limit: number) =>
    cost(
      pattern,
      some.map((input) => textOf(input, size)),
      limit,
    );
  if (costs(inputs, short, 500) < suspiciousMs) return undefined;
  const slow = inputs.find((input) => {
    const first = costs([input], short, 500);
    if (first < suspiciousMs / 2) return false;
    const second = costs([input], short * growth, Math.max(limitMs, 100 * first));
    // Between the two: linear costs grow by 8, quadratic ones by 64.
    if (first < 400 && second < 3 * growth * Math.max(first, 0.5)) return false;
    return costs([input], length, limitMs) >= limitMs;
  });
  return slow === undefined ? undefined : textOf(slow, Math.min(length, 200));
}
