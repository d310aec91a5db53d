/** The part of the OCI distribution and image specs that a build needs. */

export interface Manifest {
  /** `sha256:…` of the bytes as the registry has them. */
  readonly digest: string;
  readonly mediaType: string;
  /** The bytes themselves: put under another tag they must not change. */
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
  /** Digest and type of a tag or digest; undefined if there is none. */
  head(repository: string, reference: string): Promise<Omit<Descriptor, 'size'> | undefined>;
  manifest(repository: string, reference: string): Promise<Manifest | undefined>;
  /** A blob that is JSON: an image's configuration. */
  json(repository: string, digest: string): Promise<unknown>;
  put(repository: string, tag: string, manifest: Manifest): Promise<void>;
  tags(repository: string): Promise<readonly string[]>;
  /** @returns whether the registry did it: many allow no deletion of tags. */
  deleteTag(repository: string, tag: string): Promise<boolean>;
  /** Asks for the right to push by beginning an upload and dropping it. */
  checkPush(repository: string): Promise<void>;
}
