import { createHash } from 'node:crypto';
import { formatBytes, formatCount } from '../../kernel/figures.ts';
import { oneLine } from '../../report/text.ts';
import type { Entry } from '../model.ts';
import type { Answer } from './exchange.ts';
import { type Fault, odd, wrong } from './faults.ts';

/** Other content that an answer may have instead. */
export interface Others {
  /** The root page, which some CDNs serve for every unknown path. */
  readonly index: Entry | undefined;
  /** The entry of this path in the previous release. */
  readonly before: Entry | undefined;
  /** Number of the previous release. */
  readonly beforeNumber: number | undefined;
  /** Whether everything that the page names below the site is part of the release. */
  readonly namesRelease: (html: string) => boolean;
}

export function isContent({ sha256 }: Answer, entry: Entry): boolean {
  return sha256.raw === entry.sha256 || sha256.decoded === entry.sha256;
}

/** Explains a status that is not 200. */
export function statusWords({ status, headers, url }: Answer): string {
  if (headers['cf-mitigated'] === 'challenge') {
    return `answers ${status}: Cloudflare requires a browser challenge; allow this user agent`;
  }
  if ((status === 403 || status === 404) && url.pathname.includes('+')) {
    return `answers ${status}: S3 reads the + in this URL as a space; write it as %2B`;
  }
  const why =
    status === 404 || status === 410
      ? ': the object does not exist'
      : status === 403
        ? ': the object does not exist, or the CDN has no permission to read it'
        : status === 401
          ? ': authentication required'
          : status === 429
            ? ': the CDN is rate limiting this client'
            : status >= 500
              ? ': the CDN or its origin is failing'
              : '';
  return `answers ${status}${why}`;
}

/** Compares a complete answer with status 200 with the published entry. */
export function contentFaults(answer: Answer, entry: Entry, others: Others): Fault[] {
  if (isContent(answer, entry)) return encodingFaults(answer, entry);
  const is = (other: Entry | undefined) => other !== undefined && isContent(answer, other);
  const kept = cacheWords(answer.headers);
  if (is(others.before)) {
    const release =
      others.beforeNumber === undefined ? 'the previous release' : `release ${others.beforeNumber}`;
    return [
      wrong(
        `still has the content of ${release}${kept === '' ? '' : `: the CDN serves it from its cache (${kept})`}`,
      ),
    ];
  }
  if (is(others.index)) {
    return [wrong('serves the root page instead: the CDN treats it as an unknown path')];
  }
  if (entry.class === 'page') {
    const html = answer.body.toString();
    const rewriter = rewriterOf(html);
    if (rewriter !== undefined && isSameBefore(html, entry.sha256)) {
      return [odd('content', `differs from the published bytes: ${rewriter}`)];
    }
    if (rewriter !== undefined && others.namesRelease(html)) {
      return [
        odd(
          'content',
          `cannot be compared with the published bytes: ${rewriter}; every file it names is part of this release`,
        ),
      ];
    }
    if (rewriter !== undefined) {
      return [
        wrong(
          `differs from the published page: ${rewriter}, and it names files that are not part of this release`,
        ),
      ];
    }
  }
  if (answer.cut) {
    return [
      wrong(`differs from the published content: far more than the expected ${formatBytes(entry.size)}`),
    ];
  }
  const size = sizeWords(answer, entry);
  return [
    wrong(
      isKept(answer.headers)
        ? `differs from the published content (${size}): the CDN serves another copy from its cache (${kept})`
        : `differs from the published content (${size}): does this URL belong to this store?`,
    ),
  ];
}

function sizeWords({ size }: Answer, entry: Entry): string {
  return size === entry.size
    ? `${formatCount(size)} bytes as expected, with other content`
    : `${formatCount(size)} bytes instead of ${formatCount(entry.size)}`;
}

/** Browsers cannot read the right bytes under a wrong Content-Encoding. */
function encodingFaults({ headers, sha256 }: Answer, entry: Entry): Fault[] {
  const [is, wanted] = [headers['content-encoding'], entry.headers['content-encoding']];
  if (sha256.raw !== entry.sha256 || is?.toLowerCase() === wanted?.toLowerCase()) return [];
  return [
    wrong(
      wanted === undefined
        ? `has Content-Encoding ${oneLine(is ?? '', 40)}, but its bytes are not encoded: browsers cannot read it`
        : `lacks its Content-Encoding (${wanted}): browsers cannot read it`,
    ),
  ];
}

/** The answer to a HEAD with status 200: only its size can be compared. */
export function sizeFaults({ headers }: Answer, entry: Entry): Fault[] {
  const length = headers['content-length'];
  const encoded = headers['content-encoding'] !== entry.headers['content-encoding'];
  if (length === undefined || encoded || Number(length) === entry.size) return [];
  return [wrong(`has ${oneLine(length, 20)} bytes; ${entry.size} were published`)];
}

/**
 * Headers in which CDNs report their cache: CloudFront and Fastly, Cloudflare, RFC 9211, nginx, Vercel, Bunny.
 */
const cacheHeaders = [
  'x-cache',
  'cf-cache-status',
  'cache-status',
  'x-cache-status',
  'x-vercel-cache',
  'cdn-cache',
] as const;

/** `Age 1234 s, x-cache: Hit from cloudfront`; empty without such a header. */
function cacheWords(headers: Answer['headers']): string {
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

/** Changes that CDNs make to pages in transit, and their marks. */
const rewritings: readonly { readonly mark: RegExp; readonly what: string }[] = [
  {
    mark: /data-cfemail=|\/cdn-cgi\/l\/email-protection/,
    what: 'Cloudflare obfuscates email addresses in it (Email Address Obfuscation)',
  },
  { mark: /rocket-loader\.min\.js/, what: 'Cloudflare defers its scripts (Rocket Loader)' },
  {
    mark: /static\.cloudflareinsights\.com\/beacon/,
    what: 'Cloudflare adds its analytics script (Web Analytics)',
  },
  { mark: /\/cdn-cgi\/challenge-platform\//, what: 'Cloudflare adds its bot detection script' },
  { mark: /\/cdn-cgi\/zaraz\//, what: 'Cloudflare adds its tag manager (Zaraz)' },
  { mark: /\/mod_pagespeed_beacon|pagespeed\.[a-z]+\(|\.pagespeed\./, what: 'PageSpeed rewrites it' },
];

/** The change that a page shows; undefined without a mark. */
export function rewriterOf(html: string): string | undefined {
  return rewritings.find(({ mark }) => mark.test(html))?.what;
}

/** Whether a page has this SHA-256 (base64url) once the known changes of Cloudflare are undone. */
export function isSameBefore(html: string, sha256: string): boolean {
  const back = html
    .replace(
      /<script\b[^<>]{0,500}(?:\/cdn-cgi\/scripts\/|static\.cloudflareinsights\.com\/)[^<>]{0,1000}>\s{0,100}<\/script>/g,
      '',
    )
    .replace(/<script>\(function\(\)\{[^<]{0,4000}\/cdn-cgi\/challenge-platform\/[^<]{0,4000}<\/script>/g, '')
    .replace(/\/cdn-cgi\/l\/email-protection#([0-9a-f]+)/g, (_, hex: string) => `mailto:${addressOf(hex)}`)
    .replace(
      /<(a|span)\b[^<>]{0,300}data-cfemail="([0-9a-f]+)"[^<>]{0,100}>\[email&#160;protected\]<\/\1>/g,
      (_, __, hex: string) => addressOf(hex),
    );
  return back !== html && [back, back.replace(/\n(?=<\/body>)/, '')].some((text) => hashOf(text) === sha256);
}

/** The first byte is the XOR key of the others. */
function addressOf(hex: string): string {
  const [key = 0, ...bytes] = Buffer.from(hex, 'hex');
  return Buffer.from(bytes.map((byte) => byte ^ key)).toString();
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
