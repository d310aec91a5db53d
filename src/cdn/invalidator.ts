import type { InvalidationPlan, InvalidationResult } from './model.ts';

/** The changes that visitors see: input of every invalidator's plan. */
export interface ChangedSite {
  /** Public URL of the site, with a final slash; undefined if sluice.yml has none. */
  readonly url: string | undefined;
  /** Paths whose object was replaced, removed, or got other headers. No CDN has cached new ones. */
  readonly paths: readonly string[];
  /** Paths of the site before and after, to see whether most of it has changed. */
  readonly total: number;
  /** Name of the index pages: `index.html`. */
  readonly index: string;
  /** The page served for unknown paths; undefined: they are errors. */
  readonly fallback: string | undefined;
}

/** Invalidates the changes in one CDN. */
export interface Invalidator {
  readonly cdn: string;
  /** Pure: no request is made. */
  plan(changed: ChangedSite): InvalidationPlan;
  /**
   * @param reference names the publication (`bookreader-12-…`): repeating it repeats the same invalidation.
   * @returns also a failure: the site stays published.
   */
  apply(plan: InvalidationPlan, reference: string): Promise<InvalidationResult>;
}
