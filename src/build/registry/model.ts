/** The part of the OCI distribution and image specs that a build needs. */

export interface Manifest {
  /** `sha256:…` of the bytes as the registry has them. */
  readonly digest: string;
  readonly mediaType: string;
  /** The exact bytes, which must not change under another tag. */
  readonly text: string;
}

export interface Descriptor {
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
}

/** User and password, or a token that is exchanged for access. */
export type Login =
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  | { readonly kind: 'identity'; readonly token: string };

/** One registry's API, logged in as far as there are credentials. Every method throws UserError `registry.*`. */
export interface Registry {
  readonly host: string;
  /** Digest and type of a tag or digest; undefined if it does not exist. */
  head(repository: string, reference: string): Promise<Omit<Descriptor, 'size'> | undefined>;
  manifest(repository: string, reference: string): Promise<Manifest | undefined>;
  /** A blob that is JSON: an image's configuration. */
  json(repository: string, digest: string): Promise<unknown>;
  put(repository: string, tag: string, manifest: Manifest): Promise<void>;
  tags(repository: string): Promise<readonly string[]>;
  /** @returns whether the registry deleted it: many do not allow it. */
  deleteTag(repository: string, tag: string): Promise<boolean>;
  /** Checks the permission to push by starting an upload and canceling it. */
  checkPush(repository: string): Promise<void>;
}
