import type { FailureGroup, LoadResult } from '../load/model.ts';
import type { CliRun } from './cli.ts';

/** Something that had to hold. */
export interface Promised {
  readonly promise: string;
  readonly held: boolean;
  /** The figures behind it. */
  readonly detail: string;
}

/** One act of the demo: one run of the CLI, and what the clients saw meanwhile. */
export interface Stage {
  readonly name: string;
  readonly title: string;
  readonly run: CliRun;
  /** The clients' numbers when it began and when it ended; absent while there was no load. */
  readonly before?: LoadResult;
  readonly after?: LoadResult;
  /** Version whose failed answers are the point of the act. */
  readonly sick?: string;
  /** Errors on one host at which its guard takes a release out. */
  readonly limit?: number;
  /** Release that has to serve afterwards, on all hosts. */
  readonly serves: string;
  /** Versions that answered at the end, as the load saw them host by host. */
  readonly served: readonly string[];
  /** From the moment things went wrong to the last answer of the bad release. */
  readonly revertMs?: number;
  readonly promised: readonly Promised[];
  /** The machine had no time for a good release to start: the act was played again, and this counts for what was lost. */
  readonly spoiled?: true;
}

/** What a stage adds to the clients' numbers. */
export interface StageLoad {
  readonly requests: number;
  /** Without the answers of a release that is sick on purpose. */
  readonly failures: readonly FailureGroup[];
  readonly failed: number;
  readonly sickAnswers: number;
  /** From the first failed answer of the sick release to the last. */
  readonly sickMs: number;
}
