import type { ObjectHeaders, RequestCounts } from './model.ts';

/** The bytes to upload: in memory, or in a file that is read when its turn comes. */
export type Body =
  | { readonly bytes: Uint8Array; readonly sha256?: string }
  /** `sha256` in base64url. A store that verifies it rejects a file that has changed since. */
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
  /** When it was written and when it was read, by the store's clock, ms since the epoch. */
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
 * A bucket with the S3 API, below a prefix that it adds to every key: callers pass paths from the top of the
 * site. Every call is idempotent, and is retried while the store is busy or unreachable, at an adaptive pace.
 * Callers may start many calls at once: the store limits the requests in flight.
 *
 * Every method rejects with UserError `cdn.store-*` if the store refuses, and with the signal's reason when it
 * aborts.
 */
export interface ObjectStore {
  /** `s3://bucket/prefix` */
  readonly name: string;
  /** @returns undefined if it is missing; `unchanged` if it still has the ETag `unless`. */
  get(path: string, options?: { readonly unless?: string }): Promise<StoredObject | 'unchanged' | undefined>;
  head(path: string): Promise<ObjectFacts | undefined>;
  /** @returns its ETag; undefined if the condition did not hold. A store that ignores conditions writes. */
  put(path: string, body: Body, headers: ObjectHeaders, condition?: Condition): Promise<string | undefined>;
  /**
   * Copies inside the store.
   *
   * @param headers all headers of the copy (nothing of the source's is kept); undefined: those of the source.
   * @param ifMatch only if the source has this ETag.
   * @returns its ETag; undefined if the source is missing or has another ETag.
   */
  copy(
    from: string,
    to: string,
    headers: ObjectHeaders | undefined,
    ifMatch?: string,
  ): Promise<string | undefined>;
  /** Deletes; missing paths are fine. */
  remove(paths: readonly string[]): Promise<void>;
  /**
   * Every object below the prefix, in pages and in no order.
   *
   * @param splits sorted paths that split the listing into parallel parts.
   */
  list(under: string, splits?: readonly string[]): AsyncIterable<readonly Listed[]>;
  /** So far. */
  counts(): { readonly requests: RequestCounts; readonly retries: number };
  /** Requests to upload a body of `size` bytes. */
  cost(size: number): Partial<RequestCounts>;
  close(): void;
}

export const noRequests: RequestCounts = { get: 0, head: 0, put: 0, copy: 0, delete: 0, list: 0, post: 0 };

export function addRequests(a: RequestCounts, b: Partial<RequestCounts>): RequestCounts {
  return {
    get: a.get + (b.get ?? 0),
    head: a.head + (b.head ?? 0),
    put: a.put + (b.put ?? 0),
    copy: a.copy + (b.copy ?? 0),
    delete: a.delete + (b.delete ?? 0),
    list: a.list + (b.list ?? 0),
    post: a.post + (b.post ?? 0),
  };
}

export function subtractRequests(a: RequestCounts, b: RequestCounts): RequestCounts {
  return {
    get: a.get - b.get,
    head: a.head - b.head,
    put: a.put - b.put,
    copy: a.copy - b.copy,
    delete: a.delete - b.delete,
    list: a.list - b.list,
    post: a.post - b.post,
  };
}
