import { oneLine } from '../../report/text.ts';
import type { Entry } from '../model.ts';
import { type Fault, odd, wrong } from './faults.ts';

type Headers = Readonly<Record<string, string>>;

/**
 * Compares the headers stored with the object. @param changed whether the release changed it: then a CDN may
 * serve the old headers for a while.
 */
export function headerFaults(headers: Headers, entry: Entry, changed: boolean): Fault[] {
  return [
    ...typeFaults(headers['content-type'], entry),
    ...cacheFaults(headers['cache-control'], entry, changed),
    ...['content-disposition', 'content-language', 'expires'].flatMap((name) => {
      const [is, wanted] = [headers[name], entry.headers[name]];
      if (wanted === undefined || is === wanted) return [];
      return [odd('content', `${properName(name)} is ${quoted(is)}; published as ${quoted(wanted)}`)];
    }),
  ];
}

function typeFaults(is: string | undefined, entry: Entry): Fault[] {
  const wanted = entry.headers['content-type'];
  if (wanted === undefined) return [];
  const [type, wantedType] = [typeOf(is), typeOf(wanted)];
  const message = `Content-Type is ${quoted(is)}; published as ${quoted(wanted)}`;
  if (type.name !== wantedType.name) return [wrong(message)];
  return wantedType.charset !== '' && type.charset !== wantedType.charset ? [odd('content', message)] : [];
}

/** Types that browsers reject, for files that are not part of the release. */
export function kindFaults(headers: Headers, path: string): Fault[] {
  const { name } = typeOf(headers['content-type']);
  const extension = /\.([a-z0-9]+)$/i.exec(path)?.[1]?.toLowerCase();
  if (extension === undefined || /^x?html?$/.test(extension)) return [];
  if (name === 'text/html')
    return [wrong('serves an HTML page instead of a file: the CDN treats it as an unknown path')];
  const wanted =
    extension === 'css' ? /^text\/css$/ : /^m?js$/.test(extension) ? /\b(?:java|ecma)script$/ : undefined;
  if (wanted === undefined || wanted.test(name)) return [];
  return [
    wrong(`Content-Type is ${quoted(headers['content-type'])}: browsers do not accept it as .${extension}`),
  ];
}

function cacheFaults(is: string | undefined, entry: Entry, changed: boolean): Fault[] {
  const wanted = entry.headers['cache-control'];
  const [has, should] = [directives(is), directives(wanted)];
  if (entry.class === 'page' && has.has('immutable') && !should.has('immutable')) {
    const message = `Cache-Control is ${quoted(is)}: browsers that load this page never request a newer one`;
    return [{ level: 'fail', kind: 'cache', message, clears: 'release' }];
  }
  if (
    wanted === undefined ||
    (has.size === should.size && [...should].every((directive) => has.has(directive)))
  )
    return [];
  const message = `Cache-Control is ${quoted(is)}; published as ${quoted(wanted)}: a CDN setting overrides it`;
  return [{ level: 'warn', kind: 'cache', message, clears: changed ? 'soon' : 'never' }];
}

function directives(value: string | undefined): ReadonlySet<string> {
  const parts = (value ?? '').split(',').map((part) =>
    part
      .trim()
      .toLowerCase()
      .replace(/(?<!\s)\s*=\s*/, '='),
  );
  return new Set(parts.filter((part) => part !== ''));
}

function typeOf(value: string | undefined): { readonly name: string; readonly charset: string } {
  const [name = '', ...parameters] = (value ?? '').split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((part) => part.startsWith('charset='))?.slice('charset='.length) ?? '';
  return { name, charset: charset.replaceAll('"', '') };
}

function quoted(value: string | undefined): string {
  return value === undefined ? 'missing' : `“${oneLine(value, 120)}”`;
}

function properName(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

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
    ...nosniffFaults(headers['x-content-type-options']),
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

function nosniffFaults(value: string | undefined): string[] {
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
