import { parseImage } from '../../config/images/reference.ts';
import type { PlannedTarget } from '../plan.ts';
import { imagesOf, type ManifestJson } from '../registry/manifest.ts';
import type { Manifest, Registry } from '../registry/model.ts';

/** The image of one platform within a tag's manifest or index. */
export interface ImageFacts {
  /** USER of the image; empty if not set. */
  readonly user: string;
  readonly layers: readonly LayerFacts[];
}

export interface LayerFacts {
  readonly digest: string;
  /** Digest of the unpacked layer, by which the older image store calls it. */
  readonly diffId: string | undefined;
  readonly size: number;
}

/** Reads the images in a manifest or index from the registry, without attestations. */
export async function imageFacts(
  registry: Registry,
  repository: string,
  manifest: Manifest,
): Promise<readonly ImageFacts[]> {
  const json = JSON.parse(manifest.text) as ManifestJson;
  if (json.manifests !== undefined) {
    const children = await Promise.all(
      imagesOf(json).map(({ digest }) => registry.manifest(repository, digest)),
    );
    const facts = children.map((child) =>
      child === undefined ? [] : imageFacts(registry, repository, child),
    );
    return (await Promise.all(facts)).flat();
  }
  if (json.config === undefined) return [];
  const config = (await registry.json(repository, json.config.digest)) as {
    readonly config?: { readonly User?: string };
    readonly rootfs?: { readonly diff_ids?: readonly string[] };
  };
  const layers = (json.layers ?? []).map(({ digest, size }, index) => ({
    digest,
    size,
    diffId: config.rootfs?.diff_ids?.[index],
  }));
  return [{ user: config.config?.User ?? '', layers }];
}

/**
 * Digests of the blobs that a repository has for some tags. The cache's exporter sends layers under the cache's tag,
 * before the push, so new layers are those that the registry lacked when the build began.
 */
async function knownBlobs(
  registry: Registry,
  repository: string,
  tags: readonly string[],
): Promise<ReadonlySet<string>> {
  const manifests = await Promise.all(
    tags.map((tag) => registry.manifest(repository, tag).catch(() => undefined)),
  );
  const digests = manifests.flatMap((manifest) =>
    manifest === undefined
      ? []
      : [...manifest.text.matchAll(/"(sha256:[0-9a-f]{64})"/g)].map(([, digest = '']) => digest),
  );
  return new Set(digests);
}

/** Layers that the repositories have for what a build starts from. @param open opens registries with a short deadline. */
export async function blobsBefore(toBuild: readonly PlannedTarget[], open: (host: string) => Registry) {
  const found = await Promise.all(
    toBuild.map(async (planned) => {
      const { registry, repository } = parseImage(planned.target.repository, planned.target.name);
      const flags =
        planned.action.kind === 'build' ? [...planned.action.cache.from, ...planned.action.cache.to] : [];
      const tags = flags.flatMap((flag) => /^type=registry,ref=.*:([\w.-]+)(?:,|$)/.exec(flag)?.[1] ?? []);
      return [planned, await knownBlobs(open(registry), repository, [...new Set(tags)])] as const;
    }),
  );
  return new Map(found);
}

/** Bytes of the layers that are in none of `known`. */
export function newBytes(images: readonly ImageFacts[], known: ReadonlySet<string>): number {
  const layers = new Map(
    images.flatMap((image) => image.layers.map(({ digest, size }) => [digest, size] as const)),
  );
  return [...layers].filter(([digest]) => !known.has(digest)).reduce((sum, [, size]) => sum + size, 0);
}

/** Bytes of the layers that `docker push` named, by the first digits of one digest or the other. */
export function bytesOf(images: readonly ImageFacts[], pushed: readonly string[]): number {
  const layers = new Map(
    images.flatMap((image) => image.layers.map((layer) => [layer.digest, layer] as const)),
  );
  const isPushed = ({ digest, diffId }: LayerFacts) =>
    pushed.some((id) => digest.startsWith(`sha256:${id}`) || diffId?.startsWith(`sha256:${id}`) === true);
  return [...layers.values()].filter(isPushed).reduce((sum, { size }) => sum + size, 0);
}
