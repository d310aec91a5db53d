import type { ObjectHeaders } from '../model.ts';
import type { Body, Condition } from '../store.ts';
import { hashOf, sha256, sizeOf, weightOf, wholeOf } from './body.ts';
import { putParts, singleLimit } from './multipart.ts';
import type { Budget } from './pace.ts';
import { type Requests, type StoreAnswer, unexpected } from './requests.ts';

export type Put = (
  key: string,
  body: Body,
  headers: ObjectHeaders,
  condition?: Condition,
) => Promise<string | undefined>;

/** Uploads objects, whole or in parts, and detects how the store supports conditions. */
export function createPut(requests: Requests, budget: Budget): Put {
  /** `bare`: ETags without quotes. `none`: the store does not support conditions. */
  let conditions: 'quoted' | 'bare' | 'none' = 'quoted';

  async function put(
    key: string,
    body: Body,
    headers: ObjectHeaders,
    condition: Condition = {},
    again = false,
  ): Promise<string | undefined> {
    const asked = conditions === 'none' ? {} : conditionHeaders(condition, conditions);
    const sent = await send(key, body, headers, asked, again);
    const { refusal } = sent;
    if (refusal === undefined) return sent.etag;
    const isConditional = Object.keys(asked).length > 0;
    if (refusal.status === 501 && isConditional) {
      conditions = 'none';
      return put(key, body, headers, {}, true);
    }
    // AWS answers 404 to If-Match for a missing object.
    const nothing =
      refusal.status === 404 && condition.ifMatch !== undefined && refusal.code !== 'NoSuchBucket';
    if (!isConditional || !(refusal.status === 412 || nothing)) {
      throw await requests.refuse(refusal, { kind: 'put', method: 'PUT', key });
    }
    if (sent.unsure) return ownEtag(key, body);
    if (condition.ifMatch === undefined || conditions !== 'quoted' || nothing) return undefined;
    return (await hasEtag(key, condition.ifMatch)) ? putBare() : undefined;

    /** Ceph compares the given value with the ETag without quotes, so a quoted one never matches. */
    function putBare(): Promise<string | undefined> {
      conditions = 'bare';
      return put(key, body, headers, condition, true);
    }
  }

  async function send(
    key: string,
    body: Body,
    headers: ObjectHeaders,
    asked: Readonly<Record<string, string>>,
    again: boolean,
  ): Promise<StoreAnswer & { etag?: string }> {
    if (sizeOf(body) > singleLimit)
      return putParts({ requests, budget, key, body, headers, conditions: asked });
    const weight = weightOf(body);
    const release = weight === 0 ? undefined : await budget.take(weight);
    try {
      const request = {
        kind: 'put',
        method: 'PUT',
        key,
        headers: { ...headers, ...asked },
        body: wholeOf(body),
        again,
      } as const;
      const sent = await requests.send(request);
      const { etag } = sent.answer.headers;
      if (sent.refusal !== undefined) return sent;
      if (etag === undefined) throw await requests.refuse(unexpected(sent), request);
      return { ...sent, etag };
    } finally {
      release?.();
    }
  }

  /** If an answer was lost, our own write may have broken the condition. */
  async function ownEtag(key: string, body: Body): Promise<string | undefined> {
    const { answer, refusal } = await requests.send({ kind: 'get', method: 'GET', key, again: true });
    return refusal === undefined && sha256(answer.body) === hashOf(body) ? answer.headers.etag : undefined;
  }

  async function hasEtag(key: string, etag: string): Promise<boolean> {
    const { answer, refusal } = await requests.send({ kind: 'head', method: 'HEAD', key, again: true });
    return refusal === undefined && answer.headers.etag === etag;
  }

  return put;
}

function conditionHeaders(
  { ifMatch, ifAbsent }: Condition,
  style: 'quoted' | 'bare',
): Record<string, string> {
  return {
    ...(ifMatch === undefined
      ? {}
      : { 'if-match': style === 'bare' ? ifMatch.replaceAll('"', '') : ifMatch }),
    ...(ifAbsent ? { 'if-none-match': '*' } : {}),
  };
}
