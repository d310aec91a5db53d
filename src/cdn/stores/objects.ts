import { text } from '../aws/xml.ts';
import type { ObjectHeaders } from '../model.ts';
import type { Body, Condition, ObjectFacts, ObjectStore, StoredObject } from '../store.ts';
import type { StoreAddress } from './address.ts';
import { hashOf, sha256, sizeOf, weightOf, wholeOf } from './body.ts';
import { storedHeaders, timeOf } from './headers.ts';
import { type Range, rangesOf, readPage, readRanges } from './listing.ts';
import { partSizeOf, putParts, singleLimit, unexpected } from './multipart.ts';
import type { Budget } from './pace.ts';
import { removeKeys } from './remove.ts';
import type { Requests, StoreAnswer, StoreRequest } from './requests.ts';

export interface ObjectsOptions {
  readonly name: string;
  readonly prefix: string;
  readonly address: StoreAddress;
  readonly requests: Requests;
  readonly budget: Budget;
  readonly pause: (tries: number) => Promise<void>;
  readonly close: () => void;
}

/** The objects of a bucket below a prefix, by S3's operations. */
export function createObjects(options: ObjectsOptions): ObjectStore {
  const { name, prefix, address, requests, budget, pause } = options;
  /** False once the store has said that it doesn't know conditions. */
  let conditional = true;

  async function get(
    path: string,
    { unless }: { readonly unless?: string } = {},
  ): Promise<StoredObject | 'unchanged' | undefined> {
    const headers: Record<string, string> = unless === undefined ? {} : { 'if-none-match': unless };
    const request: StoreRequest = { kind: 'get', method: 'GET', key: prefix + path, headers };
    const { answer, refusal } = await requests.send(request);
    if (refusal?.status === 304) return 'unchanged';
    if (refusal !== undefined) return missing(refusal, request);
    const now = timeOf(answer.headers.date) ?? 0;
    return {
      bytes: answer.body,
      etag: answer.headers.etag ?? '',
      modified: timeOf(answer.headers['last-modified']) ?? now,
      now,
    };
  }

  async function head(path: string): Promise<ObjectFacts | undefined> {
    const request: StoreRequest = { kind: 'head', method: 'HEAD', key: prefix + path };
    const { answer, refusal } = await requests.send(request);
    if (refusal !== undefined) return missing(refusal, request);
    const { etag = '', 'content-length': size } = answer.headers;
    return { etag, size: Number(size ?? 0), headers: storedHeaders(answer.headers) };
  }

  /** A missing object is an answer; anything else is not. HEAD has no code that tells it from a missing bucket. */
  async function missing(
    refusal: NonNullable<StoreAnswer['refusal']>,
    request: StoreRequest,
  ): Promise<undefined> {
    if (refusal.code === 'NoSuchKey' || (refusal.status === 404 && refusal.code === undefined))
      return undefined;
    throw await requests.refuse(refusal, request);
  }

  async function put(
    path: string,
    body: Body,
    headers: ObjectHeaders,
    condition: Condition = {},
  ): Promise<string | undefined> {
    const key = prefix + path;
    const conditions = conditional ? conditionHeaders(condition) : {};
    const isConditional = Object.keys(conditions).length > 0;
    const sent = await send(key, body, headers, conditions);
    const { refusal } = sent;
    if (refusal === undefined) return sent.etag;
    if (refusal.status === 501 && isConditional) {
      conditional = false;
      return put(path, body, headers);
    }
    // If-Match of what is not there is 404.
    const held =
      refusal.status !== 412 &&
      !(refusal.status === 404 && condition.ifMatch !== undefined && refusal.code !== 'NoSuchBucket');
    if (held || !isConditional) throw await requests.refuse(refusal, { kind: 'put', method: 'PUT', key });
    return sent.unsure ? ownEtag(key, body) : undefined;
  }

  async function send(
    key: string,
    body: Body,
    headers: ObjectHeaders,
    conditions: Readonly<Record<string, string>>,
  ): Promise<StoreAnswer & { etag?: string }> {
    if (sizeOf(body) > singleLimit) return putParts({ requests, budget, key, body, headers, conditions });
    const weight = weightOf(body);
    const release = weight === 0 ? undefined : await budget.take(weight);
    try {
      const request: StoreRequest = {
        kind: 'put',
        method: 'PUT',
        key,
        headers: { ...headers, ...conditions },
        body: wholeOf(body),
      };
      const sent = await requests.send(request);
      const { etag } = sent.answer.headers;
      if (sent.refusal !== undefined) return sent;
      if (etag === undefined) throw await requests.refuse(unexpected(sent), request);
      return { ...sent, etag };
    } finally {
      release?.();
    }
  }

  /** An answer got lost, and the condition no longer holds: because of our own write? */
  async function ownEtag(key: string, body: Body): Promise<string | undefined> {
    const { answer, refusal } = await requests.send({ kind: 'get', method: 'GET', key, again: true });
    return refusal === undefined && sha256(answer.body) === hashOf(body) ? answer.headers.etag : undefined;
  }

  async function copy(
    from: string,
    to: string,
    headers: ObjectHeaders | undefined,
    ifMatch?: string,
  ): Promise<string | undefined> {
    const request: StoreRequest = {
      kind: 'copy',
      method: 'PUT',
      key: prefix + to,
      headers: {
        ...headers,
        'x-amz-copy-source': address.source(prefix + from),
        'x-amz-metadata-directive': headers === undefined ? 'COPY' : 'REPLACE',
        ...(ifMatch === undefined ? {} : { 'x-amz-copy-source-if-match': ifMatch }),
      },
    };
    const sent = await requests.send(request);
    const { answer, refusal } = sent;
    if (refusal === undefined) {
      const etag = text(answer.body.toString(), 'ETag');
      if (etag === undefined) throw await requests.refuse(unexpected(sent), request);
      return etag;
    }
    if (refusal.status === 412)
      return sent.unsure && from === to ? copiedEtag(prefix + to, headers) : undefined;
    if (refusal.code === 'NoSuchKey') return undefined;
    throw await requests.refuse(refusal, request);
  }

  /** A copy onto itself may get another ETag, so that a second one finds its source changed. */
  async function copiedEtag(key: string, headers: ObjectHeaders = {}): Promise<string | undefined> {
    const { answer, refusal } = await requests.send({ kind: 'head', method: 'HEAD', key, again: true });
    if (refusal !== undefined) return undefined;
    const has = storedHeaders(answer.headers);
    const same = Object.entries(headers).every(([header, value]) => has[header] === value);
    return same ? answer.headers.etag : undefined;
  }

  async function readList(under: string, range: Range, token: string | undefined) {
    const from: Record<string, string> =
      token !== undefined
        ? { 'continuation-token': token }
        : range.after !== undefined
          ? { 'start-after': range.after }
          : {};
    const request: StoreRequest = {
      kind: 'list',
      method: 'GET',
      query: {
        'list-type': '2',
        'encoding-type': 'url',
        'max-keys': '1000',
        prefix: prefix + under,
        ...from,
      },
    };
    const { answer, refusal } = await requests.send(request);
    if (refusal !== undefined) throw await requests.refuse(refusal, request);
    return readPage(answer.body.toString());
  }

  async function* list(under: string, splits: readonly string[] = []) {
    const ranges = rangesOf(
      prefix + under,
      splits.map((path) => prefix + path),
    );
    for await (const page of readRanges(ranges, (range, token) => readList(under, range, token))) {
      yield page.map((each) => ({ ...each, key: each.key.slice(prefix.length) }));
    }
  }

  return {
    name,
    get,
    head,
    put,
    copy,
    remove: (paths) =>
      removeKeys(
        requests,
        paths.map((path) => prefix + path),
        pause,
      ),
    list,
    counts: requests.counts,
    cost: (size) => (size > singleLimit ? { put: Math.ceil(size / partSizeOf(size)), post: 2 } : { put: 1 }),
    close: options.close,
  };
}

function conditionHeaders({ ifMatch, ifAbsent }: Condition): Record<string, string> {
  return {
    ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
    ...(ifAbsent ? { 'if-none-match': '*' } : {}),
  };
}
