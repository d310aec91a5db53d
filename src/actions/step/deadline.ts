import { type Effects, exitCodes } from '../../kernel/run.ts';

/**
 * The runner sends SIGINT, SIGTERM 7.5 s later, and ends everything 2.5 s after that (its ProcessInvoker.cs). A step that
 * is not through with its undo by then stops here: the connection's end frees the lease, the guard keeps or restores
 * what serves, and the post step does the rest.
 */
const lastMs = 6_200;

/** Ends the process when a cancelled step takes longer than it may. Dispose when the step has ended. */
export function lastMoment(phase: 'main' | 'post', { signal, log }: Effects, before: () => void): Disposable {
  const next = phase === 'main' ? 'post step' : 'next deploy';
  let timer: NodeJS.Timeout | undefined;
  const onAbort = () => {
    timer = setTimeout(() => {
      log.warn(`The time of a cancelled step is over: the ${next} finishes what is left`);
      before();
      process.exit(exitCodes.cancelled);
    }, lastMs);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    [Symbol.dispose]: () => {
      signal.removeEventListener('abort', onAbort);
      clearTimeout(timer);
    },
  };
}
