import { oneLine } from '../../report/text.ts';

type Headers = Readonly<Record<string, string>>;

const year = 31_536_000;
/** https://www.w3.org/TR/referrer-policy/#referrer-policies, without unsafe-url. */
const referrerPolicies: ReadonlySet<string> = new Set([
  'no-referrer',
  'no-referrer-when-downgrade',
  'origin',
  'origin-when-cross-origin',
  'same-origin',
  'strict-origin',
  'strict-origin-when-cross-origin',
]);

/** Faults of the security headers of a page, one sentence each. */
export function securityFaults(headers: Headers, html: string, secure: boolean): string[] {
  const policies = directivesOf(headers['content-security-policy']);
  return [
    // Browsers ignore it over HTTP (RFC 6797, 8.1).
    ...(secure ? transportFaults(headers['strict-transport-security']) : []),
    ...(policies === undefined && !metaPolicy.test(html) ? ['Content-Security-Policy is missing'] : []),
    ...typeFaults(headers['x-content-type-options']),
    ...frameFaults(headers['x-frame-options'], policies),
    ...referrerFaults(headers['referrer-policy']),
  ];
}

/** Inline scripts that the policy of a page allows. */
export function policyWeakness(headers: Headers): string | undefined {
  const policies = directivesOf(headers['content-security-policy']);
  const scripts = policies?.get('script-src') ?? policies?.get('default-src');
  if (scripts === undefined || !scripts.includes("'unsafe-inline'")) return undefined;
  // With a nonce, a hash or strict-dynamic, browsers ignore unsafe-inline.
  if (scripts.some((script) => /^'(?:nonce-|sha(?:256|384|512)-|strict-dynamic')/.test(script)))
    return undefined;
  return "Content-Security-Policy allows inline scripts ('unsafe-inline'), so it does not stop injected ones";
}

/** Headers that every page must have with exactly this value. */
export function wantedFaults(headers: Headers, wanted: Headers): string[] {
  return Object.entries(wanted).flatMap(([name, value]) => {
    const is = headers[name.toLowerCase()];
    if (is === value) return [];
    return [
      `${name} ${is === undefined ? 'is missing' : `is “${oneLine(is, 120)}”`}; expected “${oneLine(value, 120)}”`,
    ];
  });
}

const metaPolicy = /<meta\s[^>]{0,200}http-equiv\s*=\s*["']?content-security-policy\b/i;

function transportFaults(value: string | undefined): string[] {
  if (value === undefined) return ['Strict-Transport-Security is missing'];
  // Browsers ignore a second header (RFC 6797, 8.1).
  const [first = ''] = value.split(',');
  const parts = first.split(';').map((part) => part.trim().toLowerCase().replaceAll('"', ''));
  const age = Number(
    /^max-age\s*=\s*(\d+)$/.exec(parts.find((part) => part.startsWith('max-age')) ?? '')?.[1],
  );
  const name = 'Strict-Transport-Security';
  return [
    ...(age >= year
      ? []
      : [
          Number.isNaN(age)
            ? `${name} lacks max-age`
            : `${name} has max-age ${age}, less than a year (${year})`,
        ]),
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
    return ['X-Frame-Options and frame-ancestors in Content-Security-Policy are missing'];
  const known = value.split(',').every((part) => /^\s*(?:deny|sameorigin)\s*$/i.test(part));
  return known ? [] : [`X-Frame-Options is “${oneLine(value, 60)}”, which browsers ignore`];
}

function referrerFaults(value: string | undefined): string[] {
  if (value === undefined) return ['Referrer-Policy is missing'];
  const known = value.split(',').map((part) => part.trim().toLowerCase());
  // The last one that a browser knows counts.
  const counts = known.findLast((example) => referrerPolicies.has(example) || example === 'unsafe-url');
  if (counts === 'unsafe-url') return ['Referrer-Policy is unsafe-url: it sends full URLs to other sites'];
  return counts === undefined
    ? [`Referrer-Policy is “${oneLine(value, 60)}”, which is not a valid policy`]
    : [];
}

/** Directives of all policies of a page; of a duplicate the first. */
function directivesOf(value: string | undefined): ReadonlyMap<string, readonly string[]> | undefined {
  if (value === undefined || value.trim() === '') return undefined;
  const map = new Map<string, readonly string[]>();
  for (const part of value.split(/[;,]/)) {
    const [name = '', ...sources] = part.trim().toLowerCase().split(/\s+/);
    if (name !== '' && !map.has(name)) map.set(name, sources);
  }
  return map;
}
