import { Unresolvable } from '../../config/dockerignore/unresolvable.ts';
import { tryParseImage } from '../../config/images/reference.ts';
import { imagesOf, type ManifestJson } from '../registry/manifest.ts';
import type { Manifest, Registry } from '../registry/model.ts';
import { parseInstruction } from './dockerfile.ts';
import { inputsOf } from './stages.ts';

interface ImageConfig {
  readonly config?: { readonly OnBuild?: readonly string[] | null };
}

/**
 * Why the tree's digest does not cover all inputs of a base's ONBUILD triggers; undefined if it does. Their text is in the
 * base's digest, and files of the context are in the tree: only other images, stages and URLs are in neither.
 *
 * Called only for images that must be built: an image that is found by its tree was built from bases that passed this.
 *
 * @param references of all bases, each with its digest.
 * @param platforms of the build; empty: all the base has.
 */
export async function triggersBeyondTree(
  references: readonly string[],
  platforms: readonly string[],
  registry: (host: string) => Registry,
): Promise<string | undefined> {
  const found = await Promise.all(
    references.map(async (reference) => {
      const image = tryParseImage(reference);
      if (image?.digest === undefined) return `the triggers of ${reference} cannot be read`;
      const open = registry(image.registry);
      const manifest = await open.manifest(image.repository, image.digest);
      const triggers = manifest && (await triggersOf(manifest, image.repository, platforms, open));
      if (triggers === undefined) return `the triggers of ${reference} cannot be read`;
      const beyond = triggers.find(takesMore);
      return beyond === undefined
        ? undefined
        : `${reference} has the trigger "ONBUILD ${beyond}", whose inputs are not known`;
    }),
  );
  return found.find((candidate) => candidate !== undefined);
}

async function triggersOf(
  manifest: Manifest,
  repository: string,
  platforms: readonly string[],
  registry: Registry,
): Promise<string[]> {
  const json = JSON.parse(manifest.text) as ManifestJson;
  const { config } = json;
  if (config !== undefined) {
    const image = (await registry.json(repository, config.digest)) as ImageConfig;
    return [...(image.config?.OnBuild ?? [])];
  }
  const wanted = imagesOf(json).filter(({ platform }) => {
    const name = `${platform?.os}/${platform?.architecture}`;
    return platforms.length === 0 || platforms.some((candidate) => candidate.startsWith(name));
  });
  const all = await Promise.all(
    wanted.map(async ({ digest }) => {
      const found = await registry.manifest(repository, digest);
      return found === undefined ? [] : triggersOf(found, repository, platforms, registry);
    }),
  );
  return all.flat();
}

function takesMore(trigger: string): boolean {
  try {
    const { sources, obstacle } = inputsOf(parseInstruction(trigger));
    return sources.length > 0 || obstacle !== undefined;
  } catch (error) {
    if (error instanceof Unresolvable) return true;
    throw error;
  }
}
