import { layoutOf } from '../../deploy/model.ts';
import { planText } from '../../deploy/plan-text.ts';
import { prepare } from '../../deploy/prepare.ts';
import { readHostState } from '../../deploy/state.ts';
import { exitCodes } from '../../kernel/run.ts';
import type { CommandContext } from '../context.ts';
import { imageArguments } from '../images.ts';
import { openTarget, resolveModels } from '../open.ts';
import { releaseName } from '../release-name.ts';

export async function execute(
  context: CommandContext,
  targetName: string | undefined,
  options: { readonly release?: string; readonly image: readonly string[]; readonly images?: string },
): Promise<number> {
  const images = await imageArguments(options.image, options.images);
  await using open = await openTarget(context, targetName);
  const { config, target, hosts, effects } = open;
  const [models, named, states] = await Promise.all([
    resolveModels(open, images),
    releaseName(options.release, target, config.folder, context.effects),
    Promise.all(hosts.map((host) => readHostState(host, config.app, layoutOf(host.config.root, config.app)))),
  ]);
  const { plan } = await prepare({ config, target, hosts, models, ...named }, states, effects);
  if (context.json) context.effects.print(JSON.stringify({ ok: true, plan: publicPlan(plan) }));
  else context.effects.print(planText(plan));
  return exitCodes.ok;
}

/** The plan without the release records: they hold the environment's values. */
function publicPlan(plan: Awaited<ReturnType<typeof prepare>>['plan']) {
  return {
    ...plan,
    hosts: plan.hosts.map(({ record: _record, edges, ...rest }) => ({
      ...rest,
      edges: edges.map(({ files: _files, ...edge }) => edge),
    })),
  };
}
