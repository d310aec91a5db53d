import { isDebug } from '@actions/core';
import { userErrorsOf } from '../../kernel/errors.ts';
import { isOpen } from '../../kernel/process/child-env.ts';
import type { OwnEnvironment } from '../../kernel/process/environ.ts';
import { type Effects, exitCodes, run } from '../../kernel/run.ts';
import { secretInputs } from './credentials.ts';
import { readInputs, type Spec, type Values } from './inputs.ts';
import { type Job, openJob } from './job.ts';
import { refuseKeys, type Work } from './keys.ts';
import { advised, tellErrors } from './trouble.ts';

/** An action: its inputs and its work. */
export interface Action<S extends Spec> {
  readonly name: string;
  readonly inputs: S;
  /** Sentences about inputs that contradict each other; each names both. */
  readonly rules?: (inputs: Values<S>) => readonly string[];
  /** Whether it runs code of the change; the default only reads it. */
  readonly work?: (inputs: Values<S>, env: Effects['env']) => Work;
  /** @returns whether it succeeded. */
  readonly main: (inputs: Values<S>, job: Job) => Promise<boolean>;
  /** Runs when the job ends, whatever its result, and does what the main step had no time for. */
  readonly post?: PostStep<S>;
}

export interface PostStep<S extends Spec> {
  /** By the states of the main step: one that finished, or never began, leaves nothing to do. */
  readonly isNeeded: () => boolean;
  readonly run: (inputs: Values<S>, job: Job) => Promise<boolean>;
}

/** Checks the types of an action's inputs, and hides them from its caller. */
export function defineAction<S extends Spec>(action: Action<S>): StartableAction {
  return {
    spec: action.inputs,
    hasPost: action.post !== undefined,
    start: (phase, own) => start(action, phase, own),
  };
}

export interface StartableAction {
  readonly spec: Spec;
  readonly hasPost: boolean;
  readonly start: (phase: Phase, own: OwnEnvironment) => Promise<number>;
}

export type Phase = 'main' | 'post';

/**
 * Runs one step of an action: reads and masks the inputs; turns an error into an annotation, a summary and an exit
 * code. A cancelled step ends within the seconds that the runner allows.
 */
async function start<S extends Spec>(action: Action<S>, phase: Phase, own: OwnEnvironment): Promise<number> {
  // The main step has reported wrong inputs, for example.
  if (phase === 'post' && action.post?.isNeeded() !== true) return exitCodes.ok;
  const env = withoutInputs(own.env);
  return await run({ json: false, verbose: isDebug(), env }, async (effects) => {
    const job = await openJob(effects);
    using _deadline = lastMoment(phase, effects, () => job.close());
    try {
      for (const name of secretInputs) effects.mask.add(own.env[`INPUT_${name.toUpperCase()}`] ?? '');
      const inputs = readInputs(action.inputs, own.env, action.rules);
      const work = action.work?.(inputs, env) ?? 'deploys';
      if (phase === 'main') await refuseKeys(inputs, work, effects);
      if (work === 'checks' && !own.isCleared) warnOfLeftovers(own.env, effects);
      if (isDebug()) await (await import('./tools.ts')).listTools(effects.log);
      const ok = await (phase === 'post' ? action.post?.run(inputs, job) : action.main(inputs, job));
      if (effects.signal.aborted) return exitCodes.cancelled;
      return ok === false ? exitCodes.failed : exitCodes.ok;
    } catch (error) {
      const shown = advised(error);
      await tellErrors(action.name, shown, userErrorsOf(shown), job);
      throw shown;
    } finally {
      job.close();
    }
  });
}

/** Without the inputs of the step, which compose files and tools must not see. */
function withoutInputs(env: OwnEnvironment['env']): OwnEnvironment['env'] {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('INPUT_')));
}

/** On a system without Linux's /proc/self/mem. */
function warnOfLeftovers(env: OwnEnvironment['env'], { log }: Effects): void {
  const left = Object.entries(env).filter(([name, value]) => value && !isOpen(name, value));
  if (left.length === 0) return;
  const names = left.map(([name]) => name).join(', ');
  log.warn(`Sluice cannot clear its environment on this system: code of the change can read ${names}`);
}

/**
 * The runner sends SIGINT, SIGTERM 7.5 s later, and kills all processes 2.5 s after that (its ProcessInvoker.cs). A step
 * that has not finished its undo by then stops here: the end of the connection frees the lease, the guard keeps or
 * restores the serving release, and the post step does the rest.
 */
const lastMs = 6_200;

/** Ends the process if a cancelled step takes too long. Dispose it when the step has ended. */
function lastMoment(phase: 'main' | 'post', { signal, log }: Effects, before: () => void): Disposable {
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
