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
 * Refuses what `registry: none` cannot do: the images stay in the engine, from which a deploy transfers them.
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
      ? `the builder in use has the driver ${builder.driver}, which keeps images outside the engine, so a deploy cannot find them`
      : config.build.sbom || config.build.provenance
        ? 'sbom and provenance need a registry'
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

/** There is no registry for the cache. The engine keeps its own; GitHub's service may help a new machine. */
export function cacheOfCarried(
  builder: BuilderFacts,
  place: BuildPlace,
  asked: Config['build']['cache'],
): CacheChoice {
  const here = { ...place, push: false };
  const chosen = chooseCache(builder, here, asked);
  if (chosen.backend !== 'registry' && chosen.backend !== 'inline') return chosen;
  return { backend: 'none', writes: false, why: 'the engine keeps its own cache between runs' };
}

/**
 * Tags new images by their tree and digest.
 *
 * @param holding reference that a target was built under.
 * @param lost targets whose files changed during the build: their image is not that of their tree.
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
        const message = `${planned.target.name} was built, but it is not in the engine any longer`;
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

/** On disposal the images lose the tag they were built under, so that no build finds one that failed its smoke test. */
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
