import { UserError } from '../../kernel/errors.ts';
import { harmless } from '../../kernel/foreign.ts';
import type { HttpAnswer } from '../aws/http.ts';
import { text } from '../aws/xml.ts';
import type { RequestCounts } from '../model.ts';

/** A store's `<Error>`, or what its status says if it sent none (answers to HEAD have no body). */
export interface Refusal {
  readonly status: number;
  readonly code: string | undefined;
  readonly message: string | undefined;
  /** The right region, where the store names it. */
  readonly region: string | undefined;
}

/** Copies and ends of multipart uploads begin their answer before they are done: their errors come with status 200. */
export function refusalOf(answer: HttpAnswer): Refusal | undefined {
  const body = answer.body.length > 0 && mayHoldError(answer) ? answer.body.toString('utf8', 0, 20_000) : '';
  // Of the top: answers to deletes of many name the objects that could not be deleted by `<Error>` too.
  const isError = /^\s*(?:<\?xml[^>]*\?>\s*)?<Error[\s>]/.test(body);
  if (answer.status < 300 && !isError) return undefined;
  const region = answer.headers['x-amz-bucket-region'];
  return {
    status: answer.status,
    code: isError ? text(body, 'Code') : undefined,
    message: isError ? text(body, 'Message') : undefined,
    region: (typeof region === 'string' ? region : undefined) ?? (isError ? text(body, 'Region') : undefined),
  };
}

/** An object that is published may hold `<Error>` too: with status 200, XML is an error only where S3 answers in XML. */
function mayHoldError(answer: HttpAnswer): boolean {
  return answer.status >= 300 || answer.headers['etag'] === undefined;
}

const busyCodes = new Set([
  'SlowDown',
  'ServiceUnavailable',
  'InternalError',
  'RequestTimeout',
  'Throttling',
  'ThrottlingException',
  'RequestLimitExceeded',
  'TooManyRequests',
  'RequestThrottled',
  'Busy',
  'XMinioServerNotInitialized',
]);
const conflictCodes = new Set(['OperationAborted', 'ConditionalRequestConflict']);

/**
 * `busy`: later, and less of it; `conflict`: the same again, soon; `no`: that is the answer.
 */
export function verdictOf({ status, code }: Refusal): 'busy' | 'conflict' | 'no' {
  if (code !== undefined && busyCodes.has(code)) return 'busy';
  if (code !== undefined && conflictCodes.has(code)) return 'conflict';
  // 501 is what a store can't do; 505 and above mean that as well.
  if (
    status === 500 ||
    status === 502 ||
    status === 503 ||
    status === 504 ||
    status === 429 ||
    status === 408
  )
    return 'busy';
  return 'no';
}

export interface RefusedRequest {
  readonly kind: keyof RequestCounts;
  /** `PUT assets/app.js`. */
  readonly what: string;
  /** `s3://bucket/prefix` */
  readonly store: string;
  readonly bucket: string;
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
}

const permissions: Readonly<Record<keyof RequestCounts, string>> = {
  get: 's3:GetObject on the objects and s3:ListBucket on the bucket (without that, a missing object is answered the same way)',
  head: 's3:GetObject on the objects and s3:ListBucket on the bucket (without that, a missing object is answered the same way)',
  put: 's3:PutObject on the objects',
  copy: 's3:GetObject and s3:PutObject on the objects (and s3:GetObjectTagging, s3:PutObjectTagging if they have tags)',
  delete: 's3:DeleteObject on the objects',
  list: 's3:ListBucket on the bucket',
  post: 's3:PutObject, s3:AbortMultipartUpload and s3:DeleteObject on the objects',
};

/** What a person is told about an answer that no repeating will change. */
export function refused(refusal: Refusal, request: RefusedRequest): UserError {
  const { code } = refusal;
  const { store, bucket, endpoint } = request;
  const words = wordsOf(refusal);
  const key = shortKey(request.accessKeyId);
  if (code === 'NoSuchBucket') {
    const message = `There is no bucket ${bucket} at ${endpoint}: ${words}`;
    return new UserError({ code: 'cdn.store-missing', message });
  }
  const moved = movedTo(refusal, request);
  if (moved !== undefined) return moved;
  switch (code) {
    case 'InvalidAccessKeyId':
    case 'XAdminUserNotFound':
    case 'InvalidClientTokenId':
    case 'UnrecognizedClientException':
      return denied(
        `${endpoint} does not know the access key ${key}: ${words}`,
        'Is AWS_ACCESS_KEY_ID a key of this store, and still active?',
      );
    case 'SignatureDoesNotMatch':
      return denied(
        `The secret does not belong to the access key ${key}: ${words}`,
        'Set AWS_SECRET_ACCESS_KEY anew, without quotes or white space. A proxy that changes requests on their way has the same effect.',
      );
    case 'ExpiredToken':
    case 'ExpiredTokenException':
    case 'InvalidToken':
    case 'TokenRefreshRequired':
      return denied(
        `The session of the access key ${key} has expired or is not valid: ${words}`,
        'AWS_SESSION_TOKEN belongs to the other two keys and lasts for hours at most: get all three anew, or set cdn.role.',
      );
    case 'RequestTimeTooSkewed':
      return denied(
        `The clock here is too far from that of ${endpoint}: ${words}`,
        'Set the clock of this machine.',
      );
    case 'XAmzContentSHA256Mismatch':
    case 'BadDigest':
      return new UserError({
        code: 'cdn.dist',
        message: `${request.what}: the file has changed while it was being published (${words})`,
        hint: 'Nothing may write to the folder while it is published; run again once the build is done.',
      });
  }
  if (refusal.status === 403 || refusal.status === 401) {
    return denied(
      `${store} does not allow ${request.what} with the access key ${key}: ${words}`,
      `It takes ${permissions[request.kind]}. docs/cdn.md has the whole policy.`,
    );
  }
  return new UserError({ code: 'cdn.store-refused', message: `${store} refused ${request.what}: ${words}` });
}

function denied(message: string, hint: string): UserError {
  return new UserError({ code: 'cdn.store-denied', message, hint });
}

function movedTo(refusal: Refusal, { bucket, region, endpoint }: RefusedRequest): UserError | undefined {
  const wrong =
    refusal.code === 'PermanentRedirect' ||
    refusal.code === 'AuthorizationHeaderMalformed' ||
    refusal.code === 'IllegalLocationConstraintException' ||
    ((refusal.status === 301 || refusal.status === 307 || refusal.status === 400) &&
      refusal.region !== undefined &&
      refusal.region !== region);
  if (!wrong) return undefined;
  const right = refusal.region === undefined ? undefined : cleaned(refusal.region);
  return new UserError({
    code: 'cdn.store-region',
    message:
      right === undefined
        ? `The bucket ${bucket} is not in the region ${region} of ${endpoint}: ${wordsOf(refusal)}`
        : `The bucket ${bucket} is in the region ${right}, not in ${region}`,
    hint: right === undefined ? 'Put the region of the bucket into cdn.region.' : `cdn.region: ${right}`,
  });
}

/** `AccessDenied: …`, or the status alone. */
export function wordsOf({ status, code, message }: Refusal): string {
  const said = [code, message].filter((part) => part !== undefined && part !== '').join(': ');
  return said === '' ? `status ${status}` : cleaned(said);
}

function cleaned(foreign: string): string {
  const line = harmless(foreign).replace(/\s+/g, ' ').trim();
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
}

/** Enough to tell which key it is. */
function shortKey(id: string): string {
  return id.length > 8 ? `${id.slice(0, 4)}…${id.slice(-4)}` : id;
}
