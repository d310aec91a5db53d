import { relative, resolve } from 'node:path';
import { defineAction } from './step/action.ts';
import { contextOf, place, storeContextOf } from './step/credentials.ts';
import { choice, flag, text, type Values } from './step/inputs.ts';
import type { Job } from './step/job.ts';

/** Inputs of the pipeline too. */
export const publishInputs = { dist: text, 'allow-removals': flag(false), verify: flag(true) } as const;

const command = choice('publish', 'plan', 'rollback', 'verify', 'dist');
const inputs = {
  target: text,
  command,
  'dry-run': flag(false),
  name: text,
  to: text,
  ...publishInputs,
  ...place,
} as const;
export type SiteInputs = Values<typeof inputs>;

/** `plan` with `to` plans a rollback. */
function goesBack({ command, to }: SiteInputs): boolean {
  return command === 'rollback' || (command === 'plan' && to !== undefined);
}

export function rules(given: SiteInputs): string[] {
  const { command, to, name, dist, 'allow-removals': allowRemovals, 'dry-run': dryRun } = given;
  const isPublished = !goesBack(given) && command !== 'verify' && command !== 'dist';
  const ofFolder = [
    ...(name === undefined ? [] : ['name']),
    ...(dist === undefined ? [] : ['dist']),
    ...(allowRemovals ? ['allow-removals'] : []),
  ];
  return [
    ...(dryRun && (command === 'verify' || command === 'dist')
      ? [`dry-run applies to publish and rollback, but command is ${command}`]
      : []),
    ...(to !== undefined && !goesBack(given)
      ? [`to applies to a rollback or to its plan, but command is ${command}`]
      : []),
    ...(ofFolder.length > 0 && !isPublished
      ? [
          `${ofFolder.join(', ')} apply only when a folder is published, but command is ${command}${command === 'plan' ? ' of a rollback' : ''}`,
        ]
      : []),
  ];
}

/** @param prefix of the names of the outputs. @returns whether the site is what it should be. */
export async function runCdn(given: SiteInputs, job: Job, prefix = ''): Promise<boolean> {
  if (given.command === 'dist') return await tellFolder(given, job);
  const context = storeContextOf(given, job.effects);
  const { command, target, to, verify, 'allow-removals': allowRemovals } = given;
  const dryRun = command === 'plan' || given['dry-run'];
  const options = `${given['dry-run'] ? ' --dry-run' : ''}${target === undefined ? '' : ` ${target}`}`;
  job.effects.log.info(`sluice cdn ${command}${options}`);
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
  if (dryRun) {
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
