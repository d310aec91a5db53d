import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, Unanswered } from '../../bed/load/ask.ts';

/** Clients that ask some URLs all the time, and never a second time for the same answer. */
export interface SteadyLoad {
  /** Versions that have answered. */
  readonly versions: ReadonlySet<string>;
  /** Requests that were answered well. */
  readonly answered: number;
  /** Stops, waits for the answers that are under way, and gives one line for each failure. */
  stop(): Promise<readonly string[]>;
}

const everyMs = 25;

/**
 * GET and POST, over connections that are kept and over fresh ones, to each URL.
 *
 * @param urls with a path; only addresses of this machine (127.0.0.x).
 */
export function startSteadyLoad(urls: readonly string[]): SteadyLoad {
  const state = { versions: new Set<string>(), answered: 0, running: true };
  const failures: string[] = [];
  const began = performance.now();
  const client = async (url: URL, method: 'GET' | 'POST', isKept: boolean): Promise<void> => {
    const agent = isKept ? new Agent({ keepAlive: true, maxSockets: 1 }) : false;
    for (let turn = 0; state.running; turn++) {
      try {
        const answer = await ask(url.origin, {
          method,
          path: `${url.pathname}?${turn}`,
          ...(method === 'POST' ? { json: { turn } } : {}),
          ...{ agent, wanted: 200, timeoutMs: 10_000 },
        });
        state.answered += 1;
        if (answer.version !== undefined) state.versions.add(answer.version);
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error;
        const at = Math.round(performance.now() - began);
        failures.push(
          `${at} ms: ${method} ${url.pathname} ${isKept ? 'kept' : 'fresh'}: ${error.kind} ${error.message} (${error.version ?? 'no version'})`,
        );
      }
      await sleep(everyMs);
    }
    if (agent !== false) agent.destroy();
  };
  const clients = Promise.all(
    urls.flatMap((url) =>
      (['GET', 'POST'] as const).flatMap((method) =>
        [true, false].map((isKept) => client(new URL(url), method, isKept)),
      ),
    ),
  );
  // A bug of the load itself is reported by stop(), which waits for it.
  clients.catch(() => {});
  return {
    versions: state.versions,
    get answered() {
      return state.answered;
    },
    stop: async () => {
      state.running = false;
      await clients;
      return failures;
    },
  };
}
