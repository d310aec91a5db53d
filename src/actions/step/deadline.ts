import { type Effects, exitCodes } from '../../kernel/run.ts';

/**
 * The runner sends SIGINT, SIGTERM 7.5 s later, and kills all processes 2.5 s after that (its ProcessInvoker.cs). A step
 * that has not finished its undo by then stops here: the end of the connection frees the lease, the guard keeps or
 * restores the serving release, and the post step does the rest.
 */
const lastMs = 6_200;

/** Ends the process if a cancelled step takes too long. Dispose it when the step has ended. */
export function lastMoment(phase: 'main' | 'post', { signal, log }: Effects, before: () => void): Disposable {
  const next = phase === 'main' ? 'post step' : 'next deploy';
  let timer: NodeJS.Timeout | undefined;
  const onAbort = () => {
    timer = setTimeout(() => {
      log.warn(`A cancelled step has no more time: the ${next} finishes the rest`);
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
