import { isIP } from 'node:net';

/**
 * Where a login may go, and where a request may be sent on to. Registries keep blobs elsewhere, have token services
 * elsewhere, and a thief looks the same: so a login goes to the origin it is for and to the token service that this very
 * origin names, and nowhere else (CVE-2020-15157, google/go-containerregistry#2349, containerd/containerd#13894).
 */

/** Docker speaks plain HTTP to the loopback network, and so do we. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$/.test(host);
}

/**
 * Where an answer points to.
 *
 * @param from the URL that was asked.
 * @returns why the request does not go there, as the end of a sentence that begins with “it”.
 */
export function nextOf(from: URL, location: string): URL | { readonly fault: string } {
  if (!URL.canParse(location, from.href)) return { fault: 'redirects to what is not a web address' };
  const next = new URL(location, from);
  next.hash = '';
  const where = `redirects to ${shown(next)}`;
  if (!/^https?:$/.test(next.protocol)) return { fault: where };
  if (next.username !== '' || next.password !== '') return { fault: `${where}, with a login in the address` };
  const isPlain = next.protocol === 'http:';
  if (isPlain && (from.protocol === 'https:' || !isLoopback(next.host)))
    return { fault: `${where}, without TLS` };
  return next;
}

/**
 * The token service that a registry names. It may have any name, as auth.docker.io for registry-1.docker.io has: the
 * registry could hand on a login itself. But the login must not travel without TLS, nor to an address inside a private
 * network, which no certificate is for.
 *
 * @param base the registry's own address.
 * @returns why no login goes there, as the end of a sentence that begins with “it”.
 */
export function realmOf(realm: string | undefined, base: URL): URL | { readonly fault: string } {
  if (realm === undefined || !URL.canParse(realm)) return { fault: 'names no place to get a token at' };
  const url = new URL(realm);
  const where = `names the token service ${shown(url)}`;
  if (!/^https?:$/.test(url.protocol)) return { fault: where };
  if (url.username !== '' || url.password !== '') return { fault: `${where}, with a login in the address` };
  const isNear = isLoopback(base.host) && isLoopback(url.host);
  if (url.protocol === 'http:' && !isNear) return { fault: `${where}, without TLS` };
  if (isIP(bare(url)) > 0 && isPrivate(bare(url)) && !isNear && url.hostname !== base.hostname)
    return { fault: `${where}, an address of a private network` };
  url.hash = '';
  return url;
}

/** Without a query, which may have a signature in it. */
export function shown(url: URL): string {
  return `${url.protocol}//${url.host}`;
}

function bare({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** Loopback, private, shared, link-local and unspecified addresses (RFC 6890); IPv4 within IPv6 as well. */
function isPrivate(address: string): boolean {
  return /^(?:0\.|10\.|127\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|192\.168\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)|^(?:::|64:ff9b:|f[cd]|fe[89ab])/i.test(
    address,
  );
}
