import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, type Question, Unanswered } from './ask.ts';
import { monotonic } from './clock.ts';
import type { Asked, LoadOptions, RequestClient } from './model.ts';
import type { Tally } from './tally.ts';
import { talk } from './websocket.ts';

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
  readonly quickMs: number;
  readonly paths: readonly string[];
}

/** Starts all clients for all URLs; resolves when, after the stop, the last answer has come. */
export async function runClients(options: LoadOptions, tally: Tally, stop: AbortSignal): Promise<void> {
  const rate = (options.rate ?? 350) / options.urls.length;
  const {
    slowSeconds = 5,
    timeoutSeconds = 10,
    webSockets = 2,
    withoutData = false,
    withoutSlow = false,
  } = options;
  const kinds = mix.filter(({ name }) => !withoutData || name !== 'post');
  const shares = kinds.reduce((sum, { share }) => sum + share, 0);
  const answered = quickPaths.filter((path) => !options.withoutPage || path !== '/');
  const paths = withoutData ? ['/api/version'] : answered;
  await Promise.all(
    options.urls.map(async (url) => {
      const at: Surroundings = { url, tally, stop, quickMs: timeoutSeconds * 1000, paths };
      const quick = kinds.flatMap(({ name, share, clients }) =>
        Array.from({ length: clients }, (_, index) =>
          quickClient(at, name, index, (1000 * clients * shares) / (rate * share), index / clients),
        ),
      );
      const patient = withoutSlow
        ? []
        : [
            ...Array.from({ length: 3 }, (_, index) => patientClient(at, 'slow', index, slowSeconds)),
            ...Array.from({ length: 2 }, (_, index) => patientClient(at, 'stream', index, slowSeconds)),
          ];
      const sockets = Array.from({ length: webSockets }, (_, index) => socketClient(at, index));
      await Promise.all([...quick, ...patient, ...sockets, socketClient(at, webSockets, shortWebSocketMs)]);
    }),
  );
}

async function quickClient(
  at: Surroundings,
  name: 'keep-alive' | 'fresh' | 'post',
  who: number,
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
    const question = { ...quickQuestion(at, name, turn), wanted: name === 'post' ? 201 : 200 };
    await once(at, name, who, { ...question, agent: name === 'fresh' ? false : agent.agent });
  }
}

const quickPaths = ['/api/books/1', '/api/books', '/api/version', '/'];

function quickQuestion(
  { quickMs, paths }: Surroundings,
  name: 'keep-alive' | 'fresh' | 'post',
  turn: number,
): Omit<Question, 'agent' | 'wanted'> {
  if (name === 'post') {
    const json = { book_id: 1 + (turn % 5), page: 1 + (turn % 90) };
    return { method: 'POST', path: '/api/bookmarks', json, timeoutMs: quickMs };
  }
  return { path: paths[turn % paths.length] ?? '/', timeoutMs: quickMs };
}

/** Answers that take 2 s and more (less only where that is the longest), one after the other. */
async function patientClient(
  at: Surroundings,
  name: 'slow' | 'stream',
  who: number,
  longest: number,
): Promise<void> {
  using agent = oneConnection();
  for (let turn = who; !at.stop.aborted; turn++) {
    const shortest = Math.min(2, longest);
    const seconds = shortest + ((turn * 0.7) % Math.max(0.1, longest - shortest));
    const began = monotonic();
    const path = `/api/${name}?seconds=${seconds.toFixed(1)}`;
    const ending = name === 'stream' ? { ending: /^end .*\n$/m } : {};
    await once(at, name, who, { path, wanted: 200, timeoutMs: slowMs, agent: agent.agent, ...ending });
    // One that fails at once must not become a storm.
    await pause(500 - (monotonic() - began), at.stop);
  }
}

async function once(at: Surroundings, name: RequestClient, who: number, question: Question): Promise<void> {
  const asked: Asked = { client: name, url: at.url, who, at: monotonic() };
  try {
    const answer = await ask(at.url, question);
    at.tally.good(asked, answer.version);
    if (name === 'post') at.tally.acknowledged();
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    const { kind, version, message } = error;
    at.tally.bad(asked, { kind, version, detail: message });
    // A refused connection fails in no time: without a pause, one client could fill the machine.
    await pause(20, at.stop);
  }
}

/** One socket after the other: the next one opens when the last one has ended. */
async function socketClient(at: Surroundings, who: number, forMs?: number): Promise<void> {
  while (!at.stop.aborted) {
    await talk({ ...at, who, ...(forMs === undefined ? {} : { forMs }) });
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
