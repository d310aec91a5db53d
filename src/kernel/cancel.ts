import { UserError } from './errors.ts';

/** Turns SIGINT and SIGTERM into one AbortSignal. Dispose to restore the default handlers. */
export function cancellation(): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals) =>
    controller.abort(new UserError({ code: 'cancelled', message: `Cancelled (${name})` }));
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}

/** Whether `error` is the cancellation of this signal, not a failure. */
export function isCancellation(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && error === signal.reason;
}
