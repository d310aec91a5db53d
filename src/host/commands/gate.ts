/** Admits a limited number at a time, first come, first served. */
export class Gate {
  #limit: number;
  #inside = 0;
  #tickets = 0;
  readonly #queue: Waiter[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get limit(): number {
    return this.#limit;
  }

  get inside(): number {
    return this.#inside;
  }

  /**
   * Resolves when there is room; call leave() once for each time.
   *
   * @param ticket a place in the order; a task that had to leave returns with the same ticket.
   * @throws the signal's reason on abort while waiting.
   */
  enter(signals: readonly AbortSignal[], ticket: number = this.ticket()): Promise<void> {
    const aborted = signals.find((signal) => signal.aborted);
    if (aborted) return Promise.reject(aborted.reason);
    if (this.#inside < this.#limit && this.#queue.length === 0) {
      this.#inside++;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const stop = () => {
        for (const signal of signals) signal.removeEventListener('abort', onAbort);
      };
      const admit = () => {
        stop();
        resolve();
      };
      const waiter: Waiter = { ticket, admit };
      const onAbort = (event: Event) => {
        stop();
        this.#queue.splice(this.#queue.indexOf(waiter), 1);
        reject((event.target as AbortSignal).reason);
      };
      for (const signal of signals) signal.addEventListener('abort', onAbort, { once: true });
      const before = this.#queue.findIndex((candidate) => candidate.ticket > ticket);
      this.#queue.splice(before < 0 ? this.#queue.length : before, 0, waiter);
    });
  }

  /** The last place. */
  ticket(): number {
    return this.#tickets++;
  }

  leave(): void {
    this.#inside--;
    this.#admit();
  }

  /** Lowers the limit; tasks inside stay. */
  narrow(limit: number): void {
    this.#limit = Math.max(1, Math.min(this.#limit, limit));
  }

  /** Raises the limit and admits waiting tasks. */
  widen(limit: number): void {
    this.#limit = Math.max(this.#limit, limit);
    this.#admit();
  }

  #admit(): void {
    while (this.#inside < this.#limit) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#inside++;
      next.admit();
    }
  }
}

interface Waiter {
  readonly ticket: number;
  readonly admit: () => void;
}
