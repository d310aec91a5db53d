import type { Place } from '../kernel/errors.ts';

/** What the checks say: plain data that runner, outputs and baseline share. */

export const categories = ['lint', 'test', 'scan'] as const;
export type Category = (typeof categories)[number];

/** From the worst down. */
export const severities = ['critical', 'high', 'medium', 'low', 'info'] as const;
export type Severity = (typeof severities)[number];

/** What a finding means for the verdict: `fail` blocks, `review` asks for a person's decision, `note` blocks nothing. */
export type Level = 'fail' | 'review' | 'note';

/** One thing that a tool, or a rule of ours, has found. */
export interface Finding {
  /** `ruff`, `trivy`; `sluice` for our own rules. */
  readonly tool: string;
  /** The tool's name for it: `F401`, `CVE-2026-1234`, `compose/memory-limit`; a test's id for a failed test. */
  readonly rule: string;
  readonly severity: Severity;
  readonly level: Level;
  /** In whole sentences; never holds a secret that was found. */
  readonly message: string;
  /** File from the top of the repository, with forward slashes; line and column count from 1. */
  readonly at?: Place;
  /** Last line of it, when it has several. */
  readonly endLine?: number;
  /** What to do about it. */
  readonly fix?: string;
  /** Page about the rule. */
  readonly docs?: string;
  /**
   * What it is about, where that is more lasting than the text of its line: `npm:lodash`, a service, a variable, a test.
   * Findings with a subject keep their fingerprint when the line's text changes.
   */
  readonly subject?: string;
}

/** `did-not-run` is never a pass; `skipped` is named in sluice.yml, with its reason. */
export type CheckStatus = 'pass' | 'fail' | 'review' | 'did-not-run' | 'skipped';

export interface TestCase {
  /** Suite and name, as the runner prints it. */
  readonly name: string;
  readonly file?: string;
  readonly seconds: number;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Failed first, and passed when it was run again. */
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

/** What one check brings home. */
export type CheckOutput =
  | {
      readonly ran: true;
      readonly findings: readonly Finding[];
      /** `0.17.5`, where the tool says so. */
      readonly version?: string;
      /** A few words beside the verdict: `214 files`, `1,204 tests`. */
      readonly summary?: string;
      readonly tests?: TestTotals;
      readonly coverage?: readonly FileCoverage[];
    }
  /** The tool said nothing that can be trusted: missing, crashed, broken output, an exit code it does not document. */
  | { readonly ran: false; readonly why: string; readonly fix?: string; readonly output?: string };

/** A check as it was planned, for reports: what remains of it when it has run. */
export interface CheckFacts {
  readonly id: string;
  readonly tool: string;
  readonly category: Category;
  readonly folder: string;
  readonly why: string;
  readonly command: string;
}

/** What the runner hands over for each planned check, in the order of the plan. */
export interface RawResult {
  readonly check: CheckFacts;
  /** undefined: not run because sluice.yml skips it, for this reason. */
  readonly output: CheckOutput | undefined;
  readonly skipReason?: string;
  readonly seconds: number;
}

/** A finding once it is compared with the baseline and with the change. */
export interface JudgedFinding extends Finding {
  /** The same for the same finding in every run, wherever its lines have moved to: 16 hex digits, unique in a report. */
  readonly fingerprint: string;
  /** Other tools that found the same; their findings are merged into this one. */
  readonly also: readonly string[];
  /** Whether the change touches its line; undefined when that is not known. */
  readonly inChange?: boolean;
  /** The baseline accepts it: why, and until when (a date, 2027-01-31). It weighs nothing then. */
  readonly accepted?: { readonly reason: string; readonly until?: string };
  /** The line of the file that it is about; never given for secrets. */
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
  /** The worst and nearest first: what fails, in the change, by severity, by place. */
  readonly findings: readonly JudgedFinding[];
  readonly seconds: number;
  readonly version?: string;
  readonly summary?: string;
  readonly tests?: TestTotals;
}

export type Verdict = Exclude<CheckStatus, 'skipped'>;

export interface CoverageReport {
  /** Shares from 0 to 1; undefined when there are no such lines. */
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
  /** Entries of the baseline that have expired, or that nothing matches any more. */
  readonly baseline: {
    readonly file: string;
    readonly accepted: number;
    readonly expired: number;
    readonly unused: number;
    /** Fingerprints of the unused ones. */
    readonly unusedEntries: readonly string[];
  };
  /** Categories of which only some checks were asked for. */
  readonly partial: readonly Category[];
  /** Sentences about the run itself: names in sluice.yml that are no check, a change that is not known. */
  readonly notes: readonly string[];
}
