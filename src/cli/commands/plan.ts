import type { DeployPlan } from '../../deploy/model.ts';
import { planText } from '../../deploy/plan/plan-text.ts';
import { exitCodes } from '../../kernel/run.ts';
import { planTarget } from '../../operations/deploy/plan.ts';
import { imageArguments } from '../arguments.ts';
import type { CommandContext } from '../context.ts';

export interface PlanCommandOptions {
  readonly release?: string;
  readonly image: readonly string[];
  readonly images?: string;
  readonly replace: readonly string[];
}

export async function execute(
  context: CommandContext,
  targetName: string | undefined,
  options: PlanCommandOptions,
): Promise<number> {
  const images = await imageArguments(options.image, options.images);
  const plan = await planTarget(context, targetName, {
    release: options.release,
    images,
    replace: options.replace,
  });
  if (context.json) context.effects.print(JSON.stringify({ ok: true, plan: publicPlan(plan) }));
  else context.effects.print(planText(plan));
  return exitCodes.ok;
}

/** The plan without the release records: they contain the values of variables. */
function publicPlan(plan: DeployPlan) {
  return {
    ...plan,
    hosts: plan.hosts.map(({ record: _record, edges, ...rest }) => ({
      ...rest,
      edges: edges.map(({ files: _files, ...edge }) => edge),
    })),
  };
}
