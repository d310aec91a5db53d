import { tryParseImage } from '../../config/images/reference.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Registry } from '../registry/model.ts';
import type { CacheFlags } from './cache.ts';

/** A cache that is not read in this run, and why. */
export interface BrokenCache {
  /** As the flag names it: `ghcr.io/acme/shop/web:cache-main`. */
  readonly ref: string;
  readonly why: string;
  /** Whether the registry is silent. BuildKit would wait for it without end, so the cache is not written, either. */
  readonly isSilent: boolean;
}

/** BuildKit's map from steps to layers, within the manifest (or the older index) of a cache. */
const mapType = 'application/vnd.buildkit.cacheconfig.v0';

interface CacheManifest {
  readonly config?: { readonly digest: string };
  readonly manifests?: readonly { readonly mediaType: string; readonly digest: string }[];
}

/**
 * Checks the caches before BuildKit reads them. BuildKit checks the digest of every layer, but not that of the map from
 * steps to layers: with a wrong map it builds an image of wrong layers. It also waits without end for a silent registry.
 *
 * @param registry with a timeout for its requests. @throws only the signal's reason.
 */
export async function brokenCaches(
  flags: readonly CacheFlags[],
  registry: (host: string) => Registry,
  signal: AbortSignal,
): Promise<BrokenCache[]> {
  const refs = flags.flatMap(({ from }) => from.flatMap((flag) => refOf(flag) ?? []));
  const checked = await Promise.all(
    [...new Set(refs)].map(async (ref): Promise<BrokenCache | undefined> => {
      try {
        await check(ref, registry);
        return undefined;
      } catch (error) {
        signal.throwIfAborted();
        const isSilent = error instanceof Error && error.name === 'TimeoutError';
        return { ref, why: isSilent ? 'the registry is silent' : whyOf(error), isSilent };
      }
    }),
  );
  return checked.filter((brokenCache) => brokenCache !== undefined);
}

/** The flags without reading broken caches. The build still writes them, which repairs them. */
export function withoutBroken({ from, to }: CacheFlags, broken: readonly BrokenCache[]): CacheFlags {
  const isBroken = (flag: string) => broken.some(({ ref }) => ref === refOf(flag));
  const isSilent = (flag: string) => broken.some(({ ref, isSilent }) => isSilent && ref === refOf(flag));
  return { from: from.filter((flag) => !isBroken(flag)), to: to.filter((flag) => !isSilent(flag)) };
}

function refOf(flag: string): string | undefined {
  return /^type=registry,ref=([^,]+)/.exec(flag)?.[1];
}

async function check(ref: string, registry: (host: string) => Registry): Promise<void> {
  const image = tryParseImage(ref);
  if (image?.tag === undefined) return;
  const open = registry(image.registry);
  const manifest = await open.manifest(image.repository, image.tag);
  // The first build of a branch has no cache.
  if (manifest === undefined) return;
  const { config, manifests } = JSON.parse(manifest.text) as CacheManifest;
  const map = manifests?.find(({ mediaType }) => mediaType === mapType) ?? config;
  if (map !== undefined) await open.json(image.repository, map.digest);
}

function whyOf(error: unknown): string {
  return error instanceof SyntaxError ? 'its manifest is not JSON' : messageOf(error);
}
