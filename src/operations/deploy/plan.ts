import { type DeployPlan, layoutOf } from '../../deploy/model.ts';
import { readHostState } from '../../deploy/on-host/state.ts';
import { prepare } from '../../deploy/plan/prepare.ts';
import type { OperationContext } from '../context.ts';
import { connectTarget, loadTarget, resolveBefore, resolveModels } from './open.ts';
import { releaseName } from './release-name.ts';

/** The plan of a deploy. Checks the files of this machine first, then reads the hosts; changes nothing. */
export async function planTarget(
  context: OperationContext,
  targetName: string | undefined,
  options: {
    readonly release: string | undefined;
    readonly images: Readonly<Record<string, string>>;
    readonly replace?: readonly string[];
  },
): Promise<DeployPlan> {
  const loaded = await loadTarget(context, targetName);
  const { config, target, effects } = loaded;
  const known = await resolveBefore(loaded, options.images);
  const named = await releaseName(options.release, target, config.folder, context.effects);
  await using open = await connectTarget(loaded);
  const { hosts } = open;
  const [models, states] = await Promise.all([
    known ?? resolveModels(open, options.images),
    Promise.all(hosts.map((host) => readHostState(host, config.app, layoutOf(host.config.root, config.app)))),
  ]);
  const { plan } = await prepare(
    { config, target, hosts, models, ...named, replace: options.replace ?? [] },
    states,
    effects,
  );
  return plan;
}
