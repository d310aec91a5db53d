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
