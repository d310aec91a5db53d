import { text } from '../aws/xml.ts';
import type { ObjectHeaders } from '../model.ts';
import { quoted, storedHeaders } from './answer.ts';
import { type Requests, type StoreRequest, unexpected } from './requests.ts';

export interface CopyOptions {
  /** As `StoreAddress.source` writes it. */
  readonly from: string;
  /** Key. */
  readonly to: string;
  /** The object is its own source. */
  readonly onto: boolean;
  readonly headers: ObjectHeaders | undefined;
  readonly ifMatch: string | undefined;
}

/** @returns the ETag of the copy; undefined if the source is missing or has another ETag. */
export async function copyObject(
  requests: Requests,
  { from, to, onto, headers, ifMatch }: CopyOptions,
): Promise<string | undefined> {
  const request: StoreRequest = {
    kind: 'copy',
    method: 'PUT',
    key: to,
    headers: {
      ...headers,
      'x-amz-copy-source': from,
      'x-amz-metadata-directive': headers === undefined ? 'COPY' : 'REPLACE',
      ...(await conditionOf(requests, to, ifMatch)),
    },
  };
  const sent = await requests.send(request);
  const { answer, refusal } = sent;
  if (refusal === undefined) {
    const etag = text(answer.body.toString(), 'ETag');
    if (etag) return quoted(etag);
    throw await requests.refuse(unexpected(sent), request);
  }
  if (refusal.status === 412) return sent.unsure && onto ? copiedEtag(requests, to, headers) : undefined;
  if (refusal.code === 'NoSuchKey') return undefined;
  throw await requests.refuse(refusal, request);
}

/**
 * Ceph reads a header that S3 never had (RGWCopyObj_ObjStore_S3::get_params), and copies any object without it.
 */
async function conditionOf(
  requests: Requests,
  key: string,
  ifMatch: string | undefined,
): Promise<Record<string, string>> {
  if (ifMatch === undefined) return {};
  if (requests.isCeph() === undefined)
    await requests.send({ kind: 'head', method: 'HEAD', key, again: true });
  return {
    'x-amz-copy-source-if-match': ifMatch,
    // Other stores refuse unknown headers.
    ...(requests.isCeph() ? { 'x-amz-copy-if-match': ifMatch } : {}),
  };
}

/** A copy onto itself may get another ETag; if its answer is lost, the retry sees a changed source. */
async function copiedEtag(
  requests: Requests,
  key: string,
  headers: ObjectHeaders = {},
): Promise<string | undefined> {
  const { answer, refusal } = await requests.send({ kind: 'head', method: 'HEAD', key, again: true });
  if (refusal !== undefined) return undefined;
  const has = storedHeaders(answer.headers);
  const same = Object.entries(headers).every(([header, value]) => has[header] === value);
  return same ? answer.headers.etag : undefined;
}
