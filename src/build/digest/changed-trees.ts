import type { BuildPlan, PlannedTarget } from '../plan.ts';
import { type DigesterEffects, digester } from './digester.ts';

/** Files that were edited while they were built: the image is no image of the tree that was looked at. */
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

/** The build took the bases as they were then, also when a registry has newer ones by now. */
function basesOf(plan: BuildPlan): ReadonlyMap<string, string> {
  return new Map(plan.targets.flatMap(({ bases }) => Object.entries(bases)));
}
