import { escapeXml, text } from '../aws/xml.ts';
import type { ObjectHeaders } from '../model.ts';
import type { Body } from '../store.ts';
import { quoted, timeOf } from './answer.ts';
import { piecesOf, sha256, sizeOf } from './body.ts';
import type { Budget } from './pace.ts';
import { type Requests, type StoreAnswer, type StoreRequest, unexpected } from './requests.ts';

const mebi = 1024 * 1024;
/** Larger bodies are uploaded in parts. */
export const singleLimit = 16 * mebi;
const smallestPart = 8 * mebi;
/** S3's limit. */
const mostParts = 10_000;
/** In flight at once, of one body. */
const partsAtOnce = 4;

/** All parts except the last have this size, as R2 requires. */
export function partSizeOf(size: number): number {
  return Math.max(smallestPart, Math.ceil(size / mostParts / mebi) * mebi);
}

export interface MultipartOptions {
  readonly requests: Requests;
  readonly budget: Budget;
  readonly key: string;
  readonly body: Body;
  readonly headers: ObjectHeaders;
  /** For the request that completes the upload. */
  readonly conditions: Readonly<Record<string, string>>;
}

/**
 * Uploads a large body in parallel parts. A failed upload is aborted: its invisible parts cost money. @returns
 * the final answer, with the ETag if there is one.
 */
export async function putParts(options: MultipartOptions): Promise<StoreAnswer & { etag?: string }> {
  const { requests, key } = options;
  const begin: StoreRequest = {
    kind: 'post',
    method: 'POST',
    key,
    query: { uploads: '' },
    headers: options.headers,
  };
  const begun = await requests.send(begin);
  const id = text(begun.answer.body.toString(), 'UploadId');
  if (begun.refusal !== undefined || id === undefined) {
    throw await requests.refuse(begun.refusal ?? unexpected(begun), begin);
  }
  try {
    const etags = await sendParts(options, id);
    return await complete(options, id, etags, timeOf(begun.answer.headers.date) ?? 0);
  } catch (error) {
    await abort(options, id);
    throw error;
  }
}

async function sendParts({ requests, budget, key, body }: MultipartOptions, id: string): Promise<string[]> {
  const size = sizeOf(body);
  const partSize = partSizeOf(size);
  const etags: string[] = [];
  const running = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;

  async function sendPart(number: number, bytes: Uint8Array): Promise<void> {
    const request: StoreRequest = {
      kind: 'put',
      method: 'PUT',
      key,
      query: { partNumber: String(number), uploadId: id },
      body: { load: () => bytes, sha256: sha256(bytes) },
    };
    const sent = await requests.send(request);
    const { etag } = sent.answer.headers;
    if (sent.refusal !== undefined || etag === undefined) {
      throw await requests.refuse(sent.refusal ?? unexpected(sent), request);
    }
    etags[number - 1] = etag;
  }

  await using pieces = await piecesOf(body);
  for (let number = 1, at = 0; at < size && failure === undefined; number += 1, at += partSize) {
    const length = Math.min(partSize, size - at);
    const release = await budget.take(length);
    let bytes: Uint8Array;
    try {
      bytes = await pieces.next(length);
    } catch (error) {
      release();
      failure = { error };
      break;
    }
    const part = sendPart(number, bytes)
      .catch((error) => {
        failure ??= { error };
      })
      .finally(() => {
        release();
        running.delete(part);
      });
    running.add(part);
    if (running.size >= partsAtOnce) await Promise.race(running);
  }
  await Promise.all(running);
  if (failure !== undefined) throw failure.error;
  pieces.verify();
  return etags;
}

async function complete(
  { requests, key, body, conditions }: MultipartOptions,
  id: string,
  etags: readonly string[],
  since: number,
): Promise<StoreAnswer & { etag?: string }> {
  const parts = etags.map(
    (etag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`,
  );
  const list = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`);
  const request: StoreRequest = {
    kind: 'post',
    method: 'POST',
    key,
    query: { uploadId: id },
    headers: { 'content-type': 'application/xml', ...conditions },
    body: { load: () => list, sha256: sha256(list) },
  };
  const done = await requests.send(request);
  if (done.refusal === undefined) {
    // Ceph's answer has an empty element.
    const etag =
      quoted(text(done.answer.body.toString(), 'ETag') ?? '') ||
      (await writtenSince(requests, key, sizeOf(body), since));
    if (etag === undefined) throw await requests.refuse(unexpected(done), request);
    return { ...done, etag };
  }
  // The upload succeeded, and its answer was lost: the object exists.
  if (done.unsure && (done.refusal.code === 'NoSuchUpload' || done.refusal.status === 412)) {
    const etag = await writtenSince(requests, key, sizeOf(body), since);
    if (etag !== undefined) return { ...done, refusal: undefined, etag };
  }
  if (done.refusal.status === 412 || done.refusal.status === 404) {
    await abort({ requests, key }, id);
    return done;
  }
  throw await requests.refuse(done.refusal, request);
}

/** The ETag of the object if it has that size and is newer than that time of the store. */
async function writtenSince(
  requests: Requests,
  key: string,
  size: number,
  since: number,
): Promise<string | undefined> {
  const { answer, refusal } = await requests.send({ kind: 'head', method: 'HEAD', key, again: true });
  if (refusal !== undefined || Number(answer.headers['content-length']) !== size) return undefined;
  const modified = timeOf(answer.headers['last-modified']) ?? 0;
  return modified >= since ? answer.headers.etag : undefined;
}

function abort({ requests, key }: Pick<MultipartOptions, 'requests' | 'key'>, id: string): Promise<void> {
  return requests.cleanUp({ kind: 'delete', method: 'DELETE', key, query: { uploadId: id }, again: true });
}
