import type { InvalidationPlan, InvalidationResult } from './model.ts';

/** What has changed for visitors: input of every invalidator's plan. */
export interface ChangedSite {
  /** Public URL of the top of the site, with a slash at its end; undefined if sluice.yml has none. */
  readonly url: string | undefined;
  /** Paths whose object was replaced, got other headers, or left the site. Not the new ones: nothing has cached those. */
  readonly paths: readonly string[];
  /** How many paths the site has, and may have had: to see whether most of it has changed. */
  readonly total: number;
  /** Name of the pages that stand for their folder: `index.html`. */
  readonly index: string;
  /** The page that unknown paths answer with; undefined: they are errors. */
  readonly fallback: string | undefined;
}

/** Tells one CDN to forget what has changed. */
export interface Invalidator {
  readonly cdn: string;
  /** Pure: no request is made. */
  plan(changed: ChangedSite): InvalidationPlan;
  /**
   * @param reference names the publication (`bookreader-12-…`): the same one again is the same invalidation, not a second.
   * @returns also when it failed: a site that is published stays published.
   */
  apply(plan: InvalidationPlan, reference: string): Promise<InvalidationResult>;
}
