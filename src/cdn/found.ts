import type { Draft } from './draft.ts';
import type { Manifest, ObjectHeaders } from './model.ts';

/** One object of the store, as it was looked at. */
export interface Looked {
  readonly etag: string;
  readonly size: number;
  /** undefined: it was listed, and a listing has no headers. */
  readonly headers: ObjectHeaders | undefined;
}

/** What the store holds of the site, as far as a plan must know it. */
export interface Found {
  readonly manifest: { readonly manifest: Manifest; readonly etag: string } | undefined;
  readonly draft: { readonly draft: Draft; readonly etag: string } | undefined;
  /**
   * Paths that no manifest vouches for, with what is there: those that a publication which was cut off may have written,
   * and without a manifest whatever the listing has. undefined: nothing is there.
   */
  readonly looked: ReadonlyMap<string, Looked | undefined>;
}

/** Whether the draft's publication got as far as its manifest: then only what comes after that is left to do. */
export function isCommitted({ manifest, draft }: Pick<Found, 'manifest' | 'draft'>): boolean {
  const release = manifest?.manifest.release;
  return release !== undefined && release.number === draft?.draft.number && release.at === draft.draft.at;
}

/** What a publication that was cut off before its manifest may have written, with the ETags of what it meant to write. */
export function uncertain(found: Pick<Found, 'manifest' | 'draft'>): ReadonlyMap<string, readonly string[]> {
  if (found.draft === undefined || isCommitted(found)) return new Map();
  return found.draft.draft.writes;
}
