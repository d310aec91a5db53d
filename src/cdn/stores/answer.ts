import type { IncomingHttpHeaders } from 'node:http';
import { docsUrl } from '../../kernel/docs.ts';
import { UserError } from '../../kernel/errors.ts';
import { harmless } from '../../kernel/foreign.ts';
import type { HttpAnswer } from '../aws/http.ts';
import { text } from '../aws/xml.ts';
import type { ObjectHeaders, RequestCounts } from '../model.ts';

/** A store's `<Error>`, or the status alone (answers to HEAD have no body). */
export interface Refusal {
  readonly status: number;
  readonly code: string | undefined;
  readonly message: string | undefined;
  /** The right region, where the store names it. */
  readonly region: string | undefined;
}

/** Copies and ends of multipart uploads send status 200 before they are done, so their errors come with it. */
export function refusalOf(answer: HttpAnswer): Refusal | undefined {
  const body = answer.body.length > 0 && mayHoldError(answer) ? answer.body.toString('utf8', 0, 20_000) : '';
  // Only at the top: answers to bulk deletes name each failed object in an `<Error>` too.
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

/** A published object may contain `<Error>` too, but has an ETag. */
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

/** `busy`: retry later, at a lower pace; `conflict`: retry soon; `no`: final. */
export function verdictOf({ status, code }: Refusal): 'busy' | 'conflict' | 'no' {
  if (code !== undefined && busyCodes.has(code)) return 'busy';
  if (code !== undefined && conflictCodes.has(code)) return 'conflict';
  // 501, 505 and above: not supported by the store.
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
  get: 's3:GetObject on the objects and s3:ListBucket on the bucket (without it, the store answers the same for a missing object)',
  head: 's3:GetObject on the objects and s3:ListBucket on the bucket (without it, the store answers the same for a missing object)',
  put: 's3:PutObject on the objects',
  copy: 's3:GetObject and s3:PutObject on the objects (and s3:GetObjectTagging, s3:PutObjectTagging if they have tags)',
  delete: 's3:DeleteObject on the objects',
  list: 's3:ListBucket on the bucket',
  post: 's3:PutObject, s3:AbortMultipartUpload and s3:DeleteObject on the objects',
};

/** Describes a final refusal. */
export function refused(refusal: Refusal, request: RefusedRequest): UserError {
  const { code } = refusal;
  const { store, bucket, endpoint } = request;
  const words = wordsOf(refusal);
  const key = shortKey(request.accessKeyId);
  if (code === 'NoSuchBucket') {
    const message = `Bucket "${bucket}" does not exist at ${endpoint}: ${words}`;
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
        'Check that AWS_ACCESS_KEY_ID is an active key of this store.',
      );
    case 'SignatureDoesNotMatch':
      return denied(
        `AWS_SECRET_ACCESS_KEY does not match the access key ${key}: ${words}`,
        'Set AWS_SECRET_ACCESS_KEY again, without quotes or white space. A proxy that changes requests causes the same error.',
      );
    case 'ExpiredToken':
    case 'ExpiredTokenException':
    case 'InvalidToken':
    case 'TokenRefreshRequired':
      return denied(
        `The session of the access key ${key} has expired or is not valid: ${words}`,
        'AWS_SESSION_TOKEN belongs to the other two keys and lasts for hours at most. Get all three again, or set cdn.role.',
      );
    case 'RequestTimeTooSkewed':
      return denied(
        `The clock of this machine differs too much from that of ${endpoint}: ${words}`,
        'Correct the clock of this machine.',
      );
    case 'XAmzContentSHA256Mismatch':
    case 'BadDigest':
      return new UserError({
        code: 'cdn.dist',
        message: `${request.what}: the file changed during the publication (${words})`,
        hint: 'Do not write to the folder during a publication. Run the command again after the build.',
      });
  }
  if (refusal.status === 403 || refusal.status === 401) {
    return denied(
      `${store} does not allow ${request.what} with the access key ${key}: ${words}`,
      `It requires ${permissions[request.kind]}. Full policy: ${docsUrl('cdn')}`,
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
        ? `Bucket "${bucket}" is not in the region ${region} of ${endpoint}: ${wordsOf(refusal)}`
        : `Bucket "${bucket}" is in the region ${right}, not in ${region}`,
    hint: right === undefined ? 'Set cdn.region to the region of the bucket.' : `cdn.region: ${right}`,
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

/** Enough to recognize the key. */
function shortKey(id: string): string {
  return id.length > 8 ? `${id.slice(0, 4)}…${id.slice(-4)}` : id;
}

const kept = new Set([
  'cache-control',
  'content-type',
  'content-encoding',
  'content-disposition',
  'content-language',
  'expires',
]);

/** Headers that the store keeps with the object; a copy that replaces headers must send all of them. */
export function storedHeaders(headers: IncomingHttpHeaders): ObjectHeaders {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      typeof value === 'string' && (kept.has(name) || name.startsWith('x-amz-meta-')) ? [[name, value]] : [],
    ),
  );
}

/** A `Date` or `Last-Modified` header in ms since the epoch. */
export function timeOf(value: string | undefined): number | undefined {
  const time = value === undefined ? Number.NaN : Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
}

/** ETags have quotes; Ceph omits them in its XML. */
export function quoted(etag: string): string {
  return etag === '' || etag.includes('"') ? etag : `"${etag}"`;
}
