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

/** A person who reads of these knows what to edit; that a service is named says nothing of how it is deployed. */
const isSaid = ({ subject }: Mismatch, words: string) =>
  (subject === 'backup' && /backup|back up/i.test(words)) ||
  (subject === 'migrate' && /migrat/i.test(words)) ||
  (/\.ya?ml$/.test(subject) && words.includes(subject));

/**
 * From what happened to one word.
 *
 * @param words what init and the plan point out; a difference that they name is an edit, not a silent fault.
 */
export function judge(
  expected: Expectation,
  runs: readonly Ran[],
  found: readonly Mismatch[],
  words: string,
  refusals: readonly Refusal[] = runs.flatMap(({ errors }) => errors),
): { verdict: Verdict; mismatches: Mismatch[] } {
  const mismatches = found.map(
    (mismatch): Mismatch => (isSaid(mismatch, words) ? { ...mismatch, severity: 'edit' } : mismatch),
  );
  const crashes = runs.filter(({ crashed }) => crashed);
  if (crashes.length > 0) return { verdict: 'crash', mismatches: [...mismatches, ...crashes.map(crashed)] };
  const isExpected = (refusal: Refusal) => isExpectedBy(expected, refusal);
  const others = refusals.filter((refusal) => !isExpected(refusal));
  if (expected.refuses !== undefined && others.length === refusals.length) {
    const text = `nothing refused ${expected.refuses}`;
    mismatches.push({ subject: 'refusal', severity: refusals.length === 0 ? 'wrong' : 'edit', text });
  }
  const isSilent = refusals.length === 0;
  if (isSilent && mismatches.some(({ severity }) => severity === 'wrong')) {
    return { verdict: 'WRONG IN SILENCE', mismatches };
  }
  if (others.length > 0) return { verdict: 'refused', mismatches };
  if (mismatches.length > 0) return { verdict: 'edit needed', mismatches };
  return { verdict: refusals.length > 0 ? 'refused as expected' : 'accept', mismatches };
}

function isExpectedBy({ refuses }: Expectation, { code, message }: Refusal): boolean {
  return refuses !== undefined && patternOf(refuses).test(`${code} ${message}`);
}

function crashed({ stdout, stderr }: Ran): Mismatch {
  return { subject: 'crash', severity: 'wrong', text: `${stderr}\n${stdout}`.trim().slice(0, 400) };
}
