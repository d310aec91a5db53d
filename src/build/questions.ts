import { messageOf, userErrorsOf } from '../kernel/errors.ts';

/** A registry that did not answer, or not this question; what a plan shows beside the things it knows. */
export interface Unasked {
  readonly host: string;
  readonly why: string;
  readonly hint: string | undefined;
}

export interface Questions {
  /**
   * @returns the answer; or why there is none.
   * @throws what the question throws, unless it is the fault of a registry and nothing is pushed.
   */
  ask<T>(
    host: string,
    question: () => Promise<T>,
  ): Promise<{ readonly answer: T } | { readonly unasked: string }>;
  /** What was not answered, each once. */
  unasked(): readonly Unasked[];
}

/**
 * A plan says what is known when a registry does not answer (no network, no login), and a build that pushes nothing builds.
 * A build that pushes ends with that registry's error, before it has built anything.
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
