import { setTimeout as sleep } from 'node:timers/promises';
import { envFile } from '../app/settings.ts';
import { imagesOf } from '../app/versions.ts';
import type { Bed, BedHost } from '../bed.ts';
import { ask } from '../load/ask.ts';
import { monotonic } from '../load/clock.ts';
import { startLoad } from '../load/start.ts';
import type { Narrator } from './narrate.ts';
import { isKept, type Measured, measuredOf, measuredText, type Pace, pacesFor } from './pace.ts';

const container = 'sluice-demo-control';
const seconds = 4;
/** In which a new process answers slowly, and a new client asks slowly, also on a calm machine. */
const warmUpSeconds = 1;
const patienceMs = 60_000;

/** The machine loses requests by itself: no promise about Sluice can be judged on it. */
export class UnfitMachine extends Error {}

export interface Control {
  readonly pace: Pace;
  /** One a pace that was tried; the last is that of `pace`. */
  readonly measured: readonly Measured[];
}

/**
 * Tells what this machine does to requests without Sluice: the web process of v1 alone on each server, at the same
 * address as later the application, with no edge, no proxy and no deploy. Its start tells how slow starts will be; then
 * the highest rate that the machine keeps is taken.
 *
 * @throws UnfitMachine when requests fail even at the lowest rate.
 */
export async function controlRun(bed: Bed, narrator: Narrator): Promise<Control> {
  const urls = bed.hosts.map(({ http }) => `http://${http.host}:${http.port}`);
  const measured: Measured[] = [];
  try {
    await narrator.work('the web process of v1, without Sluice', () =>
      Promise.all(bed.hosts.map((host) => createProcess(host, bed.hosts))),
    );
    const bootMs = await narrator.work(
      'its start',
      async () => {
        const began = monotonic();
        await Promise.all(bed.hosts.map((host) => host.must(`docker start ${container}`)));
        await Promise.all(urls.map(untilAnswers));
        return monotonic() - began;
      },
      (ms) => `first answer of both servers after ${(ms / 1000).toFixed(1)} s`,
    );
    for (const pace of pacesFor(bootMs)) {
      const result = await narrator.work(
        `${pace.rate} requests a second, ${warmUpSeconds + seconds} s`,
        () => measure(urls, pace),
        measuredText,
      );
      measured.push(result);
      if (isKept(result)) return { pace, measured };
    }
  } finally {
    await Promise.all(bed.hosts.map((host) => host.exec(`docker rm --force ${container}`)));
  }
  const slowest = measured.at(-1);
  if (slowest === undefined || slowest.failed > 0) {
    throw new UnfitMachine(
      `This machine loses requests without Sluice: ${slowest === undefined ? 'nothing was measured' : measuredText(slowest)}. The demo could not tell them from requests that Sluice loses. Stop other programs and run it again.`,
    );
  }
  return { pace: slowest.pace, measured };
}

async function createProcess(host: BedHost, hosts: readonly BedHost[]): Promise<void> {
  const env = envFile(hosts.map(({ http }) => http.host));
  await host.must(`set -eu
docker rm --force ${container} >/dev/null 2>&1 || true
umask 077
cat >/tmp/${container}.env <<'ENV'
${env}ENV
docker create --quiet --name ${container} --publish 80:8000 --env-file /tmp/${container}.env ${imagesOf('v1').backend} >/dev/null
rm /tmp/${container}.env`);
}

async function untilAnswers(url: string): Promise<void> {
  const deadline = monotonic() + patienceMs;
  const question = { path: '/api/version', agent: false, wanted: 200, timeoutMs: 5_000 } as const;
  for (;;) {
    const answer = await ask(url, question).catch((error: Error) => error);
    if (!(answer instanceof Error)) return;
    if (monotonic() > deadline)
      throw new Error(`${url}: no answer of v1 in ${patienceMs / 1000} s`, { cause: answer });
    await sleep(200);
  }
}

async function measure(urls: readonly string[], pace: Pace): Promise<Measured> {
  const load = startLoad({ urls, rate: pace.rate, slowSeconds: 1, withoutData: true });
  try {
    await load.snapshot();
    await sleep(warmUpSeconds * 1000);
    load.forgetTimes();
    await sleep(seconds * 1000);
    const result = await load.snapshot();
    return measuredOf(pace, result);
  } finally {
    await load.stop();
  }
}
