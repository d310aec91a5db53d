import { deployTarget } from '../../operations/deploy/deploy.ts';
import type { CommandContext } from '../context.ts';
import { parseWatch } from '../duration.ts';
import { finish } from '../finish.ts';
import { imageArguments } from '../images.ts';

export interface DeployCommandOptions {
  readonly release?: string;
  readonly image: readonly string[];
  readonly images?: string;
  readonly watch?: string;
  readonly backup: boolean;
  readonly migrate: boolean;
  readonly preflight: boolean;
  readonly force: boolean;
  readonly wait: boolean;
  readonly replaceEdges: boolean;
  readonly replace: readonly string[];
}

export async function execute(
  context: CommandContext,
  targetName: string | undefined,
  options: DeployCommandOptions,
): Promise<number> {
  const watchMs = parseWatch(options.watch);
  const images = await imageArguments(options.image, options.images);
  const wanted = { ...options, release: options.release, images, watchMs };
  return finish(context, await deployTarget(context, targetName, wanted));
}
