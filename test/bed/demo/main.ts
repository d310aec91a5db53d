import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { formatDuration } from '../../../src/kernel/figures.ts';
import { writeProject } from '../app/project.ts';
import { buildVersions, writeVersion } from '../app/versions.ts';
import { type Bed, upBed } from '../bed.ts';
import { command, must } from '../command.ts';
import { network } from '../layout.ts';
import type { LoadResult } from '../load/model.ts';
import { type RunningLoad, startLoad } from '../load/start.ts';
import { acts, settingsAt } from './acts.ts';
import { sluice } from './cli.ts';
import { type Control, controlRun, UnfitMachine } from './control.ts';
import { judgeRows, judgeWebSockets } from './judge.ts';
import type { Promised, Stage } from './model.ts';
import { createNarrator, type Narrator } from './narrate.ts';
import { play } from './play.ts';
import { loadText, machineReport, replacements, stageTable } from './summary.ts';

const root = join(import.meta.dirname, '../../..');

const usage = `Shows what Sluice does: good and bad releases on two servers under load.

  scripts/demo [--json FILE] [--keep]

  --json FILE   write all figures as JSON
  --keep        leave the servers and the application running afterwards

Exit code 0: every promise held. 1: one did not. 2: this machine loses requests without Sluice, so nothing was judged.`;

interface Options {
  readonly json: string | undefined;
  readonly keep: boolean;
}

async function demo(options: Options, narrator: Narrator): Promise<boolean> {
  const began = performance.now();
  narrator.print('Sluice: a deploy that is a transaction');
  narrator.say(
    'An application (FastAPI, Celery, Postgres, Redis, nginx) on two servers, each a container with a real sshd and Docker engine. Clients that never retry ask it all the time, while good and bad releases are deployed.',
  );
  narrator.title('Preparing');
  const running = await runningHosts();
  const bed = await narrator.work('a registry and two servers', (note) => upBed({ log: note }));
  try {
    await narrator.work('empty servers', () => Promise.all(bed.hosts.map((host) => host.wipe('bookreader'))));
    await build(narrator);
    const control = await measureMachine(bed, narrator).catch(async (error: unknown) => {
      await stop(bed, running);
      throw error;
    });
    const { stages, load, overall } = await perform(bed, narrator, control);
    const seconds = (performance.now() - began) / 1000;
    if (options.json !== undefined) {
      mkdirSync(dirname(options.json), { recursive: true });
      writeFileSync(
        options.json,
        JSON.stringify(machineReport(control, stages, load, overall, seconds), undefined, 2),
      );
    }
    narrator.print('');
    if (options.keep) narrator.print(`Still running: ${bed.hosts.map(urlOf).join(' and ')}`);
    else await narrator.work('servers cleaned up', () => stop(bed, running));
    tell(narrator, stages, load, overall, seconds);
    const all = [...stages.flatMap((stage) => stage.promised), ...overall];
    return isPlayed(stages) && all.every((promised) => promised.held);
  } finally {
    bed.release();
  }
}

/** Builds the releases that are deployed afterwards: the first one in sight, the others in its wake. */
async function build(narrator: Narrator): Promise<void> {
  narrator.title('Building');
  narrator.say(
    'Images are built once for a tree. If the registry has the images of that tree, they get a new tag and are not built again.',
  );
  const folder = mkdtempSync(join(tmpdir(), 'sluice-demo-build-'));
  try {
    const { args, env } = writeVersion('v1', folder);
    narrator.command(['sluice', ...args].join(' '));
    const run = await narrator.waiting(
      () => 'the images of v1 (minutes on a new machine)',
      () => sluice(args, { folder, env, onLine: (line) => narrator.line(line) }),
    );
    if (run.code !== 0) throw new Error(`sluice build failed\n${run.stdout}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  narrator.print('');
  const built: string[] = [];
  await narrator.work(
    'v2 to v5, in the same way',
    async (note) => {
      for (const version of ['v2', 'v3', 'v4', 'v5'] as const) {
        note(version);
        await buildVersions([version], (line) => built.push(line));
      }
    },
    () =>
      built.length > 0 ? `${built.length} of 4 had something to build` : 'all of them are there already',
  );
}

/** Before the first deploy: what the machine does to requests by itself, and the load that it bears. */
async function measureMachine(bed: Bed, narrator: Narrator): Promise<Control> {
  narrator.title('Control: this machine, without Sluice');
  const control = await controlRun(bed, narrator);
  const { rate, patience } = control.pace;
  const waits =
    patience === 1
      ? ''
      : ` Other programs keep this machine busy, so every time limit is ${patience} times that of a calm one.`;
  narrator.conclude(`The load will be ${rate} requests a second.${waits}`);
  return control;
}

interface Performance {
  readonly stages: readonly Stage[];
  readonly load: LoadResult | undefined;
  readonly overall: readonly Promised[];
}

async function perform(bed: Bed, narrator: Narrator, { pace }: Control): Promise<Performance> {
  const folder = join(root, 'build/demo/bookreader');
  rmSync(folder, { recursive: true, force: true });
  const settings = settingsAt(pace);
  const { watch, deadline, drain, min5xx } = settings;
  const projectFor = (patience: number) =>
    writeProject(folder, bed.hosts, {
      watch: { for: `${watch}s`, 'max-5xx': '1%', 'min-5xx': min5xx, deadline: `${deadline}s` },
      drain: `${drain}s`,
      patience,
    });
  let project = projectFor(pace.patience);
  // It lies below the checkout, whose git ignores it: a repository of its own is what a team has.
  execFileSync('git', ['init', '--quiet', folder]);
  execFileSync('git', ['-C', folder, 'add', 'nginx']);
  const urls = bed.hosts.map(urlOf);
  const scene = { bed, urls, narrator, settings };
  let patience = pace.patience;
  const stages: Stage[] = [];
  let load: RunningLoad | undefined;
  let rowsBefore = 0;
  try {
    for (const [index, act] of acts.entries()) {
      const playIt = () => play({ ...scene, project, isBusy: patience > 1 }, act, index + 1, load);
      let stage = await playIt();
      // Once more, and no more: a third try would hide a fault.
      if (stage.spoiled) {
        stages.push(stage);
        patience *= 3;
        narrator.say(
          `Other programs kept this machine from starting ${act.release ?? act.serves} in time, which says nothing about the deploy. The act is played once more, with three times the time for a start.`,
        );
        project = projectFor(patience);
        stage = await playIt();
      }
      stages.push(stage);
      // Without a first release there is nothing to show the others on.
      if (index === 0 && stage.run.code !== 0) return { stages, load: undefined, overall: [] };
      if (load !== undefined) continue;
      rowsBefore = await countRows(urls[0]);
      load = startLoad({ urls, rate: pace.rate, slowSeconds: 3, timeoutSeconds: 10 * pace.patience });
      narrator.say(
        `From here on the load runs through nginx on both servers: GETs on kept and on fresh connections, POSTs that each write a row, answers that take 2-3 s, streams, WebSockets.`,
      );
    }
  } finally {
    // Also after an error: the clients' numbers are not lost and no process is left.
    await load?.stop().catch(() => {});
  }
  const result = await load?.stop();
  if (result === undefined) return { stages, load: undefined, overall: [] };
  const overall = [
    judgeRows(result, rowsBefore, await countRows(urls[0])),
    judgeWebSockets(result, replacements(stages), drain * 1000),
  ];
  return { stages, load: result, overall };
}

function tell(
  narrator: Narrator,
  stages: readonly Stage[],
  load: LoadResult | undefined,
  overall: readonly Promised[],
  seconds: number,
): void {
  narrator.title('What happened');
  narrator.print(`${stageTable(stages, load)}\n`);
  if (load !== undefined) narrator.print(`${loadText(load)}\n`);
  for (const promised of overall) narrator.promised(promised);
  const broken = stages.flatMap((stage) =>
    stage.promised
      .filter((promised) => !promised.held)
      .map((promised) => ({ ...promised, promise: `act ${numberOf(stage)}, ${promised.promise}` })),
  );
  for (const failure of broken) narrator.promised(failure);
  if (!isPlayed(stages)) {
    const count = stages.filter(({ spoiled }) => !spoiled).length;
    narrator.print(`  ✗ only ${count} of ${acts.length} acts were played to their end`);
  }
  const reports = stages.flatMap((stage) =>
    stage.run.html === undefined ? [] : [{ stage, html: stage.run.html }],
  );
  narrator.print('');
  for (const { stage, html } of reports) {
    if (['migration', 'sick'].includes(stage.name))
      narrator.print(`Report of "${stage.title}": ${relative(process.cwd(), html)}`);
  }
  const held = overall.every((promised) => promised.held) && broken.length === 0 && isPlayed(stages);
  narrator.print(
    `\n${held ? 'Every promise held' : 'Not every promise held'} (${formatDuration(seconds * 1000)}).`,
  );
}

/** Each act was played by a machine that had the time for it. */
function isPlayed(stages: readonly Stage[]): boolean {
  return acts.every(({ name }) => stages.some((stage) => stage.name === name && !stage.spoiled));
}

const numberOf = ({ name }: Stage) => acts.findIndex((act) => act.name === name) + 1;

const urlOf = (host: Bed['hosts'][number]) => `http://${host.http.host}:${host.http.port}`;

async function countRows(url: string | undefined): Promise<number> {
  const answer = await fetch(`${url}/api/bookmarks/count`, { signal: AbortSignal.timeout(30_000) });
  // An application that cannot count (an error, an error page) has not confirmed a single row.
  return answer.ok ? ((await answer.json()) as { count: number }).count : Number.NaN;
}

async function runningHosts(): Promise<string[]> {
  const listed = await command([
    'docker',
    'ps',
    '--filter',
    `network=${network.name}`,
    '--format',
    '{{.Names}}',
  ]);
  return listed.stdout.trim().split('\n');
}

/** What ran before goes on running; what was started for the demo is stopped. */
async function stop(bed: Bed, running: readonly string[]): Promise<void> {
  await Promise.all(bed.hosts.map((host) => host.wipe('bookreader')));
  const all = await runningHosts();
  const ours = all.filter((name) => name !== '' && !running.includes(name));
  if (ours.length > 0) await must(['docker', 'stop', '--time', '3', ...ours]);
}

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(usage);
} else {
  const colour = process.stdout.isTTY === true && !process.env.NO_COLOR;
  const narrator = createNarrator({ write: (text) => process.stdout.write(text), colour });
  try {
    const held = await demo({ json: values.json, keep: values.keep }, narrator);
    process.exitCode = held ? 0 : 1;
  } catch (error) {
    if (!(error instanceof UnfitMachine)) throw error;
    narrator.print(`\n${error.message}`);
    process.exitCode = 2;
  }
}
