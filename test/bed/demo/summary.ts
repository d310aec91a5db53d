import { formatDuration } from '../../../src/kernel/figures.ts';
import type { LoadResult } from '../load/model.ts';
import { failureText } from '../load/text.ts';
import { acts } from './acts.ts';
import type { CliRun } from './cli.ts';
import type { Control } from './control.ts';
import { type Replaced, stageLoad } from './judge.ts';
import type { Promised, Stage } from './model.ts';
import { lastSeen } from './play.ts';
import { table } from './table.ts';

const none = '–';

/** One line per act. */
export function stageTable(stages: readonly Stage[], load: LoadResult | undefined): string {
  const head = [
    'act',
    'command',
    'traffic moved',
    'requests',
    'failed',
    'its own errors',
    'reverted in',
    'backup',
    'serves',
  ];
  return table(
    head,
    stages.map((stage) => {
      const { requests, failed, sickAnswers } = stageLoad(stage);
      const underLoad = stage.after !== undefined;
      const moved = load && movedAfter(stage, load);
      return [
        `${acts.find((act) => act.name === stage.name)?.label ?? stage.name}${stage.spoiled ? ' (too busy)' : ''}`,
        formatDuration(stage.run.endedAt - stage.run.startedAt),
        moved === undefined ? none : formatDuration(moved),
        underLoad ? `${requests}` : none,
        underLoad ? `${failed}` : none,
        stage.sick === undefined ? none : `${sickAnswers}`,
        stage.revertMs === undefined ? none : formatDuration(stage.revertMs),
        backupCell(stage.run),
        [...new Set(stage.served)].join(', '),
      ];
    }),
  );
}

/** From the command's start to the last answer of the release that it replaced. */
function movedAfter(stage: Stage, load: LoadResult): number | undefined {
  const replaces = acts.find((act) => act.name === stage.name)?.replaces;
  const last = lastSeen(stage.after ?? load, replaces);
  return last === undefined || last < stage.run.startedAt ? undefined : last - stage.run.startedAt;
}

function backupCell(run: CliRun): string {
  const test = run.report?.backup?.restoreTest;
  if (test === undefined) return none;
  return test.ok ? `proven, ${test.rows} rows` : 'does not restore';
}

/** When each release lost its place, for the WebSockets that were on it. */
export function replacements(stages: readonly Stage[]): Replaced[] {
  return stages.flatMap((stage) => {
    const version = acts.find((act) => act.name === stage.name)?.replaces;
    const at = confirmedAt(stage.run);
    return version === undefined || at === undefined ? [] : [{ version, at }];
  });
}

/** On the monotonic clock. */
function confirmedAt({ report, startedAt, startedWall }: CliRun): number | undefined {
  const step = report?.hosts
    .flatMap((host) => host.steps)
    .find((stepRecord) => stepRecord.name === 'confirm');
  if (report === undefined || step?.outcome !== 'done') return undefined;
  return startedAt + (Date.parse(report.startedAt) - startedWall) + step.startedAt;
}

/** The clients' side of the whole demo. */
export function loadText(load: LoadResult): string {
  const seconds = (load.at - load.startedAt) / 1000;
  const clients = Object.entries(load.clients).map(
    ([name, client]) => `${name} ${client.requests} (longest gap ${formatDuration(client.longestGapMs)})`,
  );
  const failures = load.failures.map((failure) => `  ${failureText(failure)}`);
  return [
    `${load.requests} requests in ${formatDuration(seconds * 1000)}: ${clients.join(', ')}`,
    ...(failures.length === 0 ? [] : ['Failed answers by kind:', ...failures]),
  ].join('\n');
}

/** For machines: everything but the raw lines. */
export function machineReport(
  control: Control,
  stages: readonly Stage[],
  load: LoadResult | undefined,
  overall: readonly Promised[],
  seconds: number,
): object {
  return {
    ok: [...stages.flatMap((stage) => stage.promised), ...overall].every((promised) => promised.held),
    seconds,
    control,
    stages: stages.map((stage) => {
      const { name, title, run, serves, served, revertMs, promised } = stage;
      const { startedAt, endedAt, code, html, report, peakMemory } = run;
      return {
        ...{ name, title, serves, served, revertMs, promised, exitCode: code, html, peakMemory },
        seconds: (endedAt - startedAt) / 1000,
        load: stageLoad(stage),
        trafficMovedMs: load && movedAfter(stage, load),
        report,
      };
    }),
    load,
    promised: overall,
  };
}
