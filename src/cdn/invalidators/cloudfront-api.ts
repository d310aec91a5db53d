import { createHash } from 'node:crypto';
import { type AwsKeys, createSigner, emptySha256 } from '../aws/sign.ts';
import { escapeXml, text } from '../aws/xml.ts';
import {
  type Answer,
  apiBase,
  type Exchange,
  type Outcome,
  quoted,
  type Request,
  type TellingEffects,
  type Verdict,
} from './exchange.ts';

export interface CloudFrontEffects extends TellingEffects {
  /** Called for every request. */
  readonly keys: () => Promise<AwsKeys>;
}

/** Requests to one distribution. */
export interface CloudFrontApi {
  /** @returns `known` if the invalidation already exists. */
  create(
    exchange: Exchange,
    paths: readonly string[],
    callerReference: string,
  ): Promise<Outcome<InvalidationState | 'known'>>;
  /** Polls until it is completed, for up to 15 minutes. */
  completed(exchange: Exchange, id: string): Promise<Outcome<InvalidationState>>;
}

/** An invalidation takes seconds to a few minutes; if too many are in progress, some must end first. */
const patienceMs = 5 * 60_000;
const crowdedPauseMs = 10_000;
const waitMs = 15 * 60_000;
const pollMs = 5_000;

/** https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html, and GetInvalidation. */
export function openCloudFrontApi(
  distribution: string,
  { keys, clock, env }: CloudFrontEffects,
): CloudFrontApi {
  // The API of CloudFront is in us-east-1.
  const sign = createSigner({ keys, clock, region: 'us-east-1', service: 'cloudfront' });
  const base = `${endpointOf(env)}/2020-05-31/distribution/${distribution}/invalidation`;

  async function signed(method: 'GET' | 'POST', url: string, body?: string): Promise<Request> {
    const { host, pathname } = new URL(url);
    const type = body === undefined ? undefined : { 'content-type': 'application/xml' };
    const sha256 = body === undefined ? emptySha256 : createHash('sha256').update(body).digest('hex');
    const headers = await sign({ method, host, path: pathname, query: {}, headers: { ...type }, sha256 });
    return { url, method, headers, ...(body === undefined ? {} : { body }) };
  }

  function judge<T>(answer: Answer, take: (state: InvalidationState) => Verdict<T>): Verdict<T> {
    const { status, headers, text } = answer;
    if (status >= 200 && status < 300) {
      const state = parseInvalidation(text);
      return state === undefined ? { refused: 'returned an unreadable answer' } : take(state);
    }
    const error = parseError(text);
    // CloudFront reports a wrong time as a wrong signature.
    if (error?.code === 'SignatureDoesNotMatch' && sign.learnTime(headers.date))
      return { again: 'has a different time from this machine' };
    return judgeError(status, error, distribution);
  }

  return {
    create: async (exchange, paths, callerReference) => {
      const body = invalidationBatch(paths, callerReference);
      return exchange.ask<InvalidationState | 'known'>({
        request: () => signed('POST', base, body),
        judge: (answer) =>
          isKnown(parseError(answer.text)) ? { is: 'known' } : judge(answer, (state) => ({ is: state })),
        patienceMs,
      });
    },
    completed: (exchange, id) =>
      exchange.ask({
        request: () => signed('GET', `${base}/${id}`),
        judge: (answer) =>
          judge(answer, (state) =>
            state.completed ? { is: state } : { again: 'was still in progress', afterMs: pollMs },
          ),
        patienceMs: waitMs,
      }),
  };
}

/**
 * A reference contains the hash of its paths, so a used one means the same invalidation. It documents
 * InvalidationBatchAlreadyExists for other paths, and answers InvalidArgument
 * (https://github.com/aws/aws-cdk/issues/3878).
 */
function isKnown(error: CloudFrontError | undefined): boolean {
  if (error === undefined) return false;
  return (
    error.code === 'InvalidationBatchAlreadyExists' ||
    (error.code === 'InvalidArgument' && error.message.includes('caller reference that was used'))
  );
}

function judgeError(
  status: number,
  error: CloudFrontError | undefined,
  distribution: string,
): { readonly again: string; readonly afterMs?: number } | { readonly refused: string } {
  const words =
    error === undefined ? `answered ${status}` : `answered ${error.code}: ${quoted(error.message)}`;
  switch (error?.code) {
    case 'TooManyInvalidationsInProgress':
      return { again: 'had too many invalidations in progress', afterMs: crowdedPauseMs };
    case 'Throttling': // with status 400
    case 'ThrottlingException':
    case 'RequestLimitExceeded':
      return { again: words };
    case 'NoSuchDistribution':
      return { refused: `has no distribution ${distribution} in this account` };
    case 'AccessDenied':
      return { refused: `denied access: ${quoted(error.message)}` };
    case 'InvalidClientTokenId':
    case 'SignatureDoesNotMatch':
    case 'ExpiredToken':
      return { refused: `rejected the keys: ${error.code}` };
    default:
      return status === 429 || status >= 500 ? { again: words } : { refused: words };
  }
}

/** As in the AWS SDKs (“Service-specific endpoints”). */
function endpointOf(env: CloudFrontEffects['env']): string {
  const given = env.AWS_ENDPOINT_URL_CLOUDFRONT || env.AWS_ENDPOINT_URL;
  return apiBase(given, 'https://cloudfront.amazonaws.com', {
    code: 'cdn.cloudfront',
    names: 'AWS_ENDPOINT_URL_CLOUDFRONT (or AWS_ENDPOINT_URL)',
  });
}

const namespace = 'http://cloudfront.amazonaws.com/doc/2020-05-31/';

/** The state of an invalidation. */
export interface InvalidationState {
  readonly id: string;
  readonly completed: boolean;
}

/** An error of CloudFront. */
export interface CloudFrontError {
  readonly code: string;
  readonly message: string;
}

/** The body of CreateInvalidation. */
function invalidationBatch(paths: readonly string[], callerReference: string): string {
  const items = paths.map((path) => `<Path>${escapeXml(path)}</Path>`).join('');
  return (
    `<?xml version="1.0" encoding="UTF-8"?><InvalidationBatch xmlns="${namespace}">` +
    `<Paths><Quantity>${paths.length}</Quantity><Items>${items}</Items></Paths>` +
    `<CallerReference>${escapeXml(callerReference)}</CallerReference></InvalidationBatch>`
  );
}

/** @returns undefined for any other text. */
function parseInvalidation(xml: string): InvalidationState | undefined {
  const id = text(xml, 'Id');
  // It becomes part of a path.
  if (id === undefined || !/^[A-Z0-9]+$/i.test(id)) return undefined;
  return { id, completed: text(xml, 'Status') === 'Completed' };
}

/** @returns undefined for any other text, such as an invalidation or a proxy's page. */
function parseError(xml: string): CloudFrontError | undefined {
  const code = text(xml, 'Code');
  return code === undefined ? undefined : { code, message: text(xml, 'Message') ?? '' };
}
