import { planPublication } from '../../../operations/cdn/publish.ts';
import type { CommandContext } from '../../context.ts';
import { type PublishOptions, printPlan, publishRequest } from '../../site.ts';

export async function execute(
  context: CommandContext,
  target: string | undefined,
  options: PublishOptions,
): Promise<number> {
  return printPlan(context, await planPublication(context, publishRequest(target, options)));
}
