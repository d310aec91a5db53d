import { setTimeout as sleep } from 'node:timers/promises';
import { formatDuration } from '../../../src/kernel/figures.ts';
import type { Project } from '../app/project.ts';
import type { Bed } from '../bed.ts';
import { ask } from '../load/ask.ts';
import { monotonic } from '../load/clock.ts';
import type { LoadResult } from '../load/model.ts';
import type { RunningLoad } from '../load/start.ts';
import type { Act, Settings } from './acts.ts';
import { type CliLine, type CliRun, sluice } from './cli.ts';
import { isSpoiled, judgeBackup, judgeDeadline, judgeLoad, judgeServing, stageLoad } from './judge.ts';
import type { Promised, Stage } from './model.ts';
import { awaitedAfter, type Narrator } from './narrate.ts';

export interface Scene {
  readonly bed: Bed;
  readonly project: Project;
  readonly urls: readonly string[];
  readonly narrator: Narrator;
  readonly settings: Settings;
  /** Other programs keep this machine from its work. */
  readonly isBusy: boolean;
}

/** Plays one act: runs its command, waits for what has to follow, and judges it. */
export async function play(
  scene: Scene,
  act: Act,
  number: number,
  load: RunningLoad | undefined,
): Promise<Stage> {
  const { narrator, settings } = scene;
  narrator.title(`${number}  ${act.title}`);
  narrator.say(act.why(settings));
  const before = await load?.snapshot();
  const args = argumentsOf(scene, act);
  narrator.command(['sluice', ...args].join(' '));
  let lastStep: CliLine | undefined;
  const command = () =>
    sluice(args, {
      folder: scene.project.folder,
      key: scene.bed.privateKeyPath,
      onLine: (line) => {
        if (line.level === 'step') lastStep = line;
        narrator.line(line);
      },
      ...(act.killAt === undefined ? {} : { killAt: act.killAt }),
    });
  const run = await narrator.waiting(() => awaitedAfter(lastStep), command);
  if (run.code === null) narrator.print('    (killed)');
  if (load !== undefined && act.killAt !== undefined) {
    const deadlineAt = deadlineOf(run, settings);
    const what = `the guards’ deadline, ${settings.watch + settings.deadline} s after the switch`;
    await narrator.waiting(
      () => what,
      () => untilUnseen(load, act, deadlineAt),
    );
  }
  const after = await load?.snapshot();
  const served = await servedBy(scene.urls);
  const bare = {
    ...{ name: act.name, title: act.title, serves: act.serves, run, served, promised: [] },
    ...(act.sick === undefined ? {} : { sick: act.sick, limit: settings.min5xx }),
    ...(before === undefined || after === undefined ? {} : { before, after }),
  };
  const revertMs = revertTime(act, bare, after);
  const stage: Stage = { ...bare, ...(revertMs === undefined ? {} : { revertMs }) };
  if (isSpoiled(act, run)) return spoiledStage(scene, stage);
  const promised = judge(act, stage, scene);
  narrator.print('');
  for (const entry of promised) if (!entry.held) narrator.promised(entry);
  if (promised.every((candidate) => candidate.held)) {
    narrator.conclude(act.conclude(stage, (ms) => (ms === undefined ? '?' : formatDuration(ms))));
  }
  return { ...stage, promised };
}

function spoiledStage({ narrator }: Scene, stage: Stage): Stage {
  const promised = [judgeServing({ ...stage, serves: stage.served[0] ?? '' }), ...judgeLoad(stage, true)];
  narrator.print('');
  for (const entry of promised) if (!entry.held) narrator.promised(entry);
  return { ...stage, promised, spoiled: true };
}

function argumentsOf({ project }: Scene, act: Act): string[] {
  if (act.command === 'rollback') return ['rollback', 'production'];
  const version = act.release;
  if (version === undefined) throw new Error(`${act.name}: a deploy needs a release`);
  const images = project.images(version).slice(project.folder.length + 1);
  return ['deploy', 'production', '--release', version, '--images', images];
}

/** When the guards' time is over at the latest: the switch came before the runner's end. */
function deadlineOf(run: CliRun, { watch, deadline }: Settings): number {
  return run.endedAt + (watch + deadline) * 1000;
}

/** Watches, and touches nothing, until the deadline is over and the killed release has not answered for a second. */
async function untilUnseen(load: RunningLoad, act: Act, deadlineAt: number): Promise<void> {
  const patience = deadlineAt + 5000;
  for (;;) {
    await sleep(250);
    const last = lastSeen(await load.snapshot(), act.release);
    const now = monotonic();
    const isQuiet = now > deadlineAt && last !== undefined && now - last > 1000;
    if (isQuiet || now > patience) return;
  }
}

function revertTime(act: Act, stage: Stage, after: LoadResult | undefined): number | undefined {
  if (after === undefined) return undefined;
  if (act.sick !== undefined) return stageLoad(stage).sickMs;
  const last = act.killAt === undefined ? undefined : lastSeen(after, act.release);
  return last === undefined ? undefined : last - stage.run.endedAt;
}

/** When a version answered for the last time, at any host. */
export function lastSeen(load: LoadResult, version: string | undefined): number | undefined {
  const times = load.versions.filter((seen) => seen.version === version).map((seen) => seen.lastAt);
  return times.length === 0 ? undefined : Math.max(...times);
}

/** Asked directly and more than once, so that a host between two releases is found out. */
async function servedBy(urls: readonly string[]): Promise<string[]> {
  const question = { path: '/api/version', agent: false, wanted: 200, timeoutMs: 20_000 } as const;
  const answers = await Promise.all(
    urls.flatMap((url) => [1, 2, 3].map(() => ask(url, question).catch(() => undefined))),
  );
  return answers.map((answer) => answer?.version ?? 'no answer');
}

function judge(act: Act, stage: Stage, { settings, isBusy }: Scene): Promised[] {
  const { run, after } = stage;
  return [
    {
      promise:
        act.exit === null ? 'the runner was killed while the switch was armed' : `exit code ${act.exit}`,
      held: run.code === act.exit,
      detail: run.code === null ? 'killed' : `${run.code} ${run.report?.error?.code ?? ''}`.trim(),
    },
    ...(act.outcome === undefined ? [] : [is('the deploy says so', act.outcome, run.report?.outcome)]),
    judgeServing(stage),
    ...judgeLoad(stage, isBusy),
    ...(act.backup ? [judgeBackup(stage)] : []),
    ...(act.step === undefined
      ? []
      : [
          is(
            'the step ran',
            act.step,
            stepNames(run).find((name) => name === act.step),
          ),
        ]),
    ...(act.unseen === undefined
      ? []
      : [is(`answers of ${act.unseen}`, 'none', after && lastSeen(after, act.unseen) ? 'some' : 'none')]),
    ...(act.killAt === undefined || act.release === undefined
      ? []
      : [judgeDeadline(after, act.release, deadlineOf(run, settings))]),
  ];
}

function stepNames(run: CliRun): string[] {
  return run.lines.filter((line) => line.outcome === 'done').map((line) => line.step ?? '');
}

function is(promise: string, wanted: string, found: string | undefined): Promised {
  return { promise: `${promise}: ${wanted}`, held: found === wanted, detail: found ?? 'nothing' };
}
