/** A layer as it travels, and as a host with containerd's image store keeps it. */
export interface Blob {
  /** `sha256:…` of these very bytes. */
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
  /** Digests of the unpacked layers, from the lowest: what a layer is called in every engine. */
  readonly diffIds: readonly string[];
}

/** What is kept beside our files on a host of an image that was carried there. */
export interface ImageRecord {
  readonly version: 1;
  readonly reference: string;
  /** Digest of the manifest that the image was loaded with: its id in containerd's store. */
  readonly manifest: string;
  readonly layers: readonly (Blob & { readonly diffId: string })[];
}

/** What a host has already. */
export interface Holdings {
  readonly store: 'containerd' | 'graphdriver';
  /** Chain ids of the layers its images consist of (graphdriver). */
  readonly chains: ReadonlySet<string>;
  /** Blobs of layers by diff id, as they were sent, as far as the records of images that are still there tell. */
  readonly blobs: ReadonlyMap<string, Blob>;
  /** Bytes that have arrived of blobs, by the hexadecimal digits of their digest; whole ones too. */
  readonly arrived: ReadonlyMap<string, { readonly bytes: number; readonly whole: boolean }>;
  /** The small archive of the last load, of which the next one differs little; empty when there is none. */
  readonly lastArchive: Buffer;
  /** Files of records that say nothing any more. */
  readonly staleRecords: readonly string[];
  /** Tags that a broken load, or one under way, has left. */
  readonly leftTags: readonly string[];
  readonly freeBytes: number | undefined;
}

/** What is to be done for one image on one host. */
export interface ImagePlan {
  readonly image: LocalImage;
  readonly layers: readonly PlannedLayer[];
}

export interface PlannedLayer {
  readonly diffId: string;
  /** Whether the host lacks it. */
  readonly send: boolean;
  /** How it was sent, when it was. */
  readonly there: Blob | undefined;
}
