import { createHash } from 'node:crypto';
import type { Holdings, ImagePlan, LocalImage, PlannedLayer } from './model.ts';

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
