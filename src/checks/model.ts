import type { Place } from '../kernel/errors.ts';

/** Results of checks: plain data that runner, outputs and baseline share. */

export const categories = ['lint', 'test', 'scan'] as const;
export type Category = (typeof categories)[number];

/** From the worst down. */
export const severities = ['critical', 'high', 'medium', 'low', 'info'] as const;
export type Severity = (typeof severities)[number];

/** Effect on the verdict: `fail` blocks, `review` needs a person's decision, `note` does not block. */
export type Level = 'fail' | 'review' | 'note';

/** One problem that a tool or one of Sluice's own rules has found. */
export interface Finding {
  /** `ruff`, `trivy`; `sluice` for its own rules. */
  readonly tool: string;
  /** The tool's name for it: `F401`, `CVE-2026-1234`, `compose/memory-limit`; a test's id for a failed test. */
  readonly rule: string;
  readonly severity: Severity;
  readonly level: Level;
  /** In whole sentences; never contains a secret that was found. */
  readonly message: string;
  /** File from the top of the repository, with forward slashes; line and column count from 1. */
  readonly at?: Place;
  /** Last line, if it spans several. */
  readonly endLine?: number;
  readonly fix?: string;
  /** Page about the rule. */
  readonly docs?: string;
  /**
   * Its subject, where that lasts longer than the text of its line: `npm:lodash`, a service, a variable, a test. Findings
   * with a subject keep their fingerprint when the line's text changes.
   */
  readonly subject?: string;
}

/** `did-not-run` is never a pass; `skipped` is set in sluice.yml, with its reason. */
export type CheckStatus = 'pass' | 'fail' | 'review' | 'did-not-run' | 'skipped';

export interface TestCase {
  /** Suite and name, as the runner prints it. */
  readonly name: string;
  readonly file?: string;
  readonly seconds: number;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Failed first, and passed on a retry. */
  readonly flaky?: boolean;
}

export interface TestTotals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly flaky: number;
  readonly seconds: number;
  /** The slowest first, at most ten. */
  readonly slowest: readonly TestCase[];
  readonly flakyTests: readonly string[];
}

/** Which lines of a file the tests ran; lines that hold no code are in neither list. */
export interface FileCoverage {
  /** From the top of the repository. */
  readonly file: string;
  readonly covered: readonly number[];
  readonly missed: readonly number[];
}

/** The outcome of one check. */
export type CheckOutput =
  | {
      readonly ran: true;
      readonly findings: readonly Finding[];
      /** `0.17.5`, where the tool reports it. */
      readonly version?: string;
      /** A few words beside the verdict: `214 files`, `1,204 tests`. */
      readonly summary?: string;
      readonly tests?: TestTotals;
      readonly coverage?: readonly FileCoverage[];
    }
  /** No trustworthy result: the tool is missing, crashed, wrote broken output or an undocumented exit code. */
  | { readonly ran: false; readonly why: string; readonly fix?: string; readonly output?: string };

/** The facts of a planned check that reports need. */
export interface CheckFacts {
  readonly id: string;
  readonly tool: string;
  readonly category: Category;
  readonly folder: string;
  readonly why: string;
  readonly command: string;
}

/** The runner's result for each planned check, in the order of the plan. */
export interface RawResult {
  readonly check: CheckFacts;
  /** undefined: not run because sluice.yml skips it, for this reason. */
  readonly output: CheckOutput | undefined;
  readonly skipReason?: string;
  readonly seconds: number;
}

/** A finding after comparison with the baseline and with the change. */
export interface JudgedFinding extends Finding {
  /** The same for the same finding in every run, wherever its lines have moved to: 16 hex digits, unique in a report. */
  readonly fingerprint: string;
  /** Other tools that found the same; their findings are merged into this one. */
  readonly also: readonly string[];
  /** Whether the change touches its line; undefined if the change is unknown. */
  readonly inChange?: boolean;
  /** The baseline accepts it: why, and until when (a date, 2027-01-31). It then has no effect on the verdict. */
  readonly accepted?: { readonly reason: string; readonly until?: string };
  /** The text of its line; never set for secrets. */
  readonly code?: string;
}

export interface CheckResult {
  readonly check: CheckFacts;
  readonly status: CheckStatus;
  /** For `did-not-run` and `skipped`: why. */
  readonly why?: string;
  readonly fix?: string;
  /** The last lines of a tool that did not run. */
  readonly output?: string;
  /** The worst and nearest first: by level, whether in the change, by severity, by place. */
  readonly findings: readonly JudgedFinding[];
  readonly seconds: number;
  readonly version?: string;
  readonly summary?: string;
  readonly tests?: TestTotals;
}

export type Verdict = Exclude<CheckStatus, 'skipped'>;

export interface CoverageReport {
  /** Shares from 0 to 1; undefined without any line. */
  readonly total: number | undefined;
  readonly changed: number | undefined;
  /** Lines of code in all, and of them in the change. */
  readonly lines: number;
  readonly changedLines: number;
  /** Lines of the change that no test runs, by file. */
  readonly missedInChange: Readonly<Record<string, readonly number[]>>;
}

/** One verdict over everything. Exit codes: pass 0, fail 1, review 3, did-not-run 4. */
export interface ChecksReport {
  readonly verdict: Verdict;
  readonly results: readonly CheckResult[];
  readonly coverage?: CoverageReport;
  /** Commit the change is compared with. */
  readonly base?: string;
  readonly seconds: number;
  /** Entries of the baseline that have expired, or that no longer match. */
  readonly baseline: {
    readonly file: string;
    readonly accepted: number;
    readonly expired: number;
    readonly unused: number;
    /** Fingerprints of the unused ones. */
    readonly unusedEntries: readonly string[];
  };
  /** Categories of which only some checks were selected. */
  readonly partial: readonly Category[];
  /** Sentences about the run itself: unknown names in sluice.yml, an unknown change. */
  readonly notes: readonly string[];
}

/** The lines that a change adds or alters, by file from the top of the repository. */
export interface ChangedLines {
  /** The commit it is compared with. */
  readonly base: string;
  readonly files: ReadonlyMap<string, ReadonlySet<number>>;
}
