import { followed } from '../../../cdn/report/progress.ts';
import { publishSite } from '../../../operations/cdn/publish.ts';
import type { CommandContext } from '../../context.ts';
import { finishPublication, type PublishOptions, publishRequest } from '../../site.ts';

export async function execute(
  context: CommandContext,
  target: string | undefined,
  options: PublishOptions,
): Promise<number> {
  const request = publishRequest(target, options);
  const report = await followed(context.effects, (hooks) => publishSite(context, request, hooks));
  return finishPublication(context, report);
}
