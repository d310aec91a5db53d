import { formatBytes, formatCount } from '../../kernel/figures.ts';
import { oneLine } from '../../report/text.ts';
import type { Entry } from '../model.ts';
import type { Answer } from './exchange.ts';
import { type Fault, odd, wrong } from './fault.ts';
import { isSameBefore, rewriterOf } from './rewritten.ts';

/** What an answer may be mistaken for. */
export interface Others {
  /** The page of the root, which some CDNs give for everything they don't know. */
  readonly index: Entry | undefined;
  /** What the path had in the release before. */
  readonly before: Entry | undefined;
  /** Number of the release before. */
  readonly beforeNumber: number | undefined;
  /** Whether everything that the page names below the site is part of the release. */
  readonly namesRelease: (html: string) => boolean;
}

export function isContent({ sha256 }: Answer, entry: Entry): boolean {
  return sha256.raw === entry.sha256 || sha256.decoded === entry.sha256;
}

/** Why a status is not 200, for a person. */
export function statusWords({ status, headers, url }: Answer): string {
  if (headers['cf-mitigated'] === 'challenge') {
    return `answers ${status}: Cloudflare wants to know whether a person asks (a challenge); let this user agent pass`;
  }
  if ((status === 403 || status === 404) && url.pathname.includes('+')) {
    return `answers ${status}: S3 takes the + in this URL for a space; write it as %2B`;
  }
  const why =
    status === 404 || status === 410
      ? ': it is not there'
      : status === 403
        ? ': it is not there, or the CDN may not read it'
        : status === 401
          ? ': it wants a login'
          : status === 429
            ? ': the CDN takes no more requests from here for now'
            : status >= 500
              ? ': the CDN, or the store behind it, is in trouble'
              : '';
  return `answers ${status}${why}`;
}

/** A whole answer with status 200 against what was published there. */
export function contentFaults(answer: Answer, entry: Entry, others: Others): Fault[] {
  if (isContent(answer, entry)) return encodingFaults(answer, entry);
  const is = (other: Entry | undefined) => other !== undefined && isContent(answer, other);
  const kept = cacheWords(answer.headers);
  if (is(others.before)) {
    const release =
      others.beforeNumber === undefined ? 'the release before' : `release ${others.beforeNumber}`;
    return [wrong(`is still that of ${release}${kept === '' ? '' : `: the CDN has kept it (${kept})`}`)];
  }
  if (is(others.index)) {
    return [
      wrong('shows the page of the root: the CDN takes it for an unknown path, so the file is not served'),
    ];
  }
  if (entry.class === 'page') {
    const html = answer.body.toString();
    const rewriter = rewriterOf(html);
    if (rewriter !== undefined && isSameBefore(html, entry.sha256)) {
      return [odd('content', `is not byte for byte what was published: ${rewriter}`)];
    }
    if (rewriter !== undefined && others.namesRelease(html)) {
      return [
        odd(
          'content',
          `cannot be compared with what was published: ${rewriter}; all it names is of this release`,
        ),
      ];
    }
    if (rewriter !== undefined) {
      return [wrong(`is not what was published: ${rewriter}, and what it names is not of this release`)];
    }
  }
  if (answer.cut) {
    return [
      wrong(`is not what was published: far more than the ${formatBytes(entry.size)} that it should have`),
    ];
  }
  const size = sizeWords(answer, entry);
  return [
    wrong(
      isKept(answer.headers)
        ? `is not what was published (${size}): the CDN has kept another copy (${kept})`
        : `is not what was published (${size}): does this URL belong to this store?`,
    ),
  ];
}

function sizeWords({ size }: Answer, entry: Entry): string {
  return size === entry.size
    ? `${formatCount(size)} bytes as it should have, but others`
    : `${formatCount(size)} bytes instead of ${formatCount(entry.size)}`;
}

/** The right bytes under a wrong Content-Encoding are no use to a browser. */
function encodingFaults({ headers, sha256 }: Answer, entry: Entry): Fault[] {
  const [is, wanted] = [headers['content-encoding'], entry.headers['content-encoding']];
  if (sha256.raw !== entry.sha256 || is?.toLowerCase() === wanted?.toLowerCase()) return [];
  return [
    wrong(
      wanted === undefined
        ? `says Content-Encoding ${oneLine(is ?? '', 40)} of bytes that are not encoded: browsers cannot read it`
        : `comes without its Content-Encoding (${wanted}): browsers cannot read it`,
    ),
  ];
}

/** A HEAD's answer with status 200: all that can be compared without the bytes is their number. */
export function sizeFaults({ headers }: Answer, entry: Entry): Fault[] {
  const length = headers['content-length'];
  const encoded = headers['content-encoding'] !== entry.headers['content-encoding'];
  if (length === undefined || encoded || Number(length) === entry.size) return [];
  return [wrong(`has ${oneLine(length, 20)} bytes, ${entry.size} were published`)];
}

/** What CDNs tell of their caches, by header: CloudFront and Fastly, Cloudflare, RFC 9211, nginx, Vercel, Bunny. */
const cacheHeaders = [
  'x-cache',
  'cf-cache-status',
  'cache-status',
  'x-cache-status',
  'x-vercel-cache',
  'cdn-cache',
] as const;

/** `Age 1234 s, x-cache: Hit from cloudfront`; empty if it says nothing. */
export function cacheWords(headers: Answer['headers']): string {
  const told = cacheHeaders.flatMap((name) => {
    const value = headers[name];
    return value === undefined ? [] : [`${name}: ${oneLine(value, 60)}`];
  });
  return [
    ...(Number(headers['age']) > 0 ? [`Age ${oneLine(headers['age'] ?? '', 12)} s`] : []),
    ...told,
  ].join(', ');
}

function isKept(headers: Answer['headers']): boolean {
  return (
    Number(headers['age']) > 0 ||
    cacheHeaders.some((name) => /\b(?:hit|stale|revalidated)\b/i.test(headers[name] ?? ''))
  );
}
