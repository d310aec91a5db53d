import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Connection } from '../ssh/connection.ts';
import { killScript } from './kill-script.ts';
import { Shell, scriptLine, scriptText } from './shell.ts';

/**
 * Ends commands on the host, with all their processes. It uses one session beside the eight of the pool, one command at a
 * time.
 */
export class Reaper {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #runs = new Set<Shell>();
  #round: Promise<void> | undefined;

  constructor(connection: Connection, effects: { readonly clock: Clock; readonly log: Log }) {
    this.#connection = connection;
    this.#clock = effects.clock;
    this.#log = effects.log;
  }

  /**
   * Ends all processes of this shell. Resolves when they are gone, when that is impossible, or when the connection ends;
   * never rejects.
   */
  async end(shell: Shell): Promise<void> {
    // Most commands are one process group, which sshd can signal without a round trip.
    shell.signal('TERM');
    this.#runs.add(shell);
    while (this.#runs.has(shell)) {
      this.#round ??= this.#sweep().finally(() => {
        this.#round = undefined;
      });
      await this.#round;
    }
  }

  async #sweep(): Promise<void> {
    const batch = [...this.#runs];
    try {
      await this.#kill(batch);
    } catch (error) {
      const { label, over } = this.#connection;
      if (!over.aborted) this.#log.warn(`${label}: cannot end an abandoned command: ${messageOf(error)}`);
    }
    for (const shell of batch) this.#runs.delete(shell);
  }

  async #kill(runs: readonly Shell[]): Promise<void> {
    const shell = await this.#open();
    const late = runs.some((run) => !run.ready()) ? 'late' : 'now';
    shell.begin(scriptLine(shell.mark, [late, ...runs.map((run) => `${run.mark}:${run.session() ?? ''}`)]));
    shell.stdio.end(scriptText(shell.mark, killScript));
    await shell.begun;
    let answer = '';
    shell.stdio.on('data', (chunk: Buffer) => {
      answer = (answer + chunk.toString()).slice(-1000);
    });
    shell.stdio.resume();
    shell.stderr.resume();
    const { code } = await shell.exit;
    if (code !== 0)
      this.#log.warn(`${this.#connection.label}: processes of an ended command still run: ${answer.trim()}`);
  }

  async #open(): Promise<Shell> {
    for (let tries = 0; ; tries++) {
      try {
        return await Shell.open(this.#connection);
      } catch (error) {
        // Over MaxSessions: sshd frees a place when the first of the signaled commands is gone.
        if (tries >= 20 || this.#connection.over.aborted) throw error;
        await this.#clock.sleep(100);
      }
    }
  }
}
