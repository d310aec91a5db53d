import type { Category } from '../checks/model.ts';
import { defineAction, type StartableAction } from './step/action.ts';
import { keepsToken } from './step/event.ts';
import { text, type Values } from './step/inputs.ts';
import type { Job } from './step/job.ts';

export const inputs = { config: text, since: text } as const;

/** @returns whether the verdict is a pass. */
export async function runCheck(
  given: Values<typeof inputs>,
  categories: readonly Category[],
  job: Job,
): Promise<boolean> {
  const { effects } = job;
  effects.log.info(`Running ${categories.length === 0 ? 'all checks' : categories.join(' and ')}`);
  if (await keepsToken(effects)) {
    job.annotate({
      level: 'warning',
      title: 'sluice: token in .git/config',
      message:
        'actions/checkout left the token of the job in .git/config, where code of the change can read it.\n→ Set `persist-credentials: false` on actions/checkout.',
    });
  }
  const { checkRepository } = await import('../operations/checks/check.ts');
  const { tellChecks } = await import('./results/check.ts');
  const context = { effects, config: given.config };
  const done = await checkRepository(context, { categories, only: [], since: given.since });
  return await tellChecks(done, categories, job);
}

/** The actions lint, test and scan. */
export function checkAction(category: Category): StartableAction {
  return defineAction({
    name: category,
    inputs,
    work: () => 'checks',
    main: (given, job) => runCheck(given, [category], job),
  });
}
