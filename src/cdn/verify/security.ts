import { oneLine } from '../../report/text.ts';

type Headers = Readonly<Record<string, string>>;

const year = 31_536_000;
/** https://www.w3.org/TR/referrer-policy/#referrer-policies, without the one that gives everything away. */
const referrerPolicies: ReadonlySet<string> = new Set([
  'no-referrer',
  'no-referrer-when-downgrade',
  'origin',
  'origin-when-cross-origin',
  'same-origin',
  'strict-origin',
  'strict-origin-when-cross-origin',
]);

/** What is missing in the security headers of a page, one sentence each. */
export function securityFaults(headers: Headers, html: string, secure: boolean): string[] {
  const policies = directivesOf(headers['content-security-policy']);
  return [
    // Browsers take no notice of it over http (RFC 6797, 8.1).
    ...(secure ? transportFaults(headers['strict-transport-security']) : []),
    ...(policies === undefined && !metaPolicy.test(html) ? ['Content-Security-Policy is missing'] : []),
    ...typeFaults(headers['x-content-type-options']),
    ...frameFaults(headers['x-frame-options'], policies),
    ...referrerFaults(headers['referrer-policy']),
  ];
}

/** What a page allows that its policy is there to forbid. */
export function policyWeakness(headers: Headers): string | undefined {
  const policies = directivesOf(headers['content-security-policy']);
  const scripts = policies?.get('script-src') ?? policies?.get('default-src');
  if (scripts === undefined || !scripts.includes("'unsafe-inline'")) return undefined;
  // With a nonce, a hash or strict-dynamic, browsers take no notice of unsafe-inline.
  if (scripts.some((script) => /^'(?:nonce-|sha(?:256|384|512)-|strict-dynamic')/.test(script)))
    return undefined;
  return "Content-Security-Policy allows inline scripts ('unsafe-inline'), so it stops no injected one";
}

/** Headers that every page must have with exactly this value. */
export function wantedFaults(headers: Headers, wanted: Headers): string[] {
  return Object.entries(wanted).flatMap(([name, value]) => {
    const is = headers[name.toLowerCase()];
    if (is === value) return [];
    return [
      `${name} ${is === undefined ? 'is missing' : `is “${oneLine(is, 120)}”`}, wanted is “${oneLine(value, 120)}”`,
    ];
  });
}

const metaPolicy = /<meta\s[^>]{0,200}http-equiv\s*=\s*["']?content-security-policy\b/i;

function transportFaults(value: string | undefined): string[] {
  if (value === undefined) return ['Strict-Transport-Security is missing'];
  // A second header counts for nothing (RFC 6797, 8.1).
  const [first = ''] = value.split(',');
  const parts = first.split(';').map((part) => part.trim().toLowerCase().replaceAll('"', ''));
  const age = Number(
    /^max-age\s*=\s*(\d+)$/.exec(parts.find((part) => part.startsWith('max-age')) ?? '')?.[1],
  );
  const name = 'Strict-Transport-Security';
  return [
    ...(age >= year
      ? []
      : [`${name} holds for ${Number.isNaN(age) ? 'no time' : `${age} s`}, less than a year (${year})`]),
    ...(parts.includes('includesubdomains') ? [] : [`${name} lacks includeSubDomains`]),
    ...(parts.includes('preload') ? [] : [`${name} lacks preload`]),
  ];
}

function typeFaults(value: string | undefined): string[] {
  if (value === undefined) return ['X-Content-Type-Options is missing'];
  const [first = ''] = value.split(',');
  return first.trim().toLowerCase() === 'nosniff'
    ? []
    : [`X-Content-Type-Options is “${oneLine(value, 60)}” instead of nosniff`];
}

function frameFaults(
  value: string | undefined,
  policies: ReadonlyMap<string, readonly string[]> | undefined,
) {
  if (policies?.has('frame-ancestors')) return [];
  if (value === undefined)
    return ['X-Frame-Options is missing, and so is frame-ancestors in Content-Security-Policy'];
  const known = value.split(',').every((part) => /^\s*(?:deny|sameorigin)\s*$/i.test(part));
  return known ? [] : [`X-Frame-Options is “${oneLine(value, 60)}”, which browsers take no notice of`];
}

function referrerFaults(value: string | undefined): string[] {
  if (value === undefined) return ['Referrer-Policy is missing'];
  const known = value.split(',').map((part) => part.trim().toLowerCase());
  // The last one that a browser knows counts.
  const counts = known.findLast((example) => referrerPolicies.has(example) || example === 'unsafe-url');
  if (counts === 'unsafe-url') return ['Referrer-Policy is unsafe-url: other sites are told whole URLs'];
  return counts === undefined ? [`Referrer-Policy is “${oneLine(value, 60)}”, which no browser knows`] : [];
}

/** Directives of all policies of a page; of one that stands more than once the first. */
function directivesOf(value: string | undefined): ReadonlyMap<string, readonly string[]> | undefined {
  if (value === undefined || value.trim() === '') return undefined;
  const map = new Map<string, readonly string[]>();
  for (const part of value.split(/[;,]/)) {
    const [name = '', ...sources] = part.trim().toLowerCase().split(/\s+/);
    if (name !== '' && !map.has(name)) map.set(name, sources);
  }
  return map;
}
