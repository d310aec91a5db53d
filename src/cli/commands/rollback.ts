import { targetAndName } from '../../operations/deploy/open.ts';
import { rollbackTarget } from '../../operations/deploy/rollback.ts';
import type { CommandContext } from '../context.ts';
import { parseWatch } from '../duration.ts';
import { finish } from '../finish.ts';

export async function execute(
  context: CommandContext,
  targetName: string | undefined,
  options: { readonly argument?: string; readonly watch?: string; readonly wait?: boolean },
): Promise<number> {
  const watchMs = parseWatch(options.watch);
  const given = await targetAndName(context, targetName, options.argument);
  return finish(
    context,
    await rollbackTarget(context, given.target, {
      ...{ release: given.name, watchMs },
      wait: options.wait === true,
    }),
  );
}
