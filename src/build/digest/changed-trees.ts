import type { BuildPlan, PlannedTarget } from '../plan.ts';
import { type DigesterEffects, digester } from './digester.ts';

/** Targets whose files changed during the build: the image is not that of the tree whose digest was computed. */
export async function changedTrees(
  plan: BuildPlan,
  toBuild: readonly PlannedTarget[],
  effects: Omit<DigesterEffects, 'bases'>,
): Promise<ReadonlySet<PlannedTarget>> {
  const all = plan.targets.map(({ target }) => target);
  const again = digester(all, { ...effects, bases: basesOf(plan) });
  const digests = await Promise.all(toBuild.map(({ target }) => again(target)));
  const isSame = ({ tree }: PlannedTarget, now: PlannedTarget['tree'] | undefined) =>
    'digest' in tree && now !== undefined && 'digest' in now && now.digest === tree.digest;
  return new Set(
    toBuild.filter((planned, index) => 'digest' in planned.tree && !isSame(planned, digests[index]?.tree)),
  );
}

/** The build used these bases, even if a registry has newer ones by now. */
function basesOf(plan: BuildPlan): ReadonlyMap<string, string> {
  return new Map(plan.targets.flatMap(({ bases }) => Object.entries(bases)));
}
