import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Project } from '../../bed/app/project.ts';
import { buildVersions, type VersionName } from '../../bed/app/versions.ts';
import { type Bed, type BedHost, upBed } from '../../bed/bed.ts';
import type { CliRun } from '../../bed/demo/cli.ts';
import { monotonic } from '../../bed/load/clock.ts';
import type { WebSocketCut } from '../../bed/load/model.ts';
import { startLoad } from '../../bed/load/start.ts';
import { startRelay } from '../../bed/relay.ts';
import { publish, say, spread } from '../output.ts';
import { deployVersion, freshProject, scratch } from '../target.ts';
import { deployBlueGreen, removeBlueGreen, startBlueGreen } from './blue-green.ts';
import { measureOwnTimes, type OwnTimes } from './boot.ts';
import { besideKamal, kamalMissing, tellKamal } from './kamal.ts';
import { pullAndUp, removePlain, startPlain } from './plain.ts';
import { type Scenario, type ScenarioFigures, type SocketFigures, stepsOf, tellScenario } from './text.ts';

const drainMs = 5_000;
const quiet = ['--watch', '0s', '--no-backup', '--no-migrate'] as const;

const scenarios: readonly Scenario[] = [
  {
    name: 'one',
    title: 'one web service',
    placed: ['db', 'redis', 'backend'],
    replaced: ['backend'],
    // nginx waits until the backend is healthy; without it `up` waits for nothing and says nothing about the release.
    compose: 'backend nginx',
    script: 'backend',
  },
  {
    name: 'all',
    title: 'the whole application (backend, frontend, worker, beat)',
    replaced: ['backend', 'frontend', 'celery-worker', 'celery-beat'],
    compose: '',
    script: 'all',
  },
];

/** The parts of {@link benchDeploy}, to be named when only one is wanted. */
export const deployParts = ['scripts', 'kamal'] as const;
export type DeployPart = (typeof deployParts)[number];

/** The wall time of a deploy beside what teams write themselves, and beside Kamal, on hosts of their own, turn by turn. */
export async function benchDeploy(rounds: number, only?: DeployPart): Promise<void> {
  const missing = kamalMissing();
  if (only === 'kamal' && missing !== undefined) throw new Error(missing);
  const bed = await upBed({ hosts: 2 });
  const [first, second] = bed.hosts;
  if (first === undefined || second === undefined) throw new Error('two hosts are needed');
  try {
    await buildVersions(['v2', 'v5'], say);
    await Promise.all(bed.hosts.map((host) => host.wipe()));
    const figures = only === 'kamal' ? [] : await besideScripts(bed, first, second, rounds);
    const kamal =
      only === 'scripts' || missing !== undefined ? undefined : await besideKamal(bed, first, second, rounds);
    for (const figure of figures) tellScenario(figure);
    if (kamal !== undefined) tellKamal(kamal);
    if (only === undefined && missing !== undefined) say(`\n${missing}`);
    publish(only === 'kamal' ? 'deploy-kamal' : 'deploy', {
      rounds,
      scenarios: figures.map(({ runs, distantRuns, ...rest }) => ({
        ...rest,
        steps: runs.map(stepsOf),
        distantSteps: distantRuns.map(stepsOf),
        counts: runs.map((run) => run.report?.counts),
      })),
      ...(kamal === undefined ? {} : { kamal }),
    });
  } finally {
    bed.release();
  }
}

async function besideScripts(
  bed: Bed,
  first: BedHost,
  second: BedHost,
  rounds: number,
): Promise<ScenarioFigures[]> {
  try {
    say('starting the application by plain compose and by a blue-green script');
    await startPlain(bed, second, scratch, 'v2');
    await startBlueGreen(bed, second, scratch, 'v2');
    const figures: ScenarioFigures[] = [];
    for (const scenario of scenarios) figures.push(await measure(bed, first, second, scenario, rounds));
    return figures;
  } finally {
    await Promise.all([removePlain(bed, second), removeBlueGreen(bed, second), first.wipe('bookreader')]);
  }
}

async function measure(
  bed: Bed,
  first: BedHost,
  second: BedHost,
  scenario: Scenario,
  rounds: number,
): Promise<ScenarioFigures> {
  await first.wipe('bookreader');
  const { placed } = scenario;
  const project = freshProject(bed, 'deploy', {
    drain: `${drainMs}ms`,
    ...(placed === undefined ? {} : { single: placed }),
  });
  // Every image is on every host, and every tool has deployed once, before anything is measured.
  for (const version of ['v2', 'v5'] as const) {
    await deployVersion(bed, project, 'single', version, version === 'v2' ? [] : quiet);
    await pullAndUp(bed, second, version, scenario.compose);
    await deployBlueGreen(bed, second, version, scenario.script);
  }
  const own: OwnTimes[] = [];
  const containers = scenario.replaced.map((service) => `plain-${service}-1`);
  for (let time = 0; time < 3; time++) own.push(await measureOwnTimes(second, containers, '8000/api/health'));
  const runs: CliRun[] = [];
  const walls = { compose: [] as number[], script: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    say(`${scenario.title}: round ${round + 1} of ${rounds}`);
    const version = alternate(round);
    runs.push(await deployVersion(bed, project, 'single', version, quiet));
    walls.compose.push(await timed(() => pullAndUp(bed, second, version, scenario.compose)));
    walls.script.push(await timed(() => deployBlueGreen(bed, second, version, scenario.script)));
  }
  const url = `http://${first.http.host}:${first.http.port}`;
  const sockets = placed === undefined ? await withSockets(bed, project, url, rounds) : undefined;
  const distantRuns = await overDistance(
    bed,
    first,
    project,
    rounds,
    sockets === undefined ? rounds : 2 * rounds,
  );
  return {
    scenario,
    own: {
      boot: spread(own.map((ownTimes) => ownTimes.boot)),
      stop: spread(own.map((ownTimes) => ownTimes.stop)),
    },
    sluice: spread(runs.map(wall)),
    confirmed: spread(runs.map(confirmedAfter)),
    compose: spread(walls.compose),
    script: spread(walls.script),
    distant: spread(distantRuns.map(wall)),
    ...(sockets === undefined ? {} : { sockets }),
    runs,
    distantRuns,
  };
}

async function withSockets(bed: Bed, project: Project, url: string, rounds: number): Promise<SocketFigures> {
  const load = startLoad({ urls: [url], rate: 5, webSockets: 2, slowSeconds: 2 });
  const runs: CliRun[] = [];
  let cuts: readonly WebSocketCut[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      // The drain of the release before is over, and new WebSockets are on the one that serves.
      await sleep(9_000);
      runs.push(await deployVersion(bed, project, 'single', alternate(rounds + round), quiet));
    }
    await sleep(drainMs);
  } finally {
    ({ cuts } = (await load.stop()).webSockets);
  }
  const confirmed = runs.map((run) => run.startedAt + confirmedAfter(run));
  const isEarly = (at: number) => confirmed.some((time) => at > time - drainMs && at < time + drainMs - 500);
  return {
    wall: spread(runs.map(wall)),
    serves: spread(runs.map((run) => endOf(run, 'switch'))),
    after: spread(runs.map((run) => wall(run) - confirmedAfter(run))),
    early: cuts.filter(({ at }) => isEarly(at)).length,
  };
}

/** Over a relay that delays: every round trip to the host takes 50 ms. `turn`: deploys before, since versions alternate. */
async function overDistance(
  bed: Bed,
  host: BedHost,
  project: Project,
  rounds: number,
  turn: number,
): Promise<CliRun[]> {
  const relay = await startRelay({ target: host.ssh, oneWayDelay: 25 });
  const config = readFileSync(project.config, 'utf8');
  const near = `${host.ssh.host}:${host.ssh.port}`;
  try {
    writeFileSync(project.config, config.replaceAll(near, `${relay.host}:${relay.port}`));
    const runs: CliRun[] = [];
    for (let round = 0; round < rounds; round++) {
      // As long as the others' turns take in the rounds before: the release before has ended by then.
      await sleep(6_000);
      runs.push(await deployVersion(bed, project, 'single', alternate(turn + round), quiet));
    }
    return runs;
  } finally {
    writeFileSync(project.config, config);
    await relay.close();
  }
}

function alternate(round: number): VersionName {
  return round % 2 === 0 ? 'v2' : 'v5';
}

function wall(run: CliRun): number {
  return run.endedAt - run.startedAt;
}

const confirmedAfter = (run: CliRun) => endOf(run, 'confirm');

/** When a step had ended, from the command's start. */
function endOf(run: CliRun, name: string): number {
  const step = stepsOf(run).find((candidate) => candidate.name === name);
  const beforeReport = Date.parse(run.report?.startedAt ?? '') - run.startedWall;
  return step === undefined ? Number.NaN : beforeReport + step.startedAt + step.ms;
}

async function timed(doing: () => Promise<void>): Promise<number> {
  const began = monotonic();
  await doing();
  return monotonic() - began;
}
