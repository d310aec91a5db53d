import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { hostileInputs } from './hostile-inputs.ts';
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
const work =
  'texts.reduce((sum, text) => sum + (pattern.global ? text.replace(pattern, "").length : pattern.test(text) ? 1 : 0), 0)';

/** @returns ms that the pattern took for the slowest of these texts; at most `limitMs`. */
function cost(pattern: RegExp, texts: readonly string[], limitMs: number): number {
  const begun = performance.now();
  Object.assign(context, { pattern, texts });
  try {
    runInContext(work, context, { timeout: limitMs });
  } catch {
    return limitMs;
  }
  return performance.now() - begun;
}

/** A linear pattern takes a hundredth of a millisecond for this much, a quadratic one half a second. */
const sieve = 32 * 1024;

/**
 * The text that a pattern takes longest for, if it takes more than `limitMs` for one of `length` characters. Only patterns that are
 * slow on short texts get long ones.
 */
export function hostileTo({ source, flags }: Pattern, length: number, limitMs: number): string | undefined {
  const pattern = new RegExp(source, flags);
  const short = hostileInputs(source, flags, Math.min(sieve, length));
  if (cost(pattern, short, 60 + 2 * short.length) < 20 + short.length) return undefined;
  const long = length <= sieve ? short : hostileInputs(source, flags, length);
  return long.find(
    (text, index) =>
      cost(pattern, [short[index] ?? ''], 100) > 10 && cost(pattern, [text], limitMs) >= limitMs,
  );
}
