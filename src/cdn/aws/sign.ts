import { createHash, createHmac, createSecretKey, type Hash, type Hmac, type KeyObject } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Clock } from '../../kernel/clock.ts';

export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface RequestToSign {
  readonly method: string;
  /** As in the header: with the port, unless it is the default. */
  readonly host: string;
  /** Encoded, as it is sent. */
  readonly path: string;
  /** Not encoded; names and values are sent as `encodeQuery` writes them. */
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body in hex; `emptySha256` without one. */
  readonly sha256: string;
}

/** Signs requests for AWS and compatible services (signature version 4). */
export interface Signer {
  /** @returns all headers to send. Rejects as `keys` does. */
  (request: RequestToSign): Promise<Record<string, string>>;
  /**
   * Adopts the server's time: it refuses signatures more than 15 minutes away from it.
   *
   * @param date a `Date` header.
   * @returns whether to sign again: the clocks differ by a minute or more from the assumed difference.
   */
  learnTime(date: string | undefined): boolean;
  /** How far the server's clock is ahead of this machine's, ms. */
  ahead(): number;
}

export interface SignerOptions {
  /** Called for every request: keys change before they expire. */
  readonly keys: () => Promise<AwsKeys>;
  readonly region: string;
  readonly service: 's3' | 'cloudfront';
  readonly clock: Clock;
}

export const emptySha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

const worthSigningAgainMs = 60_000;

export function createSigner({ keys, region, service, clock }: SignerOptions): Signer {
  let ahead = 0;
  const signature = new SignatureV4({
    credentials: keys,
    region,
    service,
    sha256: NodeSha256,
    // Only S3 signs paths as they are sent; other services encode them once more.
    uriEscapePath: service !== 's3',
  });

  async function sign({ method, host, path, query, headers, sha256 }: RequestToSign) {
    const signed = await signature.sign(
      {
        method,
        protocol: 'https:',
        hostname: host,
        path,
        query: { ...query },
        headers: { ...headers, host, 'x-amz-content-sha256': sha256 },
      },
      { signingDate: new Date(clock.now() + ahead) },
    );
    return signed.headers;
  }

  function learnTime(date: string | undefined): boolean {
    const server = date === undefined ? Number.NaN : Date.parse(date);
    if (Number.isNaN(server)) return false;
    const wanted = server - clock.now();
    if (Math.abs(wanted - ahead) < worthSigningAgainMs) return false;
    ahead = wanted;
    return true;
  }

  return Object.assign(sign, { learnTime, ahead: () => ahead });
}

/** RFC 3986, as signatures require: everything except letters, digits and `-._~` is encoded. */
export function encodePart(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The query of a URL without its `?`, in the form that is signed. */
export function encodeQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => `${encodePart(name)}=${encodePart(value)}`)
    .join('&');
}

/** The library's interface over Node's hashing, which is several times faster than one in JavaScript. */
class NodeSha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', keyOf(secret));
  }

  update(data: Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {}
}

/**
 * The library keeps the key of a day and signs every request with it; in Node, importing the key takes longer
 * than signing.
 */
const keys = new WeakMap<object, KeyObject>();

function keyOf(secret: string | ArrayBuffer | ArrayBufferView): KeyObject {
  if (typeof secret === 'string') return createSecretKey(secret, 'utf8');
  const known = keys.get(secret);
  if (known !== undefined) return known;
  const key = createSecretKey(
    secret instanceof ArrayBuffer ? new Uint8Array(secret) : (secret as Uint8Array),
  );
  keys.set(secret, key);
  return key;
}
