import type { FailureGroup, LoadResult } from '../load/model.ts';
import type { Promised, Stage, StageLoad } from './model.ts';

/** Longest time that clients may get answers of a release that answers only errors. */
const sickLimitMs = 300;
/** Clocks are read on both sides of a pipe. */
const toleranceMs = 100;

/** What happened between two moments of the load. */
export function stageLoad(stage: Pick<Stage, 'before' | 'after' | 'sick'>): StageLoad {
  const { before, after, sick } = stage;
  if (before === undefined || after === undefined) {
    return { requests: 0, failures: [], failed: 0, sickAnswers: 0, sickMs: 0 };
  }
  const fresh = after.failures.flatMap((group) => newFailures(group, before));
  const isSick = (group: FailureGroup) =>
    sick !== undefined && group.version === sick && group.kind === '5xx';
  const failures = fresh.filter((group) => !isSick(group));
  const sickGroups = fresh.filter(isSick);
  const count = (groups: readonly FailureGroup[]) => groups.reduce((sum, group) => sum + group.count, 0);
  const first = Math.min(...sickGroups.map((group) => group.firstAt));
  const last = Math.max(...sickGroups.map((group) => group.lastAt));
  return {
    requests: after.requests - before.requests,
    failures,
    failed: count(failures),
    sickAnswers: count(sickGroups),
    sickMs: sickGroups.length === 0 ? 0 : last - first,
  };
}

function newFailures(group: FailureGroup, before: LoadResult): FailureGroup[] {
  const same = before.failures.find(
    (each) => each.client === group.client && each.kind === group.kind && each.version === group.version,
  );
  const count = group.count - (same?.count ?? 0);
  return count === 0 ? [] : [{ ...group, count }];
}

/** What every stage under load promises: nobody but a sick release made a request fail. */
export function judgeLoad(stage: Stage): Promised[] {
  if (stage.after === undefined) return [];
  const { requests, failed, failures, sickAnswers, sickMs } = stageLoad(stage);
  const kinds = failures.map((each) => `${each.count} × ${each.kind} (${each.client})`).join(', ');
  const promised: Promised[] = [
    {
      promise: 'no request failed',
      held: failed === 0,
      detail: `${failed} of ${requests}${kinds && `: ${kinds}`}`,
    },
  ];
  if (stage.sick !== undefined) {
    promised.push({
      promise: `clients got answers of the sick release for at most ${sickLimitMs / 1000} s`,
      held: sickAnswers > 0 && sickMs <= sickLimitMs,
      detail: `${sickAnswers} answers over ${Math.round(sickMs)} ms`,
    });
  }
  return promised;
}

export function judgeServing(stage: Stage): Promised {
  const seen = [...new Set(stage.served)];
  return {
    promise: `${stage.serves} serves on all hosts`,
    held: seen.length === 1 && seen[0] === stage.serves,
    detail: seen.join(', ') || 'nothing',
  };
}

/** A backup counts when its restore was compared. */
export function judgeBackup(stage: Pick<Stage, 'run'>): Promised {
  const backup = stage.run.report?.backup;
  const test = backup?.restoreTest;
  return {
    promise: 'the backup is proven by a restore',
    held: test?.ok === true,
    detail: test === undefined ? 'no backup' : `${test.tables} tables, ${test.rows} rows`,
  };
}

/** Each acknowledged POST is a row, and there is no other row. */
export function judgeRows(load: LoadResult, rowsBefore: number, rowsAfter: number): Promised {
  const rows = rowsAfter - rowsBefore;
  return {
    promise: 'every acknowledged POST is a row, and no row is there twice',
    held: rows === load.acknowledged,
    detail: `${load.acknowledged} acknowledged, ${rows} rows`,
  };
}

/** When a release lost its place to another, on the monotonic clock. */
export interface Replaced {
  readonly version: string;
  readonly at: number;
}

/** A WebSocket may be cut only when its release was replaced and its time to drain is over. */
export function judgeWebSockets(load: LoadResult, replaced: readonly Replaced[], drainMs: number): Promised {
  const { cuts, opened, ticks } = load.webSockets;
  const early = cuts.filter((cut) => {
    const ends = replaced
      .filter((each) => each.version === cut.version && each.at <= cut.at)
      .map((each) => each.at + drainMs - toleranceMs);
    return !ends.some((end) => cut.at >= end);
  });
  return {
    promise: 'no WebSocket was cut before its time to drain was over',
    held: early.length === 0,
    detail: `${opened} opened, ${ticks} ticks, ${early.length} cut early, ${cuts.length - early.length} closed after the drain`,
  };
}
