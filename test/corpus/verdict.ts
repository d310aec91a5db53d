import type { Ran, Refusal } from './command.ts';
import type { Mismatch } from './compare.ts';
import { type Expectation, patternOf } from './expectation.ts';

export type Verdict =
  | 'accept'
  | 'refused as expected'
  | 'edit needed'
  | 'refused'
  | 'WRONG IN SILENCE'
  | 'crash';

/** Verdicts that a repository may have. */
export const good: readonly Verdict[] = ['accept', 'refused as expected'];

/** From what happened to one word. What is said of a subject is an edit that a person knows to make. */
export function judge(
  expected: Expectation,
  runs: readonly Ran[],
  found: readonly Mismatch[],
  words: string,
  refusals: readonly Refusal[] = runs.flatMap(({ errors }) => errors),
): { verdict: Verdict; mismatches: Mismatch[] } {
  const mismatches = found.map(
    (each): Mismatch => (words.includes(each.subject) ? { ...each, severity: 'edit' } : each),
  );
  const crashes = runs.filter(({ crashed }) => crashed);
  if (crashes.length > 0) {
    const texts = crashes.map(({ stderr, stdout }) => `${stderr}\n${stdout}`.trim().slice(0, 400));
    return {
      verdict: 'crash',
      mismatches: [
        ...mismatches,
        ...texts.map((text) => ({ subject: 'crash', severity: 'wrong' as const, text })),
      ],
    };
  }
  const { refuses } = expected;
  const isExpected = (each: Refusal) =>
    refuses !== undefined && patternOf(refuses).test(`${each.code} ${each.message}`);
  if (refuses !== undefined && !refusals.some(isExpected)) {
    mismatches.push({ subject: 'refusal', severity: 'wrong', text: `nothing refused ${refuses}` });
  }
  if (mismatches.some(({ severity }) => severity === 'wrong'))
    return { verdict: 'WRONG IN SILENCE', mismatches };
  if (refusals.some((each) => !isExpected(each))) return { verdict: 'refused', mismatches };
  if (mismatches.length > 0) return { verdict: 'edit needed', mismatches };
  return { verdict: refusals.length > 0 ? 'refused as expected' : 'accept', mismatches };
}
