import { didYouMean } from '../config/sluice-yml/suggest.ts';
import { list, type Reader } from './step/inputs.ts';

/** Parts of the pipeline, in the order they run. */
export type Stage = 'check' | 'build' | 'deploy' | 'cdn';
const present: readonly Stage[] = ['check', 'build', 'deploy', 'cdn'];

/** Reads `run: build,deploy`; undefined: whatever fits the event. */
export const stages: Reader<readonly Stage[] | undefined> = (given) => {
  const asked = list(given);
  for (const word of asked) {
    if (!present.some((stage) => stage === word)) {
      throw new Error(
        `has a part that does not exist${didYouMean(word, present)}; there are ${present.join(', ')}`,
      );
    }
  }
  return asked.length === 0 ? undefined : present.filter((stage) => asked.includes(stage));
};

/**
 * Without a word of the workflow: a change that is not merged (a pull request, an entry of a merge queue) is checked and built, and never deployed. A front end is published only
 * when it is asked for: the pipeline builds images, and what is in the folder is for the workflow to say.
 */
export function usualStages(push: boolean, isChange: boolean): readonly Stage[] {
  if (isChange) return ['check', 'build'];
  return push ? ['build', 'deploy'] : ['build'];
}
