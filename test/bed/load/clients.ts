import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, type Question, Unanswered } from './ask.ts';
import { monotonic } from './clock.ts';
import type { LoadOptions, RequestClient } from './model.ts';
import type { Tally } from './tally.ts';
import { talk } from './websocket.ts';

const quickMs = 10_000;
const slowMs = 30_000;
/** New WebSockets all the time, so that handshakes too are seen at every moment of a deploy. */
const shortWebSocketMs = 1_500;

/** How the rate is shared. POSTs are not less than a third: they can't be sent again by anybody. */
const mix = [
  { name: 'keep-alive', share: 0.4, clients: 6 },
  { name: 'fresh', share: 0.2, clients: 4 },
  { name: 'post', share: 0.4, clients: 6 },
] as const;

interface Surroundings {
  readonly url: string;
  readonly tally: Tally;
  readonly stop: AbortSignal;
}

/** Starts all clients for all URLs; resolves when, after the stop, the last answer has come. */
export async function runClients(options: LoadOptions, tally: Tally, stop: AbortSignal): Promise<void> {
  const rate = (options.rate ?? 350) / options.urls.length;
  await Promise.all(
    options.urls.map(async (url) => {
      const at: Surroundings = { url, tally, stop };
      const quick = mix.flatMap(({ name, share, clients }) =>
        Array.from({ length: clients }, (_, index) =>
          quickClient(at, name, (1000 * clients) / (rate * share), index / clients),
        ),
      );
      const patient = [
        ...Array.from({ length: 3 }, (_, index) =>
          patientClient(at, 'slow', index, options.slowSeconds ?? 5),
        ),
        ...Array.from({ length: 2 }, (_, index) =>
          patientClient(at, 'stream', index, options.slowSeconds ?? 5),
        ),
      ];
      const sockets = Array.from({ length: options.webSockets ?? 2 }, () => socketClient(at));
      await Promise.all([...quick, ...patient, ...sockets, socketClient(at, shortWebSocketMs)]);
    }),
  );
}

async function quickClient(
  at: Surroundings,
  name: 'keep-alive' | 'fresh' | 'post',
  everyMs: number,
  phase: number,
): Promise<void> {
  using agent = oneConnection();
  let due = monotonic() + phase * everyMs;
  for (let turn = Math.round(phase * 100); !at.stop.aborted; turn++) {
    await pause(due - monotonic(), at.stop);
    if (at.stop.aborted) return;
    // After a slow answer the client does not catch up: a person would not either, and the rate stays bounded.
    due = Math.max(due + everyMs, monotonic());
    await once(at, name, { ...quickQuestion(name, turn), agent: name === 'fresh' ? false : agent.agent });
  }
}

const quickPaths = ['/api/books/1', '/api/books', '/api/version', '/'];

function quickQuestion(name: 'keep-alive' | 'fresh' | 'post', turn: number): Omit<Question, 'agent'> {
  if (name === 'post') {
    const json = { book_id: 1 + (turn % 5), page: 1 + (turn % 90) };
    return { method: 'POST', path: '/api/bookmarks', json, wanted: 201, timeoutMs: quickMs };
  }
  return { path: quickPaths[turn % quickPaths.length] ?? '/', wanted: 200, timeoutMs: quickMs };
}

/** Answers that take 2 s and more (less only where that is the longest), one after the other. */
async function patientClient(
  at: Surroundings,
  name: 'slow' | 'stream',
  index: number,
  longest: number,
): Promise<void> {
  using agent = oneConnection();
  for (let turn = index; !at.stop.aborted; turn++) {
    const shortest = Math.min(2, longest);
    const seconds = shortest + ((turn * 0.7) % Math.max(0.1, longest - shortest));
    const began = monotonic();
    const path = `/api/${name}?seconds=${seconds.toFixed(1)}`;
    const ending = name === 'stream' ? { ending: /^end .*\n$/m } : {};
    await once(at, name, { path, wanted: 200, timeoutMs: slowMs, agent: agent.agent, ...ending });
    // One that fails at once must not become a storm.
    await pause(500 - (monotonic() - began), at.stop);
  }
}

async function once(at: Surroundings, name: RequestClient, question: Question): Promise<void> {
  try {
    const answer = await ask(at.url, question);
    at.tally.good(name, at.url, answer.ms, answer.version);
    if (name === 'post') at.tally.acknowledged();
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    const { kind, version, message } = error;
    at.tally.bad(name, at.url, { kind, version, detail: message });
    // A refused connection fails in no time: without a pause, one client could fill the machine.
    await pause(20, at.stop);
  }
}

/** One socket after the other: the next one opens when the last one has ended. */
async function socketClient(at: Surroundings, forMs?: number): Promise<void> {
  while (!at.stop.aborted) {
    await talk({ ...at, ...(forMs === undefined ? {} : { forMs }) });
    await pause(100, at.stop);
  }
}

function oneConnection(): Disposable & { agent: Agent } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return { agent, [Symbol.dispose]: () => agent.destroy() };
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal: stop }).catch(() => {});
}
