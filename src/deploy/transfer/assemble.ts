import { tarOf } from '../../kernel/tar.ts';
import { type Blob, hexOf, type ImagePlan, type ImageRecord, sha256 } from './layers.ts';

/** The input of `docker load` without layers, and the images that it must result in. */
export interface Assembly {
  /** A small archive: everything but the layers. */
  readonly archive: Buffer;
  readonly images: readonly AssembledImage[];
}

export interface AssembledImage {
  readonly reference: string;
  /** Temporary tag. The real one is set once the image is verified. */
  readonly incoming: string;
  /** Possible ids in the engine: the digest of the configuration or of the manifest, depending on its store. */
  readonly ids: readonly string[];
  readonly record: ImageRecord;
}

/** A layer that a host with the older store has from elsewhere. */
const unknown: Blob = { digest: '', size: 0, mediaType: '' };

const layerPath = (hex: string) => `blobs/sha256/${hex}`;

/**
 * The archive of images without their layers, in the format of the host's store: an OCI layout for containerd's, the
 * manifest of `docker save` for the older one.
 *
 * @param blobs blob of every layer that is sent.
 */
export function assemble(
  store: 'containerd' | 'graphdriver',
  plans: readonly ImagePlan[],
  blobs: ReadonlyMap<string, Blob>,
): Assembly {
  const made = plans.map((plan) => assembleImage(plan, blobs));
  const files = new Map(
    made.flatMap(({ image }) => [[layerPath(hexOf(image.config.digest)), image.config.content]]),
  );
  if (store === 'graphdriver') {
    const list = made.map(({ image, incoming }) => ({
      Config: layerPath(hexOf(image.config.digest)),
      RepoTags: [incoming],
      // For a layer that the engine has, only its place in the list matters.
      Layers: image.layers.map(({ send, digest }) => (send ? layerPath(hexOf(digest)) : 'there')),
    }));
    files.set('manifest.json', json(list));
  } else {
    for (const { manifest } of made) files.set(layerPath(hexOf(sha256(manifest))), manifest);
    const manifests = made.map(({ manifest, incoming }) => ({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: sha256(manifest),
      size: manifest.length,
      annotations: { 'io.containerd.image.name': incoming },
    }));
    files.set('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
    files.set('index.json', json({ schemaVersion: 2, manifests }));
  }
  return {
    archive: tarOf([...files].map(([path, content]) => ({ path, content }))),
    images: made.map(({ reference, incoming, image, manifest }) => ({
      reference,
      incoming,
      ids: [image.config.digest, sha256(manifest)],
      record: { version: 1, reference, manifest: sha256(manifest), layers: recorded(image.layers) },
    })),
  };
}

function assembleImage({ image, layers }: ImagePlan, blobs: ReadonlyMap<string, Blob>) {
  const described = layers.map(({ diffId, send, there }) => {
    const { digest, size, mediaType } = there ?? blobs.get(diffId) ?? unknown;
    return { diffId, send, digest, size, mediaType };
  });
  const config = { digest: sha256(image.config), content: image.config };
  const manifest = json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: config.digest,
      size: image.config.length,
    },
    layers: described.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
  });
  const { reference } = image;
  const repository = reference.slice(0, reference.lastIndexOf(':'));
  const incoming = `${repository}:incoming-${hexOf(config.digest).slice(0, 12)}`;
  return { reference, incoming, image: { config, layers: described }, manifest };
}

function recorded(layers: readonly ImageRecord['layers'][number][]): ImageRecord['layers'] {
  const known = layers.filter(({ digest }) => digest !== '');
  return known.map(({ diffId, digest, size, mediaType }) => ({ diffId, digest, size, mediaType }));
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
