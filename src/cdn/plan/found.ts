import type { Manifest, ObjectHeaders } from '../model.ts';
import type { Draft } from './draft.ts';

/** One object of the store, as found. */
export interface Looked {
  readonly etag: string;
  readonly size: number;
  /** undefined: known from a listing, which has no headers. */
  readonly headers: ObjectHeaders | undefined;
}

export interface FoundManifest {
  readonly manifest: Manifest;
  readonly etag: string;
  /** When it was read, ms since the epoch, by the store's clock; 0 if the store doesn't report it. */
  readonly now: number;
}

/** The site in the store, as far as a plan needs it. */
export interface Found {
  readonly manifest: FoundManifest | undefined;
  readonly draft: { readonly draft: Draft; readonly etag: string } | undefined;
  /** Paths that an interrupted publication may have written, with the marks of our possible objects there. */
  readonly doubtful: ReadonlyMap<string, readonly string[]>;
  /**
   * Objects at paths that no manifest covers: the doubtful ones, and without a manifest the whole listing.
   * undefined: there is no object.
   */
  readonly looked: ReadonlyMap<string, Looked | undefined>;
}

/** Whether the draft's publication wrote its manifest: then only the steps after that remain. */
export function isCommitted({ manifest, draft }: Pick<Found, 'manifest' | 'draft'>): boolean {
  const release = manifest?.manifest.release;
  return release !== undefined && release.number === draft?.draft.number && release.at === draft.draft.at;
}

/** Marks content by its hash where its ETag is unknown before the upload. */
export function contentMark(sha256: string): string {
  return `sha256:${sha256}`;
}

export function isContentMark(mark: string): boolean {
  return mark.startsWith('sha256:');
}
