import { setTimeout as sleep } from 'node:timers/promises';
import { envFile } from '../app/settings.ts';
import { imagesOf } from '../app/versions.ts';
import type { Bed, BedHost } from '../bed.ts';
import { ask } from '../load/ask.ts';
import { monotonic } from '../load/clock.ts';
import { startLoad } from '../load/start.ts';
import type { Narrator } from './narrate.ts';
import { isKept, type Measured, measuredOf, measuredText, type Pace, paces } from './pace.ts';

const container = 'sluice-demo-control';
const seconds = 4;
const bootMs = 60_000;

/** The machine loses requests by itself: no promise about Sluice can be judged on it. */
export class UnfitMachine extends Error {}

export interface Control {
  readonly pace: Pace;
  /** One a pace that was tried; the last is that of `pace`. */
  readonly measured: readonly Measured[];
}

/**
 * Tells what this machine does to requests without Sluice: the web process of v1 alone on each server, at the same
 * address as later the application, with no edge, no proxy and no deploy. Takes the highest rate that the machine keeps.
 *
 * @throws UnfitMachine when requests fail even at the lowest rate.
 */
export async function controlRun(bed: Bed, narrator: Narrator): Promise<Control> {
  const urls = bed.hosts.map(({ http }) => `http://${http.host}:${http.port}`);
  const measured: Measured[] = [];
  try {
    await narrator.work('the web process of v1, without Sluice', async () => {
      await Promise.all(bed.hosts.map((host) => startProcess(host, bed.hosts)));
      await Promise.all(urls.map(untilAnswers));
    });
    for (const pace of paces) {
      const result = await narrator.work(
        `${pace.rate} requests a second, ${seconds} s`,
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

async function startProcess(host: BedHost, hosts: readonly BedHost[]): Promise<void> {
  const env = envFile(hosts.map(({ http }) => http.host));
  await host.must(`set -eu
docker rm --force ${container} >/dev/null 2>&1 || true
umask 077
cat >/tmp/${container}.env <<'ENV'
${env}ENV
docker run --detach --quiet --name ${container} --publish 80:8000 --env-file /tmp/${container}.env ${imagesOf('v1').backend} >/dev/null
rm /tmp/${container}.env`);
}

async function untilAnswers(url: string): Promise<void> {
  const deadline = monotonic() + bootMs;
  const question = { path: '/api/version', agent: false, wanted: 200, timeoutMs: 5_000 } as const;
  for (;;) {
    const answer = await ask(url, question).catch((error: Error) => error);
    if (!(answer instanceof Error)) return;
    if (monotonic() > deadline)
      throw new Error(`${url}: no answer of v1 in ${bootMs / 1000} s`, { cause: answer });
    await sleep(200);
  }
}

async function measure(urls: readonly string[], pace: Pace): Promise<Measured> {
  const load = startLoad({ urls, rate: pace.rate, slowSeconds: 1, withoutData: true });
  try {
    // The generator's own start is no part of the time.
    const from = (await load.snapshot()).at;
    await sleep(seconds * 1000);
    const result = await load.snapshot();
    return measuredOf(pace, result, (result.at - from) / 1000);
  } finally {
    await load.stop();
  }
}
