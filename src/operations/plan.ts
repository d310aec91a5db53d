import { type DeployPlan, layoutOf } from '../deploy/model.ts';
import { prepare } from '../deploy/prepare.ts';
import { readHostState } from '../deploy/state.ts';
import type { OperationContext } from './context.ts';
import { openTarget, resolveModels } from './open.ts';
import { releaseName } from './release-name.ts';

/** What a deploy would do; the hosts are only looked at. */
export async function planTarget(
  context: OperationContext,
  targetName: string | undefined,
  options: {
    readonly release: string | undefined;
    readonly images: Readonly<Record<string, string>>;
    readonly replace?: readonly string[];
  },
): Promise<DeployPlan> {
  await using open = await openTarget(context, targetName);
  const { config, target, hosts, effects } = open;
  const [models, named, states] = await Promise.all([
    resolveModels(open, options.images),
    releaseName(options.release, target, config.folder, context.effects),
    Promise.all(hosts.map((host) => readHostState(host, config.app, layoutOf(host.config.root, config.app)))),
  ]);
  const { plan } = await prepare(
    { config, target, hosts, models, ...named, replace: options.replace ?? [] },
    states,
    effects,
  );
  return plan;
}
