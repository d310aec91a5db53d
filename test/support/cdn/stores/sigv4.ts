import { createHash, createHmac } from 'node:crypto';
import type { Seen } from '../invalidators/fake-api.ts';

export interface SigV4Account {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface SigV4Scope {
  readonly region: string;
  readonly service: string;
}

/** Five minutes for services other than S3 (“Troubleshoot Signature Version 4 for AWS API requests”). */
const longestSkewMs = 5 * 60_000;

/**
 * Checks a signature as AWS does, from its own description
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html), not with the library that
 * makes ours.
 *
 * @returns the code and message of the refusal, or undefined.
 */
export function refuseSignature(
  request: Seen,
  account: SigV4Account,
  { region, service }: SigV4Scope,
  now: number,
): readonly [code: string, message: string] | undefined {
  const header = request.headers.authorization ?? '';
  const parts = /^AWS4-HMAC-SHA256 Credential=(\S+?), ?SignedHeaders=(\S+?), ?Signature=([0-9a-f]{64})$/.exec(
    header,
  );
  if (parts === null) return ['MissingAuthenticationToken', 'Request is missing Authentication Token'];
  const [, credential = '', signed = '', signature] = parts;
  const [key, day = '', ...scope] = credential.split('/');
  if (key !== account.accessKeyId)
    return ['InvalidClientTokenId', 'The security token included in the request is invalid.'];
  if (account.sessionToken !== undefined && request.headers['x-amz-security-token'] !== account.sessionToken)
    return ['ExpiredToken', 'The security token included in the request is expired'];
  if (scope.join('/') !== `${region}/${service}/aws4_request`)
    return ['SignatureDoesNotMatch', `Credential should be scoped to a valid region, not '${scope[0]}'.`];
  const date = String(request.headers['x-amz-date']);
  if (!date.startsWith(day)) return mismatch;
  if (Math.abs(timeOf(date) - now) > longestSkewMs)
    return ['SignatureDoesNotMatch', `Signature expired: ${date} is now earlier than the limit (5 min.)`];
  const names = signed.split(';');
  if (!names.includes('host') || !names.includes('x-amz-date')) return mismatch;
  if (request.headers['x-amz-content-sha256'] !== undefined && !names.includes('x-amz-content-sha256'))
    return mismatch;

  const [path = '', query = ''] = request.path.split('?');
  const canonical = [
    request.method,
    path.split('/').map(encodeURIComponent).join('/'),
    query.split('&').sort().join('&'),
    ...names.map((name) => `${name}:${String(request.headers[name]).trim().replace(/ +/g, ' ')}`),
    '',
    signed,
    sha256(request.body),
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', date, `${day}/${scope.join('/')}`, sha256(canonical)].join('\n');
  const secret = [day, ...scope].reduce<string | Buffer>(hmac, `AWS4${account.secretAccessKey}`);
  return hmac(secret, text).toString('hex') === signature ? undefined : mismatch;
}

const mismatch = [
  'SignatureDoesNotMatch',
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
] as const;

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** `20260101T000000Z` in ms. */
function timeOf(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}
