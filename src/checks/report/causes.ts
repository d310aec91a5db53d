import type { CheckResult } from '../model.ts';

/**
 * The checks that did not run for the same reason as this one, itself included, in their order: a failed install of packages
 * stops several checks and is reported once.
 */
export function sharingCause(result: CheckResult, all: readonly CheckResult[]): readonly CheckResult[] {
  const { why, output } = result;
  return all.filter(
    (checkResult) =>
      checkResult.status === 'did-not-run' && checkResult.why === why && checkResult.output === output,
  );
}

/** Whether it is the first check of the report with its reason. */
export function isFirstOfCause(result: CheckResult, all: readonly CheckResult[]): boolean {
  return result.status !== 'did-not-run' || sharingCause(result, all)[0] === result;
}
