import type { Effects } from '../kernel/run.ts';

/** What every command gets from main.ts. */
export interface CommandContext {
  readonly effects: Effects;
  /** Path given with --config. */
  readonly config: string | undefined;
  readonly json: boolean;
}
