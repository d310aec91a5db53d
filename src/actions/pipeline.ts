import { didYouMean } from '../config/sluice-yml/suggest.ts';
import type { Effects } from '../kernel/run.ts';
import { besideChecks } from '../operations/checks/keys.ts';
import * as build from './build.ts';
import { publishInputs, runCdn } from './cdn.ts';
import * as check from './check.ts';
import * as deploy from './deploy.ts';
import { defineAction } from './step/action.ts';
import { readRunEvent } from './step/event.ts';
import { list, type Reader, type Values } from './step/inputs.ts';
import { undoRest } from './step/post.ts';

/** Parts of the pipeline, in the order they run. */
type Stage = 'check' | 'build' | 'deploy' | 'cdn';
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

const inputs = {
  run: stages,
  ...check.inputs,
  ...build.inputs,
  ...deploy.inputs,
  ...publishInputs,
} as const;

const rules = (given: Values<typeof inputs>): string[] => {
  const { run, push, tags, dist, 'allow-removals': allowRemovals } = given;
  return [
    ...build.rules(given),
    ...(run !== undefined && !run.includes('build') && tags.length > 0
      ? ['tags applies to images that are built, but run does not include build']
      : []),
    ...(!push && run?.includes('build') && run.includes('deploy')
      ? ['push is false, so there is nothing to deploy: remove deploy from run']
      : []),
    ...((dist !== undefined || allowRemovals) && run?.includes('cdn') !== true
      ? ['dist and allow-removals apply to a front end, but run does not include cdn']
      : []),
  ];
};

function stagesOf(given: Values<typeof inputs>, env: Effects['env']): readonly Stage[] {
  return given.run ?? usualStages(given.push, readRunEvent(env).change);
}

/** Also for keys of the runner itself: an agent, files in ~/.ssh, a role of the machine. */
function refuseKeysAfterChecks(run: readonly Stage[]): void {
  const [stage] = run.filter((asked) => asked === 'deploy' || asked === 'cdn');
  if (stage !== undefined && run.includes('check')) {
    throw besideChecks(`run also has ${stage}, which needs keys in the same job`);
  }
}

/** The action at the top of the repository: the whole pipeline in one step. */
export const action = defineAction({
  name: 'pipeline',
  inputs,
  rules,
  work: (given, env) => {
    const run = stagesOf(given, env);
    if (run.includes('check')) return 'checks';
    return run.every((stage) => stage === 'build') ? 'builds' : 'deploys';
  },
  main: async (given, job) => {
    const run = stagesOf(given, job.effects.env);
    refuseKeysAfterChecks(run);
    if (run.includes('check') && !(await check.runCheck(given, [], job))) return false;
    const built = run.includes('build') ? await build.runBuild(given, job) : undefined;
    // A plan of the deploy needs the images, and a dry run builds none.
    if (run.includes('deploy') && !(run.includes('build') && built === undefined)) {
      const images = { ...built, ...given.images };
      if (!(await deploy.runDeploy({ ...given, images }, job))) return false;
    }
    if (!run.includes('cdn')) return true;
    return await runCdn({ ...given, command: 'publish', name: given.release, to: undefined }, job, 'cdn-');
  },
  post: undoRest,
});
