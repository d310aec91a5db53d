import { followed } from '../../../cdn/report/progress.ts';
import { planSiteRollback, rollbackSite } from '../../../operations/cdn/publish.ts';
import type { CommandContext } from '../../context.ts';
import { finishPublication, printPlan, type SiteOptions, siteTarget } from '../../site.ts';

export interface SiteRollbackOptions extends SiteOptions {
  readonly to?: string;
  readonly plan: boolean;
  readonly verify: boolean;
}

export async function execute(
  context: CommandContext,
  target: string | undefined,
  options: SiteRollbackOptions,
): Promise<number> {
  const { to, verify } = options;
  const request = { target: siteTarget(target, options), to, verify };
  if (options.plan) return printPlan(context, await planSiteRollback(context, request));
  const report = await followed(context.effects, (hooks) => rollbackSite(context, request, hooks));
  return finishPublication(context, report);
}
