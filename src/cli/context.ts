import type { OperationContext } from '../operations/context.ts';

/** What every command gets from main.ts. */
export interface CommandContext extends OperationContext {
  readonly json: boolean;
}
