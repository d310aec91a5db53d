import { oneLine } from '../../report/text.ts';
import type { VerifyFinding } from '../model.ts';
import { shown } from './url.ts';

/** A fault of one answer. `message` continues `https://example.com/: `. */
export interface Fault {
  readonly level: VerifyFinding['level'];
  readonly kind: VerifyFinding['kind'];
  readonly message: string;
  /**
   * Whether time may fix it. `release`: an invalidation takes a while, and the release depends on it; `soon`:
   * the same for a warning; `never`: only a changed setting fixes it.
   */
  readonly clears: 'release' | 'soon' | 'never';
}

/** A difference from the published release. */
export function wrong(message: string): Fault {
  return { level: 'fail', kind: 'content', message, clears: 'release' };
}

/** A warning about a setting. */
export function odd(kind: Fault['kind'], message: string): Fault {
  return { level: 'warn', kind, message, clears: 'never' };
}

/** URLs with the same fault that are named besides the first. */
const mostNamed = 3;

/** Failures first; the same fault of many URLs is reported once. */
export function findingsOf(all: readonly { readonly url: URL; readonly faults: readonly Fault[] }[]) {
  const alike = new Map<string, { readonly fault: Fault; readonly urls: Set<string> }>();
  for (const { url, faults } of all) {
    for (const fault of faults) {
      const key = `${fault.level} ${fault.kind} ${fault.message}`;
      const { urls } = alike.get(key) ?? { urls: new Set() };
      alike.set(key, { fault, urls: urls.add(shown(url)) });
    }
  }
  const findings = [...alike.values()].map(({ urls, fault: { level, kind, message } }): VerifyFinding => {
    const [url = '', ...others] = urls;
    return { level, kind, url, message: `${message}${othersText(others)}` };
  });
  const order = (finding: VerifyFinding) => (finding.level === 'fail' ? 0 : 1);
  return findings.sort((a, b) => order(a) - order(b));
}

/** ` (and /a, /b, /c, and 12 more)` */
function othersText(urls: readonly string[]): string {
  if (urls.length === 0) return '';
  const named = urls.slice(0, mostNamed).map((url) => new URL(url).pathname);
  const more = urls.length - named.length;
  return ` (and ${[...named, ...(more > 0 ? [`and ${more} more`] : [])].join(', ')})`;
}

/** Why there is no answer. `message` ends the sentence `https://example.com/ …`. */
export interface Trouble {
  readonly trouble: 'dns' | 'connect' | 'tls' | 'late' | 'broken' | 'redirect';
  readonly message: string;
}

/** Codes of Node (`dns`, `net`) and of the system's calls. */
const sentences: Readonly<Record<string, Trouble>> = {
  ENOTFOUND: { trouble: 'dns', message: 'has a host name that does not exist in DNS' },
  EAI_AGAIN: { trouble: 'connect', message: 'has a host name that DNS cannot resolve at the moment' },
  ECONNREFUSED: { trouble: 'connect', message: 'refuses connections: nothing listens on that port' },
  EHOSTUNREACH: { trouble: 'connect', message: 'cannot be reached: there is no route to the host' },
  ENETUNREACH: { trouble: 'connect', message: 'cannot be reached: there is no route to its network' },
  ECONNRESET: { trouble: 'broken', message: 'closed the connection during the response' },
  HPE_HEADER_OVERFLOW: { trouble: 'broken', message: 'sends more than 16 KiB of headers' },
  EPIPE: { trouble: 'broken', message: 'closed the connection during the request' },
  CERT_HAS_EXPIRED: { trouble: 'tls', message: 'has a certificate that has expired' },
  DEPTH_ZERO_SELF_SIGNED_CERT: { trouble: 'tls', message: 'has a self-signed certificate' },
  SELF_SIGNED_CERT_IN_CHAIN: {
    trouble: 'tls',
    message: 'has a certificate from an untrusted authority',
  },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: {
    trouble: 'tls',
    message: 'has a certificate from an untrusted authority',
  },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: {
    trouble: 'tls',
    message: 'sends its certificate without the intermediate certificates',
  },
  ERR_TLS_CERT_ALTNAME_INVALID: { trouble: 'tls', message: 'has a certificate for another host name' },
};

/** Describes the error of a request. */
export function troubleOf(error: unknown, url: URL): Trouble {
  const { code, message } = innermost(error);
  if (code === 'ETIMEDOUT') {
    const why = message.startsWith('no ') ? message : 'the connection timed out';
    return { trouble: 'late', message: `does not answer: ${why}` };
  }
  const known = sentences[code];
  if (known !== undefined) return known;
  if (/^(?:ERR_SSL|ERR_TLS|EPROTO)/.test(code) || /^CERT_/.test(code)) {
    return { trouble: 'tls', message: `fails the TLS handshake (${code})` };
  }
  if (code.startsWith('HPE_')) {
    const other = url.protocol === 'http:' ? '; try https' : '';
    return { trouble: 'broken', message: `sends an invalid HTTP response (${code})${other}` };
  }
  return {
    trouble: 'broken',
    message: `does not complete its response (${oneLine(`${code} ${message}`.trim(), 120)})`,
  };
}

/** With several addresses Node collects the error of each. */
function innermost(error: unknown): { readonly code: string; readonly message: string } {
  const inner = error instanceof AggregateError ? error.errors[0] : error;
  const { code, message } = (inner ?? {}) as { code?: unknown; message?: unknown };
  return {
    code: typeof code === 'string' ? code : '',
    message: typeof message === 'string' ? message : String(inner),
  };
}
