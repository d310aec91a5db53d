import { defineAction } from './action.ts';
import * as build from './build.ts';
import * as check from './check.ts';
import * as deploy from './deploy.ts';
import { readRunEvent } from './event.ts';
import { undoRest } from './post.ts';
import { stages, usualStages } from './stages.ts';

const inputs = { run: stages, ...check.inputs, ...build.inputs, ...deploy.inputs } as const;

/** The action at the top of the repository: the whole pipeline in one step. */
export const action = defineAction({
  name: 'pipeline',
  inputs,
  rules: (given) => [
    ...build.rules(given),
    ...(given.run !== undefined && !given.run.includes('build') && given.tags.length > 0
      ? ['tags is for images that are built, and run leaves out build']
      : []),
    ...(!given.push && given.run?.includes('build') && given.run.includes('deploy')
      ? ['push is false, so that nothing could be deployed: leave deploy out of run']
      : []),
  ],
  main: async (given, job) => {
    const run = given.run ?? usualStages(given.push, readRunEvent(job.effects.env).pullRequest);
    if (run.includes('check') && !(await check.runCheck(given, [], job))) return false;
    const built = run.includes('build') ? await build.runBuild(given, job) : undefined;
    // A plan of the deploy needs the images, which a dry run has not built.
    if (!run.includes('deploy') || (run.includes('build') && built === undefined)) return true;
    return await deploy.runDeploy({ ...given, images: { ...built, ...given.images } }, job);
  },
  post: undoRest,
});
