import { createHash } from 'node:crypto';
import { elements, escapeXml, hasXmlForm, text } from '../aws/xml.ts';
import type { RequestCounts } from '../model.ts';
import type { Refusal } from './answer.ts';
import { sha256 } from './body.ts';
import type { Requests, StoreRequest } from './requests.ts';

/** S3's limit. */
const mostAtOnce = 1000;
const triesOfKeys = 5;

/** Requests to delete this many objects. */
export function removalCost(count: number): Partial<RequestCounts> {
  if (count <= 1) return { delete: count };
  return { post: Math.ceil(count / mostAtOnce) };
}

export async function removeKeys(
  requests: Requests,
  keys: readonly string[],
  pause: (tries: number) => Promise<void>,
): Promise<void> {
  const [first] = keys;
  if (keys.length <= 1) return first === undefined ? undefined : removeOne(requests, first);
  // Keys that XML cannot contain are deleted one by one.
  const [sayable, others] = [keys.filter(hasXmlForm), keys.filter((key) => !hasXmlForm(key))];
  const batches = Array.from({ length: Math.ceil(sayable.length / mostAtOnce) }, (_, at) =>
    sayable.slice(at * mostAtOnce, (at + 1) * mostAtOnce),
  );
  await Promise.all([
    ...batches.map((batch) => removeMany(requests, batch, pause)),
    ...others.map((key) => removeOne(requests, key)),
  ]);
}

async function removeOne(requests: Requests, key: string): Promise<void> {
  const request: StoreRequest = { kind: 'delete', method: 'DELETE', key };
  const { refusal } = await requests.send(request);
  if (refusal === undefined || isGone(refusal)) return;
  throw await requests.refuse(refusal, request);
}

function isGone({ status, code }: Pick<Refusal, 'status' | 'code'>): boolean {
  return code === 'NoSuchKey' || (status === 404 && code === undefined);
}

async function removeMany(
  requests: Requests,
  keys: readonly string[],
  pause: (tries: number) => Promise<void>,
): Promise<void> {
  let left = keys;
  for (let tries = 1; left.length > 0; tries += 1) {
    const failed = await deleteObjects(requests, left, tries > 1);
    const final = failed.find(({ refusal }) => !isBusy(refusal));
    if (final !== undefined || (failed.length > 0 && tries === triesOfKeys)) {
      const { key, refusal } = final ?? (failed[0] as KeyFailure);
      throw await requests.refuse(refusal, { kind: 'delete', method: 'DELETE', key });
    }
    left = failed.map(({ key }) => key);
    if (left.length > 0) await pause(tries);
  }
}

interface KeyFailure {
  readonly key: string;
  readonly refusal: Refusal;
}

/** @returns the keys that could not be deleted. */
async function deleteObjects(
  requests: Requests,
  keys: readonly string[],
  again: boolean,
): Promise<readonly KeyFailure[]> {
  const objects = keys.map((key) => `<Object><Key>${escapeXml(key)}</Key></Object>`).join('');
  const list = Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>${objects}</Delete>`,
  );
  const request: StoreRequest = {
    kind: 'post',
    method: 'POST',
    query: { delete: '' },
    // S3 requires a checksum for bulk deletes; all stores support MD5.
    headers: {
      'content-type': 'application/xml',
      'content-md5': createHash('md5').update(list).digest('base64'),
    },
    body: { load: () => list, sha256: sha256(list) },
    again,
  };
  const { answer, refusal } = await requests.send(request);
  if (refusal !== undefined) throw await requests.refuse(refusal, request);
  return elements(answer.body.toString(), 'Error')
    .map((error) => ({
      key: text(error, 'Key') ?? '',
      refusal: { status: 200, code: text(error, 'Code'), message: text(error, 'Message'), region: undefined },
    }))
    .filter(({ refusal: { status, code } }) => !isGone({ status, code }))
    .map(({ key, refusal }) =>
      refusal.code === 'AccessDenied' ? { key, refusal: { ...refusal, status: 403 } } : { key, refusal },
    );
}

function isBusy({ code }: Refusal): boolean {
  return code === 'InternalError' || code === 'SlowDown' || code === 'ServiceUnavailable';
}
