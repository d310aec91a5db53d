import { oneLine } from '../../report/text.ts';

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
