import { systemClock } from '../../../src/kernel/clock.ts';
import { createMask } from '../../../src/kernel/masking/mask.ts';
import type { OperationContext } from '../../../src/operations/context.ts';
import { silentLog } from './open.ts';

/**
 * What the command line gives its operations, for steps of a test that need no process of their own.
 *
 * @param config path of sluice.yml.
 */
export function contextOf(config: string, env: Readonly<Record<string, string>>): OperationContext {
  const mask = createMask();
  const { signal } = new AbortController();
  return { effects: { log: silentLog(), clock: systemClock, mask, signal, env, print: () => {} }, config };
}
