import { setTimeout as sleep } from 'node:timers/promises';
import { layoutOf } from '../../../src/deploy/model.ts';
import { type EdgeColour, type GuardClient, guardClient, sendTo } from '../../../src/deploy/traffic/guard.ts';
import { run } from '../../../src/kernel/run.ts';
import { openTarget } from '../../../src/operations/deploy/open.ts';
import { buildVersions } from '../../bed/app/versions.ts';
import { upBed } from '../../bed/bed.ts';
import { monotonic } from '../../bed/load/clock.ts';
import type { LoadResult } from '../../bed/load/model.ts';
import { startLoad } from '../../bed/load/start.ts';
import { resultText } from '../../bed/load/text.ts';
import { publish, type Spread, say, show, spread } from '../output.ts';
import { deployVersion, freshProject } from '../target.ts';

const wantedSwitches = 60;
/** Switches end in all three ways they can. */
const endings = ['confirm', 'confirm', 'revert', 'deadline'] as const;

interface Switched {
  readonly at: number;
  readonly to: EdgeColour;
  readonly ending: (typeof endings)[number];
  /** The call that moves the traffic, over SSH. */
  readonly callMs: number;
}

/** Switches of the backend through its guard under load, beside the same load without a switch. */
export async function benchSwitch(requests: number, rate: number): Promise<void> {
  const bed = await upBed({ hosts: 2 });
  const [host] = bed.hosts;
  if (host === undefined) throw new Error('a host is needed');
  process.env.SLUICE_SSH_KEY_FILE = bed.privateKeyPath;
  try {
    await buildVersions(['v1', 'v2'], say);
    await host.wipe();
    // Warm: both colours stay up, so that each switch has somewhere to go.
    const project = freshProject(bed, 'switch', { previous: 'warm', drain: '0s' });
    await deployVersion(bed, project, 'single', 'v1');
    await deployVersion(bed, project, 'single', 'v2', ['--watch', '0s']);
    const url = `http://${host.http.host}:${host.http.port}`;
    const options = { urls: [url], rate, webSockets: 4 };

    say(`control: ${Math.round(requests / 6)} requests without a switch`);
    const control = await underLoad(options, requests / 6, async () => {});
    say(resultText(control));

    say(`\n${wantedSwitches} switches during ${requests} requests`);
    const rowsBefore = await countRows(url);
    const switched: Switched[] = [];
    const everyMs = (requests / rate / wantedSwitches) * 1000;
    let result: LoadResult | undefined;
    await run({ json: false, verbose: false }, async (effects) => {
      await using open = await openTarget({ effects, config: project.config }, 'single');
      const [connected] = open.hosts;
      if (connected === undefined) throw new Error('no host is connected');
      const socket = layoutOf(connected.config.root, open.config.app).edgeSocket('backend');
      const guard = guardClient(sendTo(connected, socket));
      result = await underLoad(options, requests, async () => {
        await sleep(everyMs * (0.5 + Math.random()));
        switched.push(await switchOnce(guard, switched.length));
      });
      return 0;
    });
    if (result === undefined) throw new Error('the run with switches gave no result');
    const rows = (await countRows(url)) - rowsBefore;
    say(resultText(result));
    tell(control, result, switched, rows);
    publish('switch', {
      rate,
      control,
      result,
      rows,
      calls: spread(switched.map((entry) => entry.callMs)),
      switched,
    });
  } finally {
    await host.wipe('bookreader');
    bed.release();
  }
}

async function underLoad(
  options: Parameters<typeof startLoad>[0],
  requests: number,
  doing: () => Promise<void>,
): Promise<LoadResult> {
  const load = startLoad(options);
  let seen = 0;
  let reported = monotonic();
  while (seen < requests) {
    await Promise.all([doing(), sleep(1000)]);
    const snapshot = await load.snapshot();
    seen = snapshot.requests;
    if (monotonic() - reported < 60_000) continue;
    reported = monotonic();
    say(`  ${seen} requests, ${snapshot.failed} failed`);
  }
  return load.stop();
}

async function switchOnce(guard: GuardClient, number: number): Promise<Switched> {
  const { active: from } = await guard.status();
  const to = from === 'blue' ? 'green' : 'blue';
  const ending = endings[number % endings.length] ?? 'confirm';
  const nonce = `bench-${process.pid}-${number}`;
  const at = monotonic();
  await guard.switch({ from, to, nonce, deadlineSeconds: ending === 'deadline' ? 1 : 30 });
  const callMs = monotonic() - at;
  await sleep(ending === 'deadline' ? 1500 : 500);
  if (ending === 'confirm') await guard.confirm(nonce);
  if (ending === 'revert') await guard.revert(nonce, 'benchmark');
  return { at, to, ending, callMs };
}

async function countRows(url: string): Promise<number> {
  const answer = await fetch(`${url}/api/bookmarks/count`);
  return ((await answer.json()) as { count: number }).count;
}

function tell(control: LoadResult, result: LoadResult, switched: readonly Switched[], rows: number): void {
  // A switch that is taken back moves the traffic twice.
  const moves = switched.reduce((sum, entry) => sum + (entry.ending === 'confirm' ? 1 : 2), 0);
  const row = (name: string, load: LoadResult, count: string) => {
    const clients = Object.values(load.clients);
    const gap = Math.max(load.clients['keep-alive'].longestGapMs, load.clients.post.longestGapMs);
    return [
      name,
      count,
      `${load.requests}`,
      `${load.failed}`,
      `${load.webSockets.cuts.length}`,
      `${clients[0]?.p99Ms ?? 0} ms`,
      `${Math.round(gap)} ms`,
    ];
  };
  show(
    ['run', 'moves', 'requests', 'failed', 'WebSockets cut', 'p99 keep-alive', 'longest gap'],
    [row('control', control, '0'), row('switches', result, `${moves}`)],
  );
  const calls: Spread = spread(switched.map((entry) => entry.callMs));
  say(
    `switch call over SSH: median ${calls.median.toFixed(1)} ms, ${calls.min.toFixed(1)}–${calls.max.toFixed(1)} ms; ${result.acknowledged} POSTs acknowledged, ${rows} rows`,
  );
}
