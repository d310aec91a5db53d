import type { ObjectHeaders, RequestCounts } from './model.ts';

/** The bytes of an object to be: in memory, or in a file that is read in pieces when its turn comes. */
export type Body =
  | { readonly bytes: Uint8Array; readonly sha256?: string }
  /** `sha256` in base64url. A store that verifies it refuses a file that has changed since it was read. */
  | { readonly file: string; readonly size: number; readonly sha256: string };

export interface Condition {
  /** Only over the object with this ETag. */
  readonly ifMatch?: string;
  /** Only if there is no such object. */
  readonly ifAbsent?: boolean;
}

export interface StoredObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
  /** By the store's clock, ms since the epoch: when it was written, and now. */
  readonly modified: number;
  readonly now: number;
}

export interface ObjectFacts {
  readonly etag: string;
  readonly size: number;
  readonly headers: ObjectHeaders;
}

export interface Listed {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
}

/**
 * A bucket that speaks S3, below a prefix that it adds to every key itself: callers pass paths from the top of the site.
 * Every call is retried while the store is busy or unreachable, at a pace that adapts to it; what it does is safe to
 * repeat. Many calls may be begun at once: the store decides how many are on their way.
 *
 * Every method rejects with UserError `cdn.store-*` once the store won't do it, and with the signal's reason when it aborts.
 */
export interface ObjectStore {
  /** `s3://bucket/prefix`, for people. */
  readonly name: string;
  /** @returns undefined if there is none; `unchanged` if it still has the ETag `unless`. */
  get(path: string, options?: { readonly unless?: string }): Promise<StoredObject | 'unchanged' | undefined>;
  head(path: string): Promise<ObjectFacts | undefined>;
  /** @returns its ETag; undefined if the condition did not hold. A store that ignores conditions writes. */
  put(path: string, body: Body, headers: ObjectHeaders, condition?: Condition): Promise<string | undefined>;
  /**
   * Copies inside the store.
   *
   * @param headers all headers of the copy (nothing of the source's is kept); undefined: those of the source.
   * @param ifMatch only if the source has this ETag.
   * @returns its ETag; undefined if the source is not there or has another ETag.
   */
  copy(
    from: string,
    to: string,
    headers: ObjectHeaders | undefined,
    ifMatch?: string,
  ): Promise<string | undefined>;
  /** Deletes; a path that is not there is fine. */
  remove(paths: readonly string[]): Promise<void>;
  /**
   * Every object below the prefix, in pieces and in no order.
   *
   * @param splits sorted paths at which the listing is cut into parts that run side by side.
   */
  list(under: string, splits?: readonly string[]): AsyncIterable<readonly Listed[]>;
  /** So far. */
  counts(): { readonly requests: RequestCounts; readonly retries: number };
  /** Requests that putting a body of `size` bytes takes. */
  cost(size: number): Partial<RequestCounts>;
  close(): void;
}
