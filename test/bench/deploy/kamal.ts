import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import type { Project } from '../../bed/app/project.ts';
import type { VersionName } from '../../bed/app/versions.ts';
import type { Bed, BedHost } from '../../bed/bed.ts';
import { ask, Unanswered } from '../../bed/load/ask.ts';
import { monotonic } from '../../bed/load/clock.ts';
import type { FailureGroup, LoadResult } from '../../bed/load/model.ts';
import { type RunningLoad, startLoad } from '../../bed/load/start.ts';
import { type Spread, say, seconds, show, spread } from '../output.ts';
import { deployVersion, freshProject, scratch } from '../target.ts';
import { bootOfNewest } from './boot.ts';
import {
  forgetStopped,
  kamal,
  kamalPeer,
  pushKamalImages,
  removeKamal,
  type Step,
  startKamal,
  versionsUsed,
  writeKamalProject,
} from './kamal-project.ts';
import { stepsOf } from './text.ts';

const drainMs = 5_000;
const services = ['db', 'redis', 'backend'];

/** One deploy with WebSockets open on the release before. Times of the monotonic clock. */
interface Deploy {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly boot: number;
  /** When a client first got the new version. */
  readonly servedAt: number;
  readonly steps: readonly Step[];
}

export interface PeerFigures {
  readonly wall: Spread;
  /** The application's own start in the same deploys. */
  readonly boot: Spread;
  /** Wall without that start. */
  readonly beyond: Spread;
  readonly serves: Spread;
  readonly requests: number;
  readonly failed: number;
  readonly failures: readonly FailureGroup[];
  /** WebSockets that ended before they had had the drain's time. */
  readonly early: number;
  readonly steps: readonly (readonly Step[])[];
}

export interface KamalFigures {
  readonly version: string;
  readonly drainMs: number;
  readonly sluice: PeerFigures;
  readonly kamal: PeerFigures;
  /** Wall without boot, Sluice's by Kamal's, of the medians. */
  readonly ratio: number;
  /** The machine's load average of a minute, before the first round and after the last. */
  readonly load: readonly [number, number];
}

/** Why Kamal cannot be measured here; undefined if it can. */
export function kamalMissing(): string | undefined {
  return existsSync(join(kamalPeer, 'whole'))
    ? undefined
    : 'Kamal is not installed: scripts/setup kamal-peer';
}

/**
 * One web service with its port in the world, two WebSockets and a few requests a second: `sluice deploy` on the first host,
 * `kamal redeploy --skip-push` on the second, turn by turn. Both hosts must be empty.
 */
export async function besideKamal(
  bed: Bed,
  first: BedHost,
  second: BedHost,
  rounds: number,
): Promise<KamalFigures> {
  try {
    await pushKamalImages();
    const project = publishedProject(bed);
    const folder = join(scratch, 'kamal');
    writeKamalProject(folder, bed, second, drainMs / 1000);
    say('starting the web service by Kamal and by Sluice');
    const version = (await kamal(folder, ['version'])).output.trim();
    await startKamal(folder, second);
    // Every image is on every host, and both have deployed once, before anything is measured.
    for (const used of versionsUsed) {
      await deployVersion(bed, project, 'single', used, used === 'v2' ? [] : quiet);
      await kamal(folder, used === 'v2' ? ['deploy', '-P', '--version', used] : redeploy(used));
    }
    const load: [number, number] = [loadavg()[0] ?? Number.NaN, Number.NaN];
    const peers = {
      sluice: new Peer(first, ['sluice.service=backend', 'sluice.colour'], async (next) =>
        stepsOf(await deployVersion(bed, project, 'single', next, quiet)),
      ),
      kamal: new Peer(
        second,
        ['service=bookreader', 'role=web'],
        async (next) => (await kamal(folder, redeploy(next))).steps,
      ),
    };
    for (let round = 0; round < rounds; round++) {
      say(`beside Kamal: round ${round + 1} of ${rounds}`);
      const next = versionsUsed[round % 2] ?? 'v2';
      await peers.sluice.deploy(next);
      await forgetStopped(second);
      await peers.kamal.deploy(next);
    }
    await sleep(drainMs);
    load[1] = loadavg()[0] ?? Number.NaN;
    const [sluice, other] = [await peers.sluice.figures(), await peers.kamal.figures()];
    const ratio = sluice.beyond.median / other.beyond.median;
    return { version, drainMs, sluice, kamal: other, ratio, load };
  } finally {
    await Promise.all([removeKamal(second), first.wipe('bookreader')]);
  }
}

const quiet = ['--watch', '0s', '--no-backup', '--no-migrate'] as const;
const redeploy = (version: VersionName) => ['redeploy', '--skip-push', '--version', version];

/** A tool with its host, under load from the first deploy on. */
class Peer {
  readonly #host: BedHost;
  readonly #labels: readonly string[];
  readonly #url: string;
  readonly #load: RunningLoad;
  readonly #doing: (version: VersionName) => Promise<readonly Step[]>;
  readonly #deploys: Deploy[] = [];

  /** @param labels of the containers that a deploy replaces */
  constructor(
    host: BedHost,
    labels: readonly string[],
    doing: (version: VersionName) => Promise<readonly Step[]>,
  ) {
    this.#host = host;
    this.#labels = labels;
    this.#url = `http://${host.http.host}:${host.http.port}`;
    this.#doing = doing;
    this.#load = startLoad({
      urls: [this.#url],
      rate: 20,
      webSockets: 2,
      // Kamal's deploy waits for requests in flight: the figure is to have the WebSockets in it and nothing else.
      withoutSlow: true,
      withoutPage: true,
    });
  }

  /** Once the drain of the deploy before is over and new WebSockets are on the release that serves. */
  async deploy(version: VersionName): Promise<void> {
    await sleep(drainMs + 2_000);
    const stop = new AbortController();
    const served = firstAnswer(this.#url, version, stop.signal);
    const startedAt = monotonic();
    let steps: readonly Step[];
    try {
      steps = await this.#doing(version);
    } catch (error) {
      stop.abort();
      await served;
      throw error;
    }
    const endedAt = monotonic();
    const late = setTimeout(() => stop.abort(), 5_000);
    const servedAt = await served;
    clearTimeout(late);
    if (servedAt === undefined)
      throw new Error(`${this.#url} does not answer as ${version} after its deploy`);
    const boot = await bootOfNewest(this.#host, this.#labels);
    this.#deploys.push({ startedAt, endedAt, servedAt, boot, steps });
  }

  async figures(): Promise<PeerFigures> {
    const result = await this.#load.stop();
    return {
      wall: spread(this.#deploys.map((deploy) => deploy.endedAt - deploy.startedAt)),
      boot: spread(this.#deploys.map((deploy) => deploy.boot)),
      beyond: spread(this.#deploys.map((deploy) => deploy.endedAt - deploy.startedAt - deploy.boot)),
      serves: spread(this.#deploys.map((deploy) => deploy.servedAt - deploy.startedAt)),
      requests: result.requests,
      failed: result.failed,
      failures: result.failures,
      early: this.#early(result),
      steps: this.#deploys.map((deploy) => deploy.steps),
    };
  }

  /** A socket that lived on the old release has the drain's time from the moment at which the new one serves. */
  #early({ webSockets }: LoadResult): number {
    const within = (at: number) =>
      this.#deploys.some(({ startedAt, servedAt }) => at > startedAt && at < servedAt + drainMs - 500);
    return webSockets.cuts.filter(({ at }) => within(at)).length;
  }
}

/** Asks all the time on connections of its own; the load counts what fails. */
async function firstAnswer(
  url: string,
  version: VersionName,
  stop: AbortSignal,
): Promise<number | undefined> {
  while (!stop.aborted) {
    const answer = await ask(url, {
      path: '/api/version',
      agent: false,
      wanted: 200,
      timeoutMs: 2_000,
    }).catch((error: unknown) => {
      if (error instanceof Unanswered) return undefined;
      throw error;
    });
    if (answer?.version === version) return monotonic();
    await sleep(25);
  }
  return undefined;
}

/** The example's data services and backend, whose port the edge publishes, as kamal-proxy does. */
function publishedProject(bed: Bed): Project {
  const project = freshProject(bed, 'beside-kamal', { drain: `${drainMs}ms`, single: services });
  const file = 'compose.published.yml';
  writeFileSync(join(project.folder, file), 'services:\n  backend:\n    ports: ["80:8000"]\n');
  const config = parse(readFileSync(project.config, 'utf8')) as { compose: string[] };
  config.compose.push(file);
  writeFileSync(project.config, stringify(config, { lineWidth: 0 }));
  return project;
}

/** Both side by side, and what they cost the clients. */
export function tellKamal(figures: KamalFigures): void {
  const { version, sluice, kamal: other, ratio, load } = figures;
  say(`\none web service with two WebSockets open, beside Kamal ${version}`);
  const row = (name: string, { wall, serves, boot, beyond, requests, failed, early }: PeerFigures) => [
    name,
    seconds(wall),
    seconds(serves),
    seconds(boot),
    seconds(beyond),
    `${failed} of ${requests}`,
    `${early}`,
  ];
  show(
    ['deploy', 'wall', 'serves after', 'boot of it', 'without boot', 'failed', 'WebSockets cut early'],
    [row('sluice deploy', sluice), row('kamal redeploy', other)],
  );
  say(`sluice is ${ratio.toFixed(2)} × Kamal, boot apart`);
  say(`load average of the machine: ${load.map((average) => average.toFixed(1)).join(' before, ')} after`);
}
