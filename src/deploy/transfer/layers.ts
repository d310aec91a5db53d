import { createHash } from 'node:crypto';
/** A compressed layer, as it is sent and as a host with containerd's image store keeps it. */
export interface Blob {
  /** `sha256:…` of the compressed bytes. */
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
}

/** A blob in a file of the machine where Sluice runs. */
export interface LocalBlob extends Blob {
  readonly file: string;
}

/** An image of the local engine. */
export interface LocalImage {
  readonly reference: string;
  /** The bytes whose digest names the image. */
  readonly config: Buffer;
  /** Digests of the unpacked layers, lowest first. They are the same in every engine. */
  readonly diffIds: readonly string[];
}

/** Record on a host of an image that was transferred there. */
export interface ImageRecord {
  readonly version: 1;
  readonly reference: string;
  /** Digest of the manifest that the image was loaded with: its id in containerd's store. */
  readonly manifest: string;
  readonly layers: readonly (Blob & { readonly diffId: string })[];
}

/** Layers and partial transfers on a host. */
export interface Holdings {
  readonly store: 'containerd' | 'graphdriver';
  /** Chain ids of the layers its images consist of (graphdriver). */
  readonly chains: ReadonlySet<string>;
  /** Sent blobs by diff id, from the records of images that the host still has. */
  readonly blobs: ReadonlyMap<string, Blob>;
  /** Received bytes of blobs, by the hex digits of their digest; complete ones included. */
  readonly arrived: ReadonlyMap<string, { readonly bytes: number; readonly whole: boolean }>;
  /** The small archive of the last load, from which the next one differs little; empty: none. */
  readonly lastArchive: Buffer;
  /** Files of records that are no longer valid. */
  readonly staleRecords: readonly string[];
  /** Temporary tags of a failed load, or of one in progress. */
  readonly leftTags: readonly string[];
  readonly freeBytes: number | undefined;
}

/** Layers of one image for one host. */
export interface ImagePlan {
  readonly image: LocalImage;
  readonly layers: readonly PlannedLayer[];
}

export interface PlannedLayer {
  readonly diffId: string;
  /** Whether the host lacks it. */
  readonly send: boolean;
  /** Its blob, if Sluice sent it. */
  readonly there: Blob | undefined;
}

export function sha256(bytes: Buffer | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/**
 * Chain ids: names of layers together with all below them, as the older image store uses them (image-spec, ChainID).
 */
export function chainIds(diffIds: readonly string[]): string[] {
  const chains: string[] = [];
  for (const diffId of diffIds) {
    const below = chains.at(-1);
    chains.push(below === undefined ? diffId : sha256(`${below} ${diffId}`));
  }
  return chains;
}

/** Which layers of an image a host lacks. `full` sends all of them. */
export function planImage(image: LocalImage, holdings: Holdings, full: boolean): ImagePlan {
  const chains = chainIds(image.diffIds);
  const layers = image.diffIds.map((diffId, index): PlannedLayer => {
    if (full) return { diffId, send: true, there: undefined };
    const known = holdings.blobs.get(diffId);
    const isThere =
      holdings.store === 'containerd' ? known !== undefined : holdings.chains.has(chains[index] ?? '');
    return { diffId, send: !isThere, there: isThere ? known : undefined };
  });
  return { image, layers };
}

/**
 * Names of files in a saved archive that no host needs: blobs by digest, layers by diff id. A host with the older store
 * needs a layer that it has only on top of other layers.
 *
 * @param images diff ids of each image.
 */
export function skippable(hosts: readonly Holdings[], images: readonly (readonly string[])[]): Set<string> {
  const sets = hosts.map((holdings) => namesOf(holdings, images));
  const [first = new Set<string>(), ...rest] = sets;
  return new Set([...first].filter((name) => rest.every((names) => names.has(name))));
}

function namesOf(holdings: Holdings, images: readonly (readonly string[])[]): Set<string> {
  if (holdings.store === 'containerd') {
    return new Set([...holdings.blobs].flatMap(([diffId, { digest }]) => [hexOf(diffId), hexOf(digest)]));
  }
  const there = new Set<string>();
  const lacking = new Set<string>();
  for (const diffIds of images) {
    for (const [index, chain] of chainIds(diffIds).entries()) {
      (holdings.chains.has(chain) ? there : lacking).add(hexOf(diffIds[index] ?? ''));
    }
  }
  const needless = [...there].filter((hex) => !lacking.has(hex));
  // Its digest when it was sent: an engine with containerd's store names it so again.
  const sentAs = (hex: string) => holdings.blobs.get(`sha256:${hex}`)?.digest ?? hex;
  return new Set(needless.flatMap((hex) => [hex, hexOf(sentAs(hex))]));
}

export function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1);
}
