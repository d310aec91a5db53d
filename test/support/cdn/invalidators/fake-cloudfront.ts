import { randomBytes, randomUUID } from 'node:crypto';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { type Clock, systemClock } from '../../../../src/kernel/clock.ts';
import { refuseSignature, type SigV4Account } from '../stores/sigv4.ts';
import { type FakeApi, type Reply, type Seen, startApi } from './fake-api.ts';

export interface CloudFrontOptions {
  /** IDs of what the account has. */
  readonly distributions: readonly string[];
  readonly account: SigV4Account;
  /** How long an invalidation is in progress, ms. */
  readonly takesMs?: number;
  readonly clock?: Clock;
  /** Its own clock is this far ahead. */
  readonly skewMs?: number;
  /** What the keys may not do: `CreateInvalidation`, `GetInvalidation`. */
  readonly denied?: readonly string[];
  /** Called when an invalidation is accepted, with its paths as they were sent: what the edges forget from now on. */
  readonly onInvalidate?: (paths: readonly string[], distribution: string) => void;
}

export interface Invalidation {
  readonly id: string;
  readonly distribution: string;
  readonly reference: string;
  readonly paths: readonly string[];
  /** When it is done, by the clock. */
  readonly until: number;
}

export interface FakeCloudFront extends FakeApi {
  readonly invalidations: readonly Invalidation[];
  /** Something else has as many paths in progress, for so long. */
  occupy(distribution: string, paths: readonly string[], ms: number): void;
}

/** https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-invalidations */
const limits = { files: 3_000, wildcards: 15, length: 4_000 };

const xmlns = 'http://cloudfront.amazonaws.com/doc/2020-05-31/';

/** As a real one was seen to answer (https://github.com/awsdocs/amazon-cloudfront-developer-guide/issues/101). */
export const cloudFrontBusy: Reply = refusal(
  503,
  'ServiceUnavailable',
  'CloudFront encountered an internal error. Please try again.',
);
/** To a reference that it knows, with other paths. */
export const cloudFrontKnowsReference: Reply = invalid(
  'Your request contains a caller reference that was used for a previous invalidation batch for the same distribution.',
);
/** It comes with 400 (https://github.com/spacecatninja/craft-imager-x/issues/19). */
export const cloudFrontThrottled: Reply = refusal(400, 'Throttling', 'Rate exceeded');

/**
 * CloudFront's API for invalidations, no more lenient than the real one: what that refuses is refused here, in the same
 * words as far as they are known (their sources stand beside them). Signatures are checked.
 */
export async function startCloudFront(options: CloudFrontOptions): Promise<FakeCloudFront> {
  const { distributions, account, takesMs = 50, clock = systemClock, skewMs = 0, denied = [] } = options;
  const invalidations: Invalidation[] = [];

  function answer(request: Seen): Reply {
    const now = clock.now() + skewMs;
    const scope = { region: 'us-east-1', service: 'cloudfront' };
    const bad = refuseSignature(request, account, scope, now);
    const reply = bad === undefined ? route(request) : refusal(403, ...bad);
    return { ...reply, headers: { ...reply.headers, date: new Date(now).toUTCString() } };
  }

  function route(request: Seen): Reply {
    const match = /^\/2020-05-31\/distribution\/([^/?]+)\/invalidation(?:\/([^/?]+))?$/.exec(request.path);
    const [, distribution = '', id] = match ?? [];
    const action = `${request.method} ${id === undefined ? 'all' : 'one'}`;
    if (match === null || (action !== 'POST all' && action !== 'GET one'))
      return refusal(404, 'NoSuchResource', 'The requested resource does not exist.');
    const name = id === undefined ? 'CreateInvalidation' : 'GetInvalidation';
    if (denied.includes(name)) return accessDenied(name, distribution);
    if (!distributions.includes(distribution))
      return refusal(404, 'NoSuchDistribution', 'The specified distribution does not exist.');
    return id === undefined ? create(request, distribution) : get(distribution, id);
  }

  function create(request: Seen, distribution: string): Reply {
    const batch = readBatch(request);
    if ('status' in batch) return batch;
    const { reference, paths } = batch;
    const earlier = invalidations.find(
      (one) => one.distribution === distribution && one.reference === reference,
    );
    if (earlier !== undefined) {
      // https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_InvalidationBatch.html, CallerReference. Other
      // paths are documented as InvalidationBatchAlreadyExists; seen was this (https://github.com/aws/aws-cdk/issues/3878).
      return earlier.paths.join('\n') === paths.join('\n') ? shown(earlier, 201) : cloudFrontKnowsReference;
    }
    const full = refuseCrowd(distribution, paths);
    if (full !== undefined) return full;
    const made = add(distribution, reference, paths, takesMs);
    options.onInvalidate?.(paths, distribution);
    return shown(made, 201);
  }

  function get(distribution: string, id: string): Reply {
    const one = invalidations.find(
      (invalidation) => invalidation.distribution === distribution && invalidation.id === id,
    );
    if (one === undefined)
      return refusal(404, 'NoSuchInvalidation', 'The specified invalidation does not exist.');
    return shown(one, 200);
  }

  function add(distribution: string, reference: string, paths: readonly string[], ms: number): Invalidation {
    const id = `I${randomBytes(7).toString('hex').toUpperCase()}`;
    const made = { id, distribution, reference, paths, until: clock.now() + ms };
    invalidations.push(made);
    return made;
  }

  /** Files and wildcards are counted apart from each other; both messages were seen (apancutt/deploy-aws-s3-cloudfront#19, mdn/developer-portal#1134). */
  function refuseCrowd(distribution: string, paths: readonly string[]): Reply | undefined {
    const running = invalidations.filter(
      (one) => one.distribution === distribution && one.until > clock.now(),
    );
    const all = [...running.flatMap((one) => one.paths), ...paths];
    const wildcards = all.filter(isWildcard).length;
    const over =
      wildcards > limits.wildcards ? 'wildcard ' : all.length - wildcards > limits.files ? '' : undefined;
    if (over === undefined) return undefined;
    return refusal(
      400,
      'TooManyInvalidationsInProgress',
      `Processing your request will cause you to exceed the maximum number of in-progress ${over}invalidations.`,
    );
  }

  function shown({ id, paths, reference, until }: Invalidation, status: number): Reply {
    const items = paths.map((path) => `<Path>${escapeXml(path)}</Path>`).join('');
    const state = until > clock.now() ? 'InProgress' : 'Completed';
    return xml(
      status,
      `<Invalidation xmlns="${xmlns}"><Id>${id}</Id><Status>${state}</Status><CreateTime>2026-01-01T00:00:00.000Z</CreateTime>` +
        `<InvalidationBatch><Paths><Quantity>${paths.length}</Quantity><Items>${items}</Items></Paths>` +
        `<CallerReference>${escapeXml(reference)}</CallerReference></InvalidationBatch></Invalidation>`,
    );
  }

  const api = await startApi(answer);
  return {
    ...api,
    invalidations,
    occupy: (distribution, paths, ms) => void add(distribution, randomUUID(), paths, ms),
  };
}

interface Batch {
  readonly reference: string;
  readonly paths: readonly string[];
}

const parser = new XMLParser({
  ignoreAttributes: false,
  htmlEntities: true, // numbers, too
  parseTagValue: false,
  isArray: (name) => name === 'Path',
});

function readBatch({ body, headers }: Seen): Batch | Reply {
  if (body === '' || headers['content-type'] === undefined)
    return refusal(
      400,
      'MissingBody',
      'This operation requires a body. Ensure that the body is present and the Content-Type header is set.',
    );
  if (XMLValidator.validate(body) !== true)
    return refusal(400, 'MalformedXML', 'The XML document is not well-formed.');
  const { InvalidationBatch: batch } = parser.parse(body) as {
    InvalidationBatch?: Record<string, unknown> & {
      Paths?: { Quantity?: string; Items?: { Path?: string[] } };
    };
  };
  // Seen at s3tools/s3cmd#1214.
  if (batch === undefined || batch['@_xmlns'] !== xmlns)
    return refusal(
      400,
      'MalformedXML',
      "1 validation error detected: Value null at 'invalidationBatch' failed to satisfy constraint: Member must not be null",
    );
  const reference = batch['CallerReference'];
  const paths = batch.Paths?.Items?.Path ?? [];
  const quantity = Number(batch.Paths?.Quantity);
  if (typeof reference !== 'string' || reference === '')
    return refusal(
      400,
      'MalformedXML',
      "1 validation error detected: Value null at 'invalidationBatch.callerReference' failed to satisfy constraint: Member must not be null",
    );
  // Seen at linz/basemaps#2120.
  if (quantity !== paths.length)
    return refusal(
      400,
      'InconsistentQuantities',
      `The specified quantity of Paths (${quantity}) does not match the actual quantity supplied (${paths.length}).`,
    );
  if (paths.length > limits.files)
    return refusal(413, 'BatchTooLarge', 'Your request contains too many invalidation paths.');
  if (paths.length === 0 || !paths.every(isValid))
    return invalid('Your request contains one or more invalid invalidation paths.');
  return { reference, paths };
}

/**
 * “Invalidation paths” of the Developer Guide: a slash in front, at most 4,000 characters, `*` at the end alone, everything
 * encoded that RFC 1738 calls unsafe. `~`, `[` and `]` were seen refused (aws/aws-sdk#525 and others), `'` and `@` in two
 * reports; none of them gets past this one.
 */
function isValid(path: string): boolean {
  return path.length <= limits.length && /^\/(?:[A-Za-z0-9\-_.!$&(),/:;=+]|%[0-9A-F]{2})*\*?$/.test(path);
}

function isWildcard(path: string): boolean {
  return path.endsWith('*');
}

function invalid(message: string): Reply {
  return refusal(400, 'InvalidArgument', message);
}

function accessDenied(action: string, distribution: string): Reply {
  return refusal(
    403,
    'AccessDenied',
    `User: arn:aws:iam::123456789012:user/ci is not authorized to perform: cloudfront:${action} on resource: arn:aws:cloudfront::123456789012:distribution/${distribution} because no identity-based policy allows the cloudfront:${action} action`,
  );
}

function refusal(status: number, code: string, message: string): Reply {
  const type = status >= 500 ? 'Receiver' : 'Sender';
  return xml(
    status,
    `<ErrorResponse xmlns="${xmlns}"><Error><Type>${type}</Type><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error>` +
      `<RequestId>${randomUUID()}</RequestId></ErrorResponse>`,
  );
}

function xml(status: number, text: string): Reply {
  return { status, body: `<?xml version="1.0"?>\n${text}`, headers: { 'content-type': 'text/xml' } };
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
