import type { OperationContext } from '../operations/context.ts';

/** Passed to every command by program.ts. */
export interface CommandContext extends OperationContext {
  readonly json: boolean;
  /** Whether the result on stdout has colors. */
  readonly colour: boolean;
}
