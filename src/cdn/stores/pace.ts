/**
 * Limits the requests in flight. The limit adapts to the store: each answer raises it a little, each sign of
 * overload halves it (AIMD, as in TCP).
 */
export interface Pace {
  /**
   * Waits for a turn, first in, first out. Rejects with the signal's reason on abort.
   *
   * @param urgent does not wait.
   */
  enter(urgent?: boolean): Promise<Turn>;
  /** Most requests in flight now. */
  limit(): number;
}

export interface Turn {
  /** @param outcome `busy`: the store is overloaded. */
  leave(outcome: 'answered' | 'busy'): void;
}

export interface PaceLimits {
  readonly start: number;
  readonly most: number;
}

export const paceLimits: PaceLimits = { start: 64, most: 256 };

export function createPace(signal: AbortSignal, limits: PaceLimits = paceLimits): Pace {
  let limit = limits.start;
  let running = 0;
  /** Number of the last halving: requests in flight at that time do not count against the new limit. */
  let halving = 0;
  const waiting = createQueue<{ go: () => void; stop: (reason: unknown) => void }>();
  signal.addEventListener('abort', () => {
    for (let next = waiting.take(); next !== undefined; next = waiting.take()) next.stop(signal.reason);
  });

  function begin(): Turn {
    running += 1;
    const since = halving;
    let left = false;
    return {
      leave(outcome) {
        if (left) return;
        left = true;
        running -= 1;
        if (outcome === 'answered') limit = Math.min(limits.most, limit + 1 / limit);
        else if (since === halving) {
          halving += 1;
          limit = Math.max(1, Math.floor(limit / 2));
        }
        while (running < Math.floor(limit)) {
          const next = waiting.take();
          if (next === undefined) return;
          next.go();
        }
      },
    };
  }

  function enter(urgent = false): Promise<Turn> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (urgent || running < Math.floor(limit)) return Promise.resolve(begin());
    return new Promise((resolve, reject) => {
      waiting.add({ go: () => resolve(begin()), stop: reject });
    });
  }

  return { enter, limit: () => Math.floor(limit) };
}

/**
 * Limits the bytes in memory. A request for more than the rest waits; one for more than the total gets all of
 * it.
 */
export interface Budget {
  /** Rejects with the signal's reason on abort. */
  take(bytes: number): Promise<() => void>;
}

export function createBudget(signal: AbortSignal, total: number): Budget {
  let left = total;
  const waiting = createQueue<{ need: number; go: () => void; stop: (reason: unknown) => void }>();
  signal.addEventListener('abort', () => {
    for (let next = waiting.take(); next !== undefined; next = waiting.take()) next.stop(signal.reason);
  });

  function hold(need: number): () => void {
    left -= need;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      left += need;
      for (let next = waiting.first(); next !== undefined && next.need <= left; next = waiting.first()) {
        waiting.take();
        next.go();
      }
    };
  }

  async function take(bytes: number): Promise<() => void> {
    signal.throwIfAborted();
    const need = Math.min(bytes, total);
    if (need <= left && waiting.first() === undefined) return hold(need);
    return new Promise((resolve, reject) => {
      waiting.add({ need, go: () => resolve(hold(need)), stop: reject });
    });
  }

  return { take };
}

/** First in, first out. A hundred thousand may wait, and `Array.shift` moves all of them each time. */
function createQueue<T>() {
  let items: T[] = [];
  let head = 0;
  return {
    add: (item: T) => void items.push(item),
    first: (): T | undefined => items[head],
    take(): T | undefined {
      const item = items[head];
      if (item === undefined) return undefined;
      head += 1;
      if (head > 1024 && head * 2 > items.length) {
        items = items.slice(head);
        head = 0;
      }
      return item;
    },
  };
}
