import { didYouMean } from '../config/sluice-yml/suggest.ts';
import { list, type Reader } from './step/inputs.ts';

/** Parts of the pipeline, in the order they run. */
export type Stage = 'check' | 'build' | 'deploy' | 'cdn';
const present: readonly Stage[] = ['check', 'build', 'deploy', 'cdn'];

/** Reads `run: build,deploy`; undefined: the default for the event. */
export const stages: Reader<readonly Stage[] | undefined> = (given) => {
  const asked = list(given);
  for (const word of asked) {
    if (!present.some((stage) => stage === word)) {
      throw new Error(`has an unknown part (available: ${present.join(', ')})${didYouMean(word, present)}`);
    }
  }
  return asked.length === 0 ? undefined : present.filter((stage) => asked.includes(stage));
};

/**
 * The default without `run`: an unmerged change (a pull request, an entry of a merge queue) is checked and built, never
 * deployed. A front end is published only on request, because only the workflow knows how its folder is built.
 */
export function usualStages(push: boolean, isChange: boolean): readonly Stage[] {
  if (isChange) return ['check', 'build'];
  return push ? ['build', 'deploy'] : ['build'];
}
