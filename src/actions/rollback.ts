import { tellDeploy } from './results/deploy.ts';
import { defineAction } from './step/action.ts';
import { place, serverContextOf, serverLogin } from './step/credentials.ts';
import { deploymentInputs, recordedAfter } from './step/deployment.ts';
import { duration, flag, text } from './step/inputs.ts';
import { undoable, undoRest } from './step/post.ts';

export const action = defineAction({
  name: 'rollback',
  inputs: {
    target: text,
    release: text,
    watch: duration(3_600_000),
    wait: flag(false),
    ...place,
    ...serverLogin,
    ...deploymentInputs,
    'slack-webhook-url': text,
  },
  main: async (given, job) => {
    const context = serverContextOf(given, job.effects);
    const { target, release, watch: watchMs, wait } = given;
    job.effects.log.info(`Rolling back to ${release ?? 'the previous release'}`);
    const { rollbackTarget } = await import('../operations/deploy/rollback.ts');
    const rollback = () => rollbackTarget(context, target, { release, watchMs, wait });
    return tellDeploy(await recordedAfter(given, job, () => undoable(job, given, rollback)), job);
  },
  post: undoRest,
});
