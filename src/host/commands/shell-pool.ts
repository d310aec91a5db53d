import type { Clock } from '../../kernel/clock.ts';
import { UserError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Connection } from '../ssh/connection.ts';
import { SessionRefused } from '../ssh/session.ts';
import { Gate } from './gate.ts';
import { Shell } from './shell.ts';

/** Below sshd's MaxSessions of 10, whose slots are freed late (of 14 parallel commands, 4 failed). */
const most = 8;
/** Idle shells: for the next command and one more. */
const spare = 2;
/** Retry after a refusal: slots may have been occupied only for a moment. */
const narrowMs = 2_000;

/**
 * The shells of one connection: at most eight at once, of which up to two wait for work, so that a command usually
 * costs one round trip and no start of a login shell.
 */
export class ShellPool {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #gate = new Gate(most);
  /** Not in use yet; some are still opening. */
  #idle: Promise<Shell>[] = [];
  #closed = false;

  constructor(connection: Connection, effects: { readonly clock: Clock; readonly log: Log }) {
    this.#connection = connection;
    this.#clock = effects.clock;
    this.#log = effects.log;
    this.#refill();
  }

  /**
   * A shell for one line. Its place is free again when it ends.
   *
   * @throws UserError `host.sessions-refused`; the reason of the signal, or of the end of the connection.
   */
  async acquire(signal?: AbortSignal): Promise<Shell> {
    const { over } = this.#connection;
    const signals = signal === undefined ? [over] : [over, signal];
    const ticket = this.#gate.ticket();
    await this.#gate.enter(signals, ticket);
    for (let refusals = 0; ; ) {
      const opening = this.#idle.shift() ?? Shell.open(this.#connection);
      this.#refill();
      try {
        const shell = await opening;
        if (shell.stdio.destroyed || shell.stdio.readableEnded) continue;
        void shell.exit.then(() => this.#release());
        return shell;
      } catch (error) {
        if (!(error instanceof SessionRefused)) {
          this.#gate.leave();
          throw error;
        }
        await this.#stepOut(error, refusals++, signals, ticket);
      }
    }
  }

  /** Ends idle shells; the others continue. */
  close(): void {
    this.#closed = true;
    for (const opening of this.#idle.splice(0)) void opening.then((shell) => shell.drop()).catch(() => {});
  }

  /**
   * The server allows fewer sessions than expected. If other commands run, this waits for one of them to end, or for a
   * moment; otherwise it waits until sshd has noticed the end of the last one.
   */
  async #stepOut(
    refusal: SessionRefused,
    refusals: number,
    signals: AbortSignal[],
    ticket: number,
  ): Promise<void> {
    const others = this.#gate.inside - 1 + this.#idle.length;
    this.#log.detail(`${this.#connection.label} refuses another session (${others} are open)`);
    this.#narrow(others);
    if (others > 0) {
      this.#gate.leave();
      return this.#gate.enter(signals, ticket);
    }
    try {
      if (refusals >= 20) throw sessionsRefused(this.#connection.label, refusal);
      await this.#clock.sleep(100, AbortSignal.any(signals));
    } catch (error) {
      this.#gate.leave();
      throw error;
    }
  }

  #narrow(limit: number): void {
    this.#gate.narrow(limit);
    setTimeout(() => this.#gate.widen(most), narrowMs).unref();
  }

  #release(): void {
    this.#gate.leave();
    this.#refill();
  }

  #refill(): void {
    while (
      !this.#closed &&
      !this.#connection.over.aborted &&
      this.#idle.length < spare &&
      this.#idle.length + this.#gate.inside < this.#gate.limit
    ) {
      const opening = Shell.open(this.#connection);
      this.#idle.push(opening);
      const forget = () => {
        this.#idle = this.#idle.filter((promise) => promise !== opening);
      };
      opening.then(
        // An idle shell that ends (TMOUT, ChannelTimeout in sshd_config) is replaced when one is needed.
        (shell) => void shell.exit.then(forget),
        (error) => {
          const mine = this.#idle.includes(opening);
          forget();
          if (mine && error instanceof SessionRefused) this.#narrow(this.#gate.inside + this.#idle.length);
        },
      );
    }
  }
}

function sessionsRefused(label: string, cause: SessionRefused): UserError {
  return new UserError({
    code: 'host.sessions-refused',
    message: `${label} refuses a session: ${cause.message}`,
    hint: 'Raise MaxSessions in its sshd_config (10 is the default); 0 forbids commands altogether.',
    cause,
  });
}
