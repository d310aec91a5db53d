import { tellBuild, tellPlan } from './results/build.ts';
import { defineAction } from './step/action.ts';
import { contextOf, place, registryLogin } from './step/credentials.ts';
import { flag, list, text, type Values } from './step/inputs.ts';
import type { Job } from './step/job.ts';

export const inputs = {
  target: text,
  tags: list,
  push: flag(true),
  force: flag(false),
  'dry-run': flag(false),
  ...place,
  ...registryLogin,
  'github-token': text,
} as const;

export const rules = (given: Values<typeof inputs>): string[] =>
  given['registry-user'] !== undefined && given['registry-password'] === undefined
    ? ['registry-user needs registry-password: check that its secret is set']
    : [];

/** @returns the images by service; undefined after a dry run. */
export async function runBuild(given: Values<typeof inputs>, job: Job) {
  const context = contextOf(given, job.effects);
  const { tags, push, force, 'dry-run': dryRun } = given;
  job.effects.log.info(`${dryRun ? 'Planning the build' : 'Building the images'}`);
  const { buildImages } = await import('../operations/build/build.ts');
  const { plan, report } = await buildImages(context, given.target, { tags, push, force, dryRun });
  await (report === undefined ? tellPlan(plan, job) : tellBuild(report, job));
  return report?.images;
}

export const action = defineAction({
  name: 'build',
  inputs,
  rules,
  work: () => 'builds',
  main: async (given, job) => {
    await runBuild(given, job);
    return true;
  },
});
