import { exitCodes as codes } from '../../kernel/run.ts';
import {
  type CheckFacts,
  type CheckResult,
  type CheckStatus,
  type ChecksReport,
  type CoverageReport,
  categories,
  type Level,
  type RawResult,
  type Verdict,
} from '../model.ts';
import { isInForce } from './baseline.ts';
import {
  type FindingsContext,
  isSecretScanner,
  type Judged,
  judgeFindings,
  worstFirst,
} from './judge-findings.ts';
import { unknownNames } from './notes.ts';

export interface JudgeContext extends FindingsContext {
  /** Duration of the run. */
  readonly seconds: number;
  readonly coverage?: CoverageReport;
  /** All checks of the repository, if only some were selected: sluice.yml may name any. */
  readonly planned?: readonly CheckFacts[];
  /** Ids of Sluice's own rules. */
  readonly rules?: readonly string[];
  /** Sentences about the run for the report, such as why the change is unknown. */
  readonly notes?: readonly string[];
}

export const exitCodes: Readonly<Record<Verdict, number>> = {
  pass: codes.ok,
  fail: codes.failed,
  review: codes.review,
  'did-not-run': codes.notRun,
};

/**
 * Makes one verdict of the results of all checks: equal findings are merged, those that sluice.yml ignores or the baseline
 * accepts have no effect, and a check that did not run without a reason in sluice.yml never passes.
 */
export function judge(raw: readonly RawResult[], context: JudgeContext): ChecksReport {
  const found = raw.flatMap(({ output }, check) =>
    output?.ran ? output.findings.map((finding) => ({ check, finding })) : [],
  );
  const judged = judgeFindings(found, context);
  const results = raw.map((result, index) => resultOf(result, index, judged));
  const asked = new Set(raw.map(({ check }) => check.id));
  const notAsked = (context.planned ?? []).filter(({ id }) => !asked.has(id));
  return {
    verdict: overall(results),
    results,
    ...(context.coverage && { coverage: context.coverage }),
    ...(context.changed && { base: context.changed.base }),
    seconds: context.seconds,
    baseline: useOf(context, raw, notAsked, judged),
    partial: categories.filter((category) => notAsked.some((check) => check.category === category)),
    notes: [...(context.notes ?? []), ...unknownNames(raw, context)],
  };
}

function resultOf(
  { check, output, skipReason, seconds }: RawResult,
  index: number,
  judged: readonly Judged[],
): CheckResult {
  const none = { check, findings: [], seconds };
  if (output === undefined) {
    if (skipReason !== undefined) return { ...none, status: 'skipped', why: skipReason };
    return { ...none, status: 'did-not-run', why: 'it was not started, and sluice.yml does not skip it' };
  }
  if (!output.ran) {
    const { ran: _, ...reasons } = output;
    return { ...none, status: 'did-not-run', ...reasons };
  }
  const { version, summary, tests } = output;
  if (tests !== undefined && tests.skipped > 0 && tests.passed + tests.failed === 0) {
    const why = `all of its tests were skipped (${tests.skipped})`;
    return { ...none, status: 'did-not-run', why, tests };
  }
  const mine = judged.filter(({ levels }) => levels.has(index));
  const counting = mine.filter(({ finding }) => finding.accepted === undefined);
  return {
    check,
    status: statusOf(counting.flatMap(({ levels }) => levels.get(index) ?? [])),
    findings: mine
      .filter((one) => one.check === index)
      .map(({ finding }) => finding)
      .sort(worstFirst),
    seconds,
    ...(version !== undefined && { version }),
    ...(summary !== undefined && { summary }),
    ...(tests && { tests }),
  };
}

function statusOf(levels: readonly Level[]): CheckStatus {
  if (levels.includes('fail')) return 'fail';
  return levels.includes('review') ? 'review' : 'pass';
}

/** A repository without any check has not been checked. */
function overall(results: readonly CheckResult[]): Verdict {
  if (results.length === 0) return 'did-not-run';
  const statuses = new Set(results.map(({ status }) => status));
  return (['fail', 'did-not-run', 'review'] as const).find((status) => statuses.has(status)) ?? 'pass';
}

/** An entry is unused if all checks of its tool ran without a match; a secret scanner may have scanned only the change. */
function useOf(
  { baseline, settings, now }: JudgeContext,
  raw: readonly RawResult[],
  notAsked: readonly CheckFacts[],
  judged: readonly Judged[],
): ChecksReport['baseline'] {
  const seen = new Set(judged.map(({ finding }) => finding.fingerprint));
  const silent = raw.filter(({ output }) => !output?.ran).map(({ check }) => check);
  const missing = new Set([...silent, ...notAsked].map(({ tool }) => tool));
  const ran = new Set(raw.map(({ check }) => check.tool).filter((tool) => !missing.has(tool)));
  const unused = baseline.entries.filter(({ fingerprint, tool }) => {
    if (isSecretScanner(tool) && !settings.scan.history) return false;
    return ran.has(tool) && !seen.has(fingerprint);
  });
  return {
    file: baseline.file,
    accepted: baseline.entries.filter((entry) => seen.has(entry.fingerprint) && isInForce(entry, now)).length,
    expired: baseline.entries.filter((entry) => !isInForce(entry, now)).length,
    unused: unused.length,
    unusedEntries: unused.map(({ fingerprint }) => fingerprint),
  };
}
