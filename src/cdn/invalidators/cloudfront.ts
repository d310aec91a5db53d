import { createHash } from 'node:crypto';
import type { Mask } from '../../kernel/mask.ts';
import { type AwsKeys, createSigner, emptySha256 } from '../aws/sign.ts';
import type { ChangedSite, Invalidator } from '../invalidator.ts';
import type { InvalidationPlan, InvalidationResult } from '../model.ts';
import {
  type InvalidationState,
  invalidationBatch,
  parseError,
  parseInvalidation,
} from './cloudfront-xml.ts';
import { tellCloudFront } from './encoding.ts';
import {
  type Answer,
  createExchange,
  type Exchange,
  type ExchangeEffects,
  type Outcome,
  quoted,
  type Request,
  type Verdict,
} from './exchange.ts';
import { planPaths } from './paths.ts';

export interface CloudFrontEffects extends ExchangeEffects {
  readonly mask: Pick<Mask, 'scrub'>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Asked for every request. */
  readonly keys: () => Promise<AwsKeys>;
}

/**
 * Thirty paths a release make a release a day out of the 1,000 that are free in a month. With 15 wildcards in progress
 * (“Quotas on invalidations”) one release stays within its limits: it is always one request.
 */
const dialect = { tell: tellCloudFront, few: 30, wildcards: 15 };

const freePaths = '1,000';
const dollarsAPath = 0.005;

/** An invalidation takes seconds to a few minutes; others in progress must end first when there are too many. */
const patienceMs = 5 * 60_000;
const crowdedPauseMs = 10_000;
const waitMs = 15 * 60_000;
const pollMs = 5_000;

/**
 * One distribution of CloudFront.
 *
 * @param wait until CloudFront says that everything is forgotten, at most 15 minutes.
 */
export function openCloudFront(distribution: string, wait: boolean, effects: CloudFrontEffects): Invalidator {
  const cdn = `CloudFront ${distribution}`;
  const api = openApi(distribution, effects);

  async function apply(plan: InvalidationPlan, reference: string): Promise<InvalidationResult> {
    const from = effects.clock.elapsed();
    const exchange = createExchange(effects);
    const result = (outcome: InvalidationResult['outcome'], why?: string): InvalidationResult => ({
      cdn,
      paths: plan.paths,
      requests: exchange.sent(),
      ms: effects.clock.elapsed() - from,
      outcome,
      ...(why === undefined ? {} : { why: effects.mask.scrub(`CloudFront ${why}`) }),
    });
    if (plan.paths.length === 0) return result('none');
    const created = await api.create(exchange, plan.paths, callerReference(reference, plan.paths));
    if (!created.ok) return result('failed', created.why);
    if (created.value?.completed) return result('completed');
    if (!wait || created.value === undefined) return result('accepted');
    const done = await api.completed(exchange, created.value.id);
    return done.ok ? result('completed') : result('accepted', done.why);
  }

  return { cdn, plan: (changed) => planFor(cdn, changed), apply };
}

function planFor(cdn: string, changed: ChangedSite): InvalidationPlan {
  const paths = planPaths(changed, dialect).map(({ path, below }) => (below ? `${path}*` : path));
  return { cdn, paths, requests: Math.min(paths.length, 1), cost: costOf(paths.length) };
}

function costOf(paths: number): string {
  if (paths === 0) return 'nothing';
  const dollars = (paths * dollarsAPath).toFixed(3);
  return `${paths} of the ${freePaths} free paths of a month, $${dollars} once those are used up`;
}

/**
 * CloudFront takes a reference once, and answers the same one with the same paths by what it made of it then. With the
 * paths in it, a publication that is finished by another run with other paths is not refused.
 */
function callerReference(reference: string, paths: readonly string[]): string {
  return `${reference}-${createHash('sha256').update(paths.join('\n')).digest('hex').slice(0, 16)}`;
}

interface CloudFrontApi {
  /** @returns undefined where it was made before and CloudFront doesn't say more. */
  create(
    exchange: Exchange,
    paths: readonly string[],
    reference: string,
  ): Promise<Outcome<InvalidationState | undefined>>;
  completed(exchange: Exchange, id: string): Promise<Outcome<InvalidationState>>;
}

/** https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html, and GetInvalidation. */
function openApi(distribution: string, { keys, clock, env }: CloudFrontEffects): CloudFrontApi {
  // CloudFront is everywhere; its API is in us-east-1.
  const sign = createSigner({ keys, clock, region: 'us-east-1', service: 'cloudfront' });
  const base = `${endpointOf(env)}/2020-05-31/distribution/${distribution}/invalidation`;

  async function signed(method: 'GET' | 'POST', address: string, body?: string): Promise<Request> {
    const { host, pathname } = new URL(address);
    const { host: _, ...headers } = await sign({
      method,
      host,
      path: pathname,
      query: {},
      headers: body === undefined ? {} : { 'content-type': 'application/xml' },
      sha256: body === undefined ? emptySha256 : createHash('sha256').update(body).digest('hex'),
    });
    return { url: address, method, headers, ...(body === undefined ? {} : { body }) };
  }

  const judge = <T>(take: (answer: Answer) => Verdict<T>) => {
    return (answer: Answer): Verdict<T> => {
      if (answer.status >= 200 && answer.status < 300) return take(answer);
      // A signature of another time is answered as a wrong one is.
      const other = parseError(answer.text)?.code === 'SignatureDoesNotMatch';
      if (other && sign.learnTime(answer.headers.get('date') ?? undefined))
        return { again: 'has another time than this machine' };
      return judgeError(answer, distribution);
    };
  };

  return {
    create: async (exchange, paths, reference) => {
      const body = invalidationBatch(paths, reference);
      return exchange.ask<InvalidationState | undefined>({
        request: () => signed('POST', base, body),
        judge: (answer) => (isKnownReference(answer) ? { is: undefined } : judge(takeInvalidation)(answer)),
        patienceMs,
      });
    },
    completed: (exchange, id) =>
      exchange.ask({
        request: () => signed('GET', `${base}/${id}`),
        judge: judge((answer) => {
          const verdict = takeInvalidation(answer);
          if (!('is' in verdict) || verdict.is.completed) return verdict;
          return { again: 'was still at it', afterMs: pollMs };
        }),
        patienceMs: waitMs,
      }),
  };
}

function takeInvalidation({ text }: Answer): Verdict<InvalidationState> {
  const state = parseInvalidation(text);
  return state === undefined ? { refused: 'gave an answer that can’t be read' } : { is: state };
}

/**
 * Our references hold their paths, so one that was used before was used for the same: CloudFront has it. It documents
 * InvalidationBatchAlreadyExists for other paths, and answers InvalidArgument (https://github.com/aws/aws-cdk/issues/3878).
 */
function isKnownReference({ status, text }: Answer): boolean {
  if (status !== 400 && status !== 409) return false;
  const error = parseError(text);
  return (
    error?.code === 'InvalidationBatchAlreadyExists' ||
    /caller reference that was used/.test(error?.message ?? '')
  );
}

function judgeError(
  answer: Answer,
  distribution: string,
): { again: string; afterMs?: number } | { refused: string } {
  const { status, text } = answer;
  const error = parseError(text);
  const words =
    error === undefined ? `answered ${status}` : `answered ${error.code}: ${quoted(error.message)}`;
  switch (error?.code) {
    case 'TooManyInvalidationsInProgress':
      return { again: 'had too many invalidations in progress', afterMs: crowdedPauseMs };
    case 'Throttling':
    case 'ThrottlingException':
    case 'RequestLimitExceeded':
      return { again: words };
    case 'NoSuchDistribution':
      return {
        refused: `has no distribution ${distribution} in the account of these keys; look at cdn.cloudfront`,
      };
    case 'AccessDenied':
      return {
        refused: `doesn’t allow it: ${quoted(error.message)}. docs/cdn.md has the policy that Sluice needs`,
      };
    case 'InvalidClientTokenId':
    case 'SignatureDoesNotMatch':
    case 'ExpiredToken':
      return { refused: `doesn’t accept the keys: ${error.code}` };
    default:
      return status === 429 || status >= 500 ? { again: words } : { refused: words };
  }
}

/** As the AWS SDKs have it (“Service-specific endpoints”). */
function endpointOf(env: CloudFrontEffects['env']): string {
  const given = env.AWS_ENDPOINT_URL_CLOUDFRONT || env.AWS_ENDPOINT_URL;
  return (given || 'https://cloudfront.amazonaws.com').replace(/\/+$/, '');
}
