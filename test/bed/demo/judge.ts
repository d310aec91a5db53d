import type { FailureGroup, LoadResult } from '../load/model.ts';
import type { Act } from './acts.ts';
import type { CliRun } from './cli.ts';
import type { Promised, Stage, StageLoad } from './model.ts';

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

function count(groups: readonly FailureGroup[]): number {
  return groups.reduce((sum, group) => sum + group.count, 0);
}

function newFailures(group: FailureGroup, before: LoadResult): FailureGroup[] {
  const same = before.failures.find(
    (failure) =>
      failure.client === group.client && failure.kind === group.kind && failure.version === group.version,
  );
  const added = group.count - (same?.count ?? 0);
  return added === 0 ? [] : [{ ...group, count: added }];
}

/**
 * What every stage under load promises: nobody but a sick release made a request fail. What was lost on the way is
 * told apart from what the application itself answered, for one is a fault of Sluice and the other may not be.
 *
 * @param isBusy other programs keep the machine: an application that waits for its turn answers 503 by itself, without
 *   any deploy, and nothing is promised of that.
 */
export function judgeLoad(stage: Stage, isBusy = false): Promised[] {
  if (stage.after === undefined) return [];
  const { requests, failures } = stageLoad(stage);
  const own = failures.filter(isOwnAnswer);
  const lost = failures.filter((group) => !isOwnAnswer(group));
  const figures = (groups: readonly FailureGroup[]) => {
    const kinds = groups.map(
      ({ count, kind, client, version }) =>
        `${count} × ${kind}${version ? ` of ${version}` : ''} (${client})`,
    );
    return `${count(groups)} of ${requests}${kinds.length === 0 ? '' : `: ${kinds.join(', ')}`}`;
  };
  return [
    {
      promise: 'no request was lost between client and application',
      held: lost.length === 0,
      detail: figures(lost),
    },
    {
      promise: `no ${stage.sick === undefined ? '' : 'other '}release answered with an error of its own`,
      held: own.length === 0 || isBusy,
      detail: `${figures(own)}${own.length > 0 && isBusy ? ' (not judged: this machine is busy)' : ''}`,
    },
    ...(stage.sick === undefined ? [] : judgeSick(stage, stage.sick)),
  ];
}

/** A release that starts well was given up for its health: nothing of it had to do with Sluice. */
export function isSpoiled(
  { outcome, killAt, unseen }: Pick<Act, 'outcome' | 'killAt' | 'unseen'>,
  { report }: Pick<CliRun, 'report'>,
): boolean {
  const mustStart = unseen === undefined && (outcome !== undefined || killAt !== undefined);
  const code = report?.error?.code ?? '';
  return mustStart && report?.outcome === 'undone' && ['health.unhealthy', 'health.timeout'].includes(code);
}

/** A whole answer of the application; one without a version is of a proxy, and what broke off came from nobody. */
function isOwnAnswer({ kind, version }: FailureGroup): boolean {
  return version !== undefined && ['502', '503', '504', '5xx', 'status'].includes(kind);
}

/** What clients of one host got of a sick release. */
export interface SickHost {
  readonly url: string;
  readonly answers: number;
  /** Of these, asked for when a client had the answer that made the limit: the edge had counted it before. */
  readonly late: number;
  /** Late answers beyond the first one of each client. */
  readonly again: number;
}

/** @param limit errors at which a guard takes a release out. */
export function sickHosts(stage: Stage, sick: string, limit: number): SickHost[] {
  const since = stage.before?.at ?? 0;
  const fresh = stage.after?.samples.filter(
    (sample) => sample.at > since && sample.version === sick && sample.kind === '5xx',
  );
  return [...Map.groupBy(fresh ?? [], ({ url }) => url)].map(([url, answers]) => {
    const limitAt = answers.map(({ at }) => at).sort((a, b) => a - b)[limit - 1] ?? Infinity;
    const late = answers.filter(({ askedAt }) => askedAt > limitAt);
    const clients = new Set(late.map(({ client, who }) => `${client} ${who}`));
    return { url, answers: answers.length, late: late.length, again: late.length - clients.size };
  });
}

/**
 * Judged by what the edges could know, not by a clock that stands still when the machine is busy. An edge that has sent
 * the error which makes the limit may have passed on one more request of each client; a client pauses longer than the
 * guard does between two looks, so a second one means that the guard did not act.
 */
function judgeSick(stage: Stage, sick: string): Promised[] {
  const { sickAnswers, sickMs } = stageLoad(stage);
  const limit = stage.limit ?? 1;
  const hosts = sickHosts(stage, sick, limit);
  const seen = hosts.reduce((sum, { answers }) => sum + answers, 0);
  const perHost = hosts.map(({ answers, late }) => `${answers}, ${late} of them after the limit`).join('; ');
  const counted = (stage.run.report?.watch ?? []).filter(({ outcome }) => outcome === 'reverted');
  return [
    {
      promise: `a guard reverted ${sick} by itself`,
      held: counted.length > 0,
      detail: counted.map(({ host, reason }) => `${host}: ${reason}`).join('; ') || 'no guard did',
    },
    {
      promise: `after ${limit} errors on a host, no client reached ${sick} there twice`,
      // More than the load keeps one by one: then they were far too many.
      held: seen > 0 && seen === sickAnswers && hosts.every(({ again }) => again === 0),
      detail: `${sickAnswers} answers over ${Math.round(sickMs)} ms (${perHost || 'none'})`,
    },
  ];
}

/**
 * A release that nobody confirms may answer until its guard's deadline, and what was asked until then. One request of
 * each client may be on its way while the guard looks, as with {@link judgeSick}.
 *
 * @param deadlineAt when the guards' time is over at the latest, on the monotonic clock.
 */
export function judgeDeadline(after: LoadResult | undefined, version: string, deadlineAt: number): Promised {
  const seen = after?.versions.filter((versionSeen) => versionSeen.version === version) ?? [];
  const last = Math.max(...seen.map(({ lastAt }) => lastAt));
  const side = last > deadlineAt ? 'after' : 'before';
  return {
    promise: `the guards reverted by themselves: after the deadline, no client reached ${version} twice`,
    held: seen.length > 0 && seen.every(({ twiceAfter = 0 }) => twiceAfter <= deadlineAt),
    detail:
      seen.length === 0
        ? 'it never had traffic'
        : `its last answer came ${Math.round(Math.abs(last - deadlineAt))} ms ${side} the deadline`,
  };
}

export function judgeServing(stage: Stage): Promised {
  const seen = [...new Set(stage.served)];
  return {
    promise: `${stage.serves} is serving on all hosts`,
    held: seen.length === 1 && seen[0] === stage.serves,
    detail: seen.join(', ') || 'nothing',
  };
}

/** A backup counts when its restore was compared. */
export function judgeBackup(stage: Pick<Stage, 'run'>): Promised {
  const backup = stage.run.report?.backup;
  const test = backup?.restoreTest;
  return {
    promise: 'a restore proves the backup',
    held: test?.ok === true,
    detail: test === undefined ? 'no backup' : `${test.tables} tables, ${test.rows} rows`,
  };
}

/** Each acknowledged POST is a row, and there is no other row. */
export function judgeRows(load: LoadResult, rowsBefore: number, rowsAfter: number): Promised {
  const rows = rowsAfter - rowsBefore;
  return {
    promise: 'every acknowledged POST is exactly one row',
    held: rows === load.acknowledged,
    detail: `${load.acknowledged} acknowledged, ${Number.isNaN(rows) ? 'and the rows cannot be counted' : `${rows} rows`}`,
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
      .filter((candidate) => candidate.version === cut.version && candidate.at <= cut.at)
      .map((item) => item.at + drainMs - toleranceMs);
    return !ends.some((end) => cut.at >= end);
  });
  return {
    promise: 'no WebSocket was cut before its drain limit',
    held: early.length === 0,
    detail: `${opened} opened, ${ticks} ticks, ${early.length} cut early, ${cuts.length - early.length} closed after the drain`,
  };
}
