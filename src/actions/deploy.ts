import { images } from './images-input.ts';
import { tellDeploy } from './results/deploy.ts';
import { defineAction } from './step/action.ts';
import { place, registryLogin, serverContextOf, serverLogin } from './step/credentials.ts';
import { deploymentInputs, recorded } from './step/deployment.ts';
import { duration, flag, list, text, type Values } from './step/inputs.ts';
import type { Job } from './step/job.ts';
import { undoable, undoRest } from './step/post.ts';

export const inputs = {
  ...{ target: text, release: text, images, watch: duration(3_600_000), 'dry-run': flag(false) },
  ...{ backup: flag(true), migrate: flag(true), preflight: flag(true) },
  ...{ force: flag(false), 'replace-edges': flag(false), replace: list, wait: flag(false) },
  ...{ ...place, ...serverLogin, ...registryLogin, ...deploymentInputs, 'slack-webhook-url': text },
} as const;

export async function runDeploy(given: Values<typeof inputs>, job: Job): Promise<boolean> {
  const context = serverContextOf(given, job.effects);
  const { target, release, watch: watchMs, 'replace-edges': replaceEdges } = given;
  job.effects.log.info(`Deploying ${release ?? 'this commit'}${target ? ` to ${target}` : ''}`);
  if (given['dry-run']) {
    const { printPlan } = await import('./results/plan.ts');
    return await printPlan(context, given, job);
  }
  const { deployTarget } = await import('../operations/deploy/deploy.ts');
  const deploy = () => deployTarget(context, target, { ...given, release, watchMs, replaceEdges });
  return tellDeploy(await recorded(given, job, () => undoable(job, given, deploy)), job);
}

export const action = defineAction({ name: 'deploy', inputs, main: runDeploy, post: undoRest });
