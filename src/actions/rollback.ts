import { defineAction } from './action.ts';
import { place, serverContextOf, serverLogin } from './credentials.ts';
import { tellDeploy } from './deploy-result.ts';
import { deploymentInputs, recordedAfter } from './deployment.ts';
import { duration, flag, text } from './inputs.ts';
import { undoable, undoRest } from './post.ts';

export const action = defineAction({
  name: 'rollback',
  inputs: {
    ...{ target: text, release: text, watch: duration(3_600_000), wait: flag(false) },
    ...{ ...place, ...serverLogin, ...deploymentInputs, 'slack-webhook-url': text },
  },
  main: async (given, job) => {
    const context = serverContextOf(given, job.effects);
    const { target, release, watch: watchMs, wait } = given;
    job.effects.log.info(`Sluice rolls back to ${release ?? 'the release before'}`);
    const { rollbackTarget } = await import('../operations/rollback.ts');
    const rollback = () => rollbackTarget(context, target, { release, watchMs, wait });
    return tellDeploy(await recordedAfter(given, job, () => undoable(job, given, rollback)), job);
  },
  post: undoRest,
});
