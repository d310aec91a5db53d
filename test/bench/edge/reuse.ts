import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EdgeColour } from '../../../src/deploy/traffic/guard.ts';
import { upBed } from '../../bed/bed.ts';
import { monotonic } from '../../bed/load/clock.ts';
import { Edge, port, Replica } from '../../support/edge/bed.ts';
import { Dns } from '../../support/edge/dns.ts';
import { call, Tunnel } from '../../support/edge/load.ts';
import { publish, say, show } from '../output.ts';

const clients = 32;
/** Of each color. They listen on the addresses that the tests have, so neither may run beside the other. */
const replicas: readonly (readonly [EdgeColour, string])[] = [
  ['blue', '127.0.1.1'],
  ['blue', '127.0.1.2'],
  ['green', '127.0.2.1'],
  ['green', '127.0.2.2'],
];

interface Counts {
  requests: number;
  failed: number;
  posts: number;
  readonly why: Map<string, number>;
}

/**
 * Requests through a real edge to replicas that close every idle connection within milliseconds of an answer, while the edge
 * switches once a second: the race that sharing connections brings, as often as it can be had. Half are POSTs, half of the
 * clients keep their connection. Counted are requests without their whole answer, POSTs that ran twice, and tunnels cut.
 */
export async function benchReuse(requests: number): Promise<void> {
  const bed = await upBed({ hosts: 0 });
  const dns = new Dns();
  await dns.start();
  const all = await Promise.all(replicas.map(([colour, ip]) => new Replica(colour, ip).start()));
  for (const colour of ['blue', 'green']) {
    const addresses = replicas.filter(([of]) => of === colour).map(([, ip]) => ip);
    dns.names.set(`${colour}.backend.shop.sluice`, addresses);
  }
  const edge = new Edge(dns);
  try {
    await edge.start();
    await Promise.all([edge.up('blue', 2), edge.up('green', 2)]);
    for (const replica of all) replica.closesIdle = true;
    const tunnels = await Promise.all(Array.from({ length: 4 }, () => Tunnel.open()));
    const counts: Counts = { requests: 0, failed: 0, posts: 0, why: new Map() };
    const began = monotonic();
    const ended = new AbortController();
    const sending = Array.from({ length: clients }, (_, index) => client(index, requests, counts));
    const switching = switchOften(edge, ended.signal);
    await Promise.all(sending);
    ended.abort();
    const switches = await switching;
    const seconds = (monotonic() - began) / 1000;
    const cut = tunnels.filter((tunnel) => tunnel.closed).length;
    for (const tunnel of tunnels) tunnel.close();
    const ran = all.reduce((sum, replica) => sum + replica.posts, 0);
    const again = edge.log.split('\n').filter((line) => / retries \+?[1-9],/.test(line)).length;
    const row = [
      ...[
        `${counts.requests}`,
        `${counts.failed}`,
        `${ran - counts.posts}`,
        `${again}`,
        `${switches}`,
        `${cut}`,
      ],
      `${Math.round(counts.requests / seconds)}/s`,
    ];
    show(
      ['requests', 'failed', 'POSTs run twice', 'GETs sent again', 'switches', 'tunnels cut', 'rate'],
      [row],
    );
    for (const [what, count] of counts.why) say(`  ${count} × ${what}`);
    publish('reuse', { ...counts, why: Object.fromEntries(counts.why), ran, again, switches, cut, seconds });
  } finally {
    await edge.stop();
    for (const replica of all) replica.stop();
    dns.stop();
    bed.release();
  }
}

async function client(index: number, requests: number, counts: Counts): Promise<void> {
  const agent = new Agent({ keepAlive: index % 2 === 0, maxSockets: 1 });
  for (let turn = 0; counts.requests < requests; turn += 1) {
    counts.requests += 1;
    const body = turn % 2 === 0 ? undefined : `body-${index}-${turn}`;
    try {
      const answer = await call({ agent, ...(body === undefined ? {} : { method: 'POST', body }) });
      if (answer.status !== 200 || !answer.body.endsWith(body ?? ''))
        throw new Error(`status ${answer.status}`);
      if (body !== undefined) counts.posts += 1;
    } catch (error) {
      counts.failed += 1;
      const what = `${body === undefined ? 'GET' : 'POST'}: ${error instanceof Error ? error.message : error}`;
      counts.why.set(what, (counts.why.get(what) ?? 0) + 1);
      await sleep(5);
    }
    if (counts.requests % 100_000 === 0) say(`  ${counts.requests} requests, ${counts.failed} failed`);
  }
  agent.destroy();
}

async function switchOften(edge: Edge, signal: AbortSignal): Promise<number> {
  let done = 0;
  for (let from: EdgeColour = 'blue'; !signal.aborted; done += 1) {
    await sleep(1000);
    const to: EdgeColour = from === 'blue' ? 'green' : 'blue';
    const nonce = `bench-${port}-${done}`;
    await edge.guard.switch({ from, to, nonce, deadlineSeconds: 30 });
    await sleep(100);
    if (done % 3 === 2) await edge.guard.revert(nonce, 'benchmark');
    else {
      await edge.guard.confirm(nonce);
      from = to;
    }
  }
  return done;
}
