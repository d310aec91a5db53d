import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ObjectHeaders, RequestCounts } from '../../../../src/cdn/model.ts';
import { addRequests, type Body, noRequests, type ObjectStore } from '../../../../src/cdn/store.ts';

export interface MemoryObject {
  readonly bytes: Buffer;
  readonly headers: ObjectHeaders;
  readonly etag: string;
  readonly modified: number;
}

/** Objects as S3 keeps them, for tests that cut a publication off at each of its requests: hundreds of runs in seconds. */
export interface MemoryBucket {
  readonly objects: Map<string, MemoryObject>;
  /** The store's clock, ms. */
  now: number;
}

export function createBucket(): MemoryBucket {
  return { objects: new Map(), now: 1_800_000_000_000 };
}

/** What a process that was killed sees of its store: nothing any more. */
export class Killed extends Error {}

export interface MemoryOptions {
  /** Every request from this one on (counted from 0) is never answered. */
  readonly killAt?: number;
  /** Whether that first one is still carried out. */
  readonly carriedOut?: boolean;
  readonly conditional?: boolean;
  /** Every write gets an ETag of its own, whatever the content: as with SSE-KMS, or copies of what came in parts. */
  readonly opaque?: boolean;
  /** Called before each request that writes. */
  readonly onWrite?: (operation: string, path: string) => void;
}

export function openMemoryStore(bucket: MemoryBucket, options: MemoryOptions = {}): ObjectStore {
  const { objects } = bucket;
  const obeys = options.conditional ?? true;
  let requests: RequestCounts = noRequests;
  let count = 0;

  async function request<T>(kind: keyof RequestCounts, act: () => T): Promise<T> {
    const index = count++;
    const killAt = options.killAt ?? Number.POSITIVE_INFINITY;
    if (index > killAt || (index === killAt && options.carriedOut !== true)) throw new Killed();
    await Promise.resolve();
    requests = addRequests(requests, { [kind]: 1 });
    const result = act();
    if (index === killAt) throw new Killed();
    return result;
  }

  function write(operation: string, path: string, bytes: Buffer, headers: ObjectHeaders): string {
    options.onWrite?.(operation, path);
    bucket.now += 1;
    const salt = options.opaque === true ? String(bucket.now) : '';
    const etag = `"${createHash('md5').update(salt).update(bytes).digest('hex')}"`;
    objects.set(path, { bytes, headers, etag, modified: bucket.now });
    return etag;
  }

  return {
    name: 's3://memory',
    get: (path, { unless } = {}) =>
      request('get', () => {
        const found = objects.get(path);
        if (found === undefined) return undefined;
        return found.etag === unless ? 'unchanged' : { ...found, now: bucket.now };
      }),
    head: (path) =>
      request('head', () => {
        const found = objects.get(path);
        return found && { etag: found.etag, size: found.bytes.length, headers: found.headers };
      }),
    put: (path, body, headers, condition = {}) =>
      request('put', () => {
        const found = objects.get(path);
        if (obeys && condition.ifAbsent === true && found !== undefined) return undefined;
        if (obeys && condition.ifMatch !== undefined && found?.etag !== condition.ifMatch) return undefined;
        return write('put', path, bytesOf(body), headers);
      }),
    copy: (from, to, headers, ifMatch) =>
      request('copy', () => {
        const found = objects.get(from);
        if (found === undefined || (ifMatch !== undefined && found.etag !== ifMatch)) return undefined;
        return write('copy', to, found.bytes, headers ?? found.headers);
      }),
    remove: (paths) =>
      request(paths.length === 1 ? 'delete' : 'post', () => {
        for (const path of paths) {
          options.onWrite?.('delete', path);
          objects.delete(path);
        }
      }),
    async *list(under) {
      yield await request('list', () =>
        [...objects]
          .filter(([key]) => key.startsWith(under))
          .map(([key, { bytes, etag }]) => ({ key, size: bytes.length, etag })),
      );
    },
    counts: () => ({ requests, retries: 0 }),
    cost: () => ({ put: 1 }),
    close: () => {},
  };
}

function bytesOf(body: Body): Buffer {
  return 'bytes' in body ? Buffer.from(body.bytes) : readFileSync(body.file);
}
