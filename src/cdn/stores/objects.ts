import type { Listed, ObjectFacts, ObjectStore, StoredObject } from '../store.ts';
import type { StoreAddress } from './address.ts';
import { storedHeaders, timeOf } from './answer.ts';
import { copyObject } from './copy.ts';
import { type Page, type Range, rangesOf, readPage, readRanges } from './listing.ts';
import { partSizeOf, singleLimit } from './multipart.ts';
import { type Budget, createBudget, paceLimits } from './pace.ts';
import { createPut } from './put.ts';
import { removeKeys } from './remove.ts';
import type { Requests, StoreAnswer, StoreRequest } from './requests.ts';

export interface ObjectsOptions {
  readonly name: string;
  readonly prefix: string;
  readonly address: StoreAddress;
  readonly requests: Requests;
  readonly budget: Budget;
  readonly pause: (tries: number) => Promise<void>;
  readonly signal: AbortSignal;
  readonly close: () => void;
}

/** Enough to fill every turn, with some waiting for a retry. */
const callsAtOnce = 2 * paceLimits.most;

/** Opens the objects of a bucket below a prefix. */
export function createObjects(options: ObjectsOptions): ObjectStore {
  const { name, prefix, address, requests, budget, pause } = options;
  const put = createPut(requests, budget);
  const door = createBudget(options.signal, callsAtOnce);

  /** A call that waits here takes a tenth of the memory of a request that waits for its turn. */
  async function enter<T>(call: () => Promise<T>): Promise<T> {
    const leave = await door.take(1);
    try {
      return await call();
    } finally {
      leave();
    }
  }

  return {
    name,
    get: (path, given) => enter(() => getObject(requests, prefix + path, given?.unless)),
    head: (path) => enter(() => headObject(requests, prefix + path)),
    put: (path, body, headers, condition) => enter(() => put(prefix + path, body, headers, condition)),
    copy: (from, to, headers, ifMatch) =>
      enter(() => {
        const source = address.source(prefix + from);
        return copyObject(requests, { from: source, to: prefix + to, onto: from === to, headers, ifMatch });
      }),
    remove: (paths) =>
      removeKeys(
        requests,
        paths.map((path) => prefix + path),
        pause,
      ),
    list: (under, splits) => listObjects(requests, prefix, under, splits),
    counts: requests.counts,
    cost: (size) => (size > singleLimit ? { put: Math.ceil(size / partSizeOf(size)), post: 2 } : { put: 1 }),
    close: options.close,
  };
}

async function getObject(
  requests: Requests,
  key: string,
  unless: string | undefined,
): Promise<StoredObject | 'unchanged' | undefined> {
  const headers: Record<string, string> = unless === undefined ? {} : { 'if-none-match': unless };
  const request: StoreRequest = { kind: 'get', method: 'GET', key, headers };
  const { answer, refusal } = await requests.send(request);
  if (refusal?.status === 304) return 'unchanged';
  if (refusal !== undefined) return missing(requests, refusal, request);
  // Stores that ignore conditions send the object.
  if (unless !== undefined && answer.headers.etag === unless) return 'unchanged';
  const now = timeOf(answer.headers.date) ?? 0;
  return {
    bytes: answer.body,
    etag: answer.headers.etag ?? '',
    modified: timeOf(answer.headers['last-modified']) ?? now,
    now,
  };
}

async function headObject(requests: Requests, key: string): Promise<ObjectFacts | undefined> {
  const request: StoreRequest = { kind: 'head', method: 'HEAD', key };
  const { answer, refusal } = await requests.send(request);
  if (refusal !== undefined) return missing(requests, refusal, request);
  const { etag = '', 'content-length': size } = answer.headers;
  return { etag, size: Number(size ?? 0), headers: storedHeaders(answer.headers) };
}

/**
 * A missing object is a valid answer; other refusals are errors. HEAD has no code to tell it from a missing bucket.
 */
async function missing(
  requests: Requests,
  refusal: NonNullable<StoreAnswer['refusal']>,
  request: StoreRequest,
): Promise<undefined> {
  const { code, status } = refusal;
  if (code === 'NoSuchKey' || (status === 404 && code === undefined)) return undefined;
  throw await requests.refuse(refusal, request);
}

async function* listObjects(
  requests: Requests,
  prefix: string,
  under: string,
  splits: readonly string[] = [],
): AsyncGenerator<readonly Listed[]> {
  const ranges = rangesOf(
    prefix + under,
    splits.map((path) => prefix + path),
  );
  const readNext = (range: Range, token: string | undefined) =>
    readList(requests, prefix + under, range, token);
  for await (const page of readRanges(ranges, readNext)) {
    yield page.map((listed) => ({ ...listed, key: listed.key.slice(prefix.length) }));
  }
}

async function readList(
  requests: Requests,
  prefix: string,
  { after }: Range,
  token: string | undefined,
): Promise<Page> {
  const from: Record<string, string> =
    token !== undefined
      ? { 'continuation-token': token }
      : after !== undefined
        ? { 'start-after': after }
        : {};
  const request: StoreRequest = {
    kind: 'list',
    method: 'GET',
    query: { 'list-type': '2', 'encoding-type': 'url', 'max-keys': '1000', prefix, ...from },
  };
  const { answer, refusal } = await requests.send(request);
  if (refusal !== undefined) throw await requests.refuse(refusal, request);
  return readPage(answer.body.toString());
}
