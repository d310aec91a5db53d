import type { CheckResult } from '../model.ts';

/**
 * The checks that did not run for the very reason this one did not, itself among them, in their order: packages that can't be
 * installed stop several, and are told of once.
 */
export function sharingCause(result: CheckResult, all: readonly CheckResult[]): readonly CheckResult[] {
  const { why, output } = result;
  return all.filter(
    (checkResult) =>
      checkResult.status === 'did-not-run' && checkResult.why === why && checkResult.output === output,
  );
}

/** Whether nobody before it in the report had the same reason. */
export function isFirstOfCause(result: CheckResult, all: readonly CheckResult[]): boolean {
  return result.status !== 'did-not-run' || sharingCause(result, all)[0] === result;
}
