import { parseImage } from '../../config/images/reference.ts';
import { messageOf } from '../../kernel/errors.ts';
import { withDigest } from '../bake/bake.ts';
import type { BuildTarget } from '../model.ts';
import type { BuildPlan, PlannedTarget } from '../plan.ts';
import type { Registry } from '../registry/model.ts';
import { type BaseDigest, treeDigest } from './digest.ts';

export interface DigesterEffects {
  readonly registry: (host: string) => Registry;
  readonly signal: AbortSignal;
  readonly log: { detail(message: string): void };
  /** Digests that are known already, by reference. */
  readonly bases?: ReadonlyMap<string, string>;
}

export type Digester = (target: BuildTarget) => Promise<
  Pick<PlannedTarget, 'tree' | 'bases'> & {
    /** Every image that went into the digest, each by its digest. */
    readonly images: readonly string[];
  }
>;

/** Digests of trees, each with the digests of the base images that went into it. */
export function digester(targets: readonly BuildTarget[], effects: DigesterEffects): Digester {
  const given = effects.bases ?? new Map<string, string>();
  const bases = new Map(
    [...given].map(([reference, found]) => [reference, Promise.resolve(found)] as const),
  ) as Map<string, Promise<BaseDigest>>;
  const known = new Map<string, ReturnType<Digester>>();

  const baseDigest = (reference: string): Promise<BaseDigest> => {
    const asked = bases.get(reference) ?? askBase(reference, effects);
    bases.set(reference, asked);
    return asked;
  };
  const digest = (target: BuildTarget): ReturnType<Digester> => {
    const cached = known.get(target.name);
    if (cached !== undefined) return cached;
    const used: Record<string, string> = {};
    const images = new Set<string>();
    const made = treeDigest(target, {
      baseDigest,
      targetDigest: async (name) => {
        const other = targets.find((buildTarget) => buildTarget.name === name);
        return other === undefined
          ? { unresolved: `there is no target ${name}` }
          : (await digest(other)).tree;
      },
      onImage: (reference, found, isReplaceable) => {
        images.add(withDigest(reference, found));
        if (isReplaceable && !reference.includes('@')) used[reference] = found;
      },
      signal: effects.signal,
    }).then((tree) => ({ tree, bases: 'digest' in tree ? used : {}, images: [...images] }));
    known.set(target.name, made);
    return made;
  };
  return digest;
}

/** If the registry of a base does not answer, the base has no digest and the image is built: the builder may have it. */
async function askBase(reference: string, effects: DigesterEffects): Promise<BaseDigest> {
  const image = parseImage(reference, 'FROM');
  try {
    const found = await effects
      .registry(image.registry)
      .head(image.repository, image.digest ?? image.tag ?? 'latest');
    return found?.digest;
  } catch (error) {
    effects.signal.throwIfAborted();
    effects.log.detail(`${reference}: ${String(error)}`);
    return { unasked: messageOf(error) };
  }
}

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
