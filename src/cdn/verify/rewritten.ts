import { createHash } from 'node:crypto';

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
