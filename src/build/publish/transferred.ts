import { parseImage } from '../../config/images/reference.ts';
import { carriedReference } from '../../config/images/transferred.ts';
import type { Config } from '../../config/model.ts';
import { UserError } from '../../kernel/errors.ts';
import type { BuilderFacts, BuildPlace, CacheChoice } from '../cache/cache.ts';
import { chooseCache } from '../cache/cache.ts';
import type { BuildTarget } from '../model.ts';
import type { PlannedTarget } from '../plan.ts';
import type { Manifest, Registry } from '../registry/model.ts';

/**
 * What `registry: none` cannot do: the images stay in the engine that deploys take them from.
 *
 * @throws UserError `build.carried`.
 */
export function refuseUncarried(
  config: Pick<Config, 'build'>,
  targets: readonly BuildTarget[],
  builder: BuilderFacts | undefined,
): void {
  const many = targets.find(({ platforms }) => platforms.length > 1);
  const message =
    builder !== undefined && builder.driver !== 'docker'
      ? `the builder in use has the driver ${builder.driver}, which keeps images where no deploy finds them`
      : config.build.sbom || config.build.provenance
        ? 'sbom and provenance are attached in a registry, and there is none'
        : many !== undefined
          ? `${many.name} is built for ${many.platforms.join(' and ')}; without a registry an image has one platform`
          : undefined;
  if (message === undefined) return;
  throw new UserError({
    code: 'build.carried',
    message: `registry: none: ${message}`,
    hint: 'Use the engine’s own builder (docker buildx use default, or unset BUILDX_BUILDER), one platform, no attestations; or name a registry in sluice.yml.',
  });
}

/** A registry's cache needs a registry; the engine keeps its own, and GitHub's service may help a new machine. */
export function cacheOfCarried(
  builder: BuilderFacts,
  place: BuildPlace,
  asked: Config['build']['cache'],
): CacheChoice {
  const here = { ...place, push: false };
  const chosen = chooseCache(builder, here, asked);
  if (chosen.backend !== 'registry' && chosen.backend !== 'inline') return chosen;
  return { backend: 'none', writes: false, why: 'the engine keeps its own from one run to the next' };
}

/**
 * Gives new images the tags that say what they are.
 *
 * @param holding reference that a target was built under.
 * @param lost targets whose files changed meanwhile: no image of their tree.
 */
export async function keepAll(
  built: readonly PlannedTarget[],
  holding: (planned: PlannedTarget) => string,
  lost: ReadonlySet<PlannedTarget>,
  registryOf: (host: string) => Registry,
): Promise<ReadonlyMap<PlannedTarget, Manifest>> {
  const kept = await Promise.all(
    built.map(async (planned) => {
      const { registry: host, repository } = parseImage(planned.target.repository, planned.target.name);
      const registry = registryOf(host);
      const held = tagOf(holding(planned));
      const manifest = await registry.manifest(repository, held);
      if (manifest === undefined) {
        const message = `${planned.target.name} was built and is not in the engine: somebody removed it`;
        throw new UserError({ code: 'build.failed', message, hint: 'Run again.' });
      }
      const tree = lost.has(planned) ? undefined : planned.treeTag;
      const tags = [tagOf(carriedReference('', manifest.digest)), ...(tree === undefined ? [] : [tree])];
      for (const tag of tags) await registry.put(repository, tag, manifest);
      return [planned, manifest] as const;
    }),
  );
  return new Map(kept);
}

/** At its end the images lose the tag they were built under: one that failed its smoke test is found by nobody. */
export function heldUntilKept(
  built: readonly PlannedTarget[],
  holding: (planned: PlannedTarget) => string,
  open: () => (host: string) => Registry,
): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      const registryOf = open();
      await Promise.allSettled(
        built.map((planned) => {
          const { registry, repository } = parseImage(planned.target.repository, planned.target.name);
          return registryOf(registry).deleteTag(repository, tagOf(holding(planned)));
        }),
      );
    },
  };
}

function tagOf(reference: string): string {
  return reference.slice(reference.lastIndexOf(':') + 1);
}
