import type { Category } from '../checks/model.ts';
import { text, type Values } from './inputs.ts';
import type { Job } from './job.ts';

export const inputs = { config: text, since: text } as const;

/** @returns whether the verdict is a pass. */
export async function runCheck(
  given: Values<typeof inputs>,
  categories: readonly Category[],
  job: Job,
): Promise<boolean> {
  const { effects } = job;
  const what = categories.length === 0 ? 'checks the change' : `runs ${categories.join(' and ')}`;
  effects.log.info(`Sluice ${what}`);
  const { checkRepository } = await import('../operations/check.ts');
  const { tellChecks } = await import('./check-result.ts');
  const context = { effects, config: given.config };
  const done = await checkRepository(context, { categories, only: [], since: given.since });
  return await tellChecks(done, categories, job);
}
