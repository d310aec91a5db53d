import { relative, resolve } from 'node:path';
import { goesBack, inputs, rules, type SiteInputs } from './cdn-inputs.ts';
import { defineAction } from './step/action.ts';
import { contextOf, storeContextOf } from './step/credentials.ts';
import type { Job } from './step/job.ts';

/** @param prefix of the names of the outputs. @returns whether the site is what it should be. */
export async function runCdn(given: SiteInputs, job: Job, prefix = ''): Promise<boolean> {
  if (given.command === 'dist') return await tellFolder(given, job);
  const context = storeContextOf(given, job.effects);
  const { command, target, to, verify, 'allow-removals': allowRemovals } = given;
  job.effects.log.info(`sluice cdn ${command}${target === undefined ? '' : ` ${target}`}`);
  const site = await import('../operations/cdn/publish.ts');
  const { followed } = await import('../cdn/report/progress.ts');
  const tell = await import('./results/cdn.ts');
  const dist = given.dist === undefined ? undefined : resolve(given.dist);
  const release = { target, name: given.name, dist, allowRemovals, verify, repair: false };
  const back = { target, to, verify };
  const isBack = goesBack(given);
  if (command === 'verify') {
    const { verifyPublished } = await import('../operations/cdn/verify.ts');
    return await tell.tellLook(await verifyPublished(context, { target }), job);
  }
  if (command === 'plan') {
    const plan = isBack ? site.planSiteRollback(context, back) : site.planPublication(context, release);
    return await tell.tellSitePlan(await plan, job, prefix);
  }
  const done = await followed(job.effects, (hooks) =>
    isBack ? site.rollbackSite(context, back, hooks) : site.publishSite(context, release, hooks),
  );
  return await tell.tellPublication(done, job, prefix);
}

/** For a job that builds and has no keys: it uploads the folder for the job that publishes. */
async function tellFolder({ target, ...given }: SiteInputs, job: Job): Promise<true> {
  const { siteFolder } = await import('../operations/cdn/open.ts');
  const folder = relative(process.cwd(), await siteFolder(contextOf(given, job.effects), { target })) || '.';
  job.effects.log.info(`The folder to publish is ${folder}`);
  job.output('dist', folder);
  return true;
}

export const action = defineAction({ name: 'cdn', inputs, rules, main: (given, job) => runCdn(given, job) });
