import { messageOf, userErrorsOf } from '../kernel/errors.ts';

/** A registry that did not answer a request, for the plan. */
export interface Unasked {
  readonly host: string;
  readonly why: string;
  readonly hint: string | undefined;
}

export interface Questions {
  /**
   * @returns the answer, or the reason why it is missing.
   * @throws the error of the request, unless a registry caused it and nothing is pushed.
   */
  ask<T>(
    host: string,
    question: () => Promise<T>,
  ): Promise<{ readonly answer: T } | { readonly unasked: string }>;
  /** Failed requests, without duplicates. */
  unasked(): readonly Unasked[];
}

/**
 * If a registry does not answer (no network, no login), a plan shows the rest, and a build that pushes nothing continues.
 * A build that pushes fails with that registry's error before it builds anything.
 *
 * @param isReader whether nothing is pushed.
 * @param signal of the run, not of the registries' deadline.
 */
export function askQuestions(isReader: boolean, signal: AbortSignal): Questions {
  const found = new Map<string, Unasked>();
  return {
    ask: async (host, question) => {
      try {
        return { answer: await question() };
      } catch (error) {
        signal.throwIfAborted();
        const [fault] = userErrorsOf(error);
        if (!isReader || fault?.code.startsWith('registry.') !== true) throw error;
        const why = messageOf(error);
        found.set(`${host} ${why}`, { host, why, hint: fault.hint });
        return { unasked: why };
      }
    },
    unasked: () => [...found.values()],
  };
}
