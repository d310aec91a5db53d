import type { Manifest, ObjectHeaders } from '../model.ts';
import type { Draft } from './draft.ts';

/** One object of the store, as it was looked at. */
export interface Looked {
  readonly etag: string;
  readonly size: number;
  /** undefined: it was listed, and a listing has no headers. */
  readonly headers: ObjectHeaders | undefined;
}

export interface FoundManifest {
  readonly manifest: Manifest;
  readonly etag: string;
  /** When it was read, ms since the epoch, by the store's clock; 0 if the store doesn't tell. */
  readonly now: number;
}

/** What the store holds of the site, as far as a plan must know it. */
export interface Found {
  readonly manifest: FoundManifest | undefined;
  readonly draft: { readonly draft: Draft; readonly etag: string } | undefined;
  /** Paths that a publication which was cut off may have written, with the marks of what of ours may be there. */
  readonly doubtful: ReadonlyMap<string, readonly string[]>;
  /**
   * Paths that no manifest vouches for, with what is there: the doubtful ones, and without a manifest whatever the listing
   * has. undefined: nothing is there.
   */
  readonly looked: ReadonlyMap<string, Looked | undefined>;
}

/** Whether the draft's publication got as far as its manifest: then only what comes after that is left to do. */
export function isCommitted({ manifest, draft }: Pick<Found, 'manifest' | 'draft'>): boolean {
  const release = manifest?.manifest.release;
  return release !== undefined && release.number === draft?.draft.number && release.at === draft.draft.at;
}

/** Marks what a publication means to put where there is nothing yet: its ETag need not be computed before. */
export function contentMark(sha256: string): string {
  return `sha256:${sha256}`;
}

export function isContentMark(mark: string): boolean {
  return mark.startsWith('sha256:');
}
