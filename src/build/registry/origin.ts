import { isIP } from 'node:net';

/**
 * Where a login may go, and which redirects are followed. Registries keep blobs and token services at other origins, and
 * an attacker's registry looks the same. A login therefore goes only to the origin it is for, and to the token service
 * that this origin names (CVE-2020-15157, google/go-containerregistry#2349, containerd/containerd#13894).
 */

/** Like Docker, Sluice uses plain HTTP on the loopback network. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$/.test(host);
}

/**
 * The target of a redirect.
 *
 * @param from the URL of the request.
 * @returns why the request does not go there, as the end of a sentence that begins with “it”.
 */
export function nextOf(from: URL, location: string): URL | { readonly fault: string } {
  if (!URL.canParse(location, from.href)) return { fault: 'redirects to an invalid URL' };
  const next = new URL(location, from);
  next.hash = '';
  const where = `redirects to ${shown(next)}`;
  if (!/^https?:$/.test(next.protocol)) return { fault: where };
  if (next.username !== '' || next.password !== '') return { fault: `${where}, with credentials in the URL` };
  const isPlain = next.protocol === 'http:';
  if (isPlain && (from.protocol === 'https:' || !isLoopback(next.host)))
    return { fault: `${where}, without TLS` };
  return next;
}

/**
 * The token service that a registry names. It may have any name, as auth.docker.io for registry-1.docker.io has: the
 * registry could pass on a login itself. But the login must not travel without TLS, nor to an address inside a private
 * network, for which no CA issues certificates.
 *
 * @param base the registry's own address.
 * @returns why no login goes there, as the end of a sentence that begins with “it”.
 */
export function realmOf(realm: string | undefined, base: URL): URL | { readonly fault: string } {
  if (realm === undefined || !URL.canParse(realm)) return { fault: 'does not name a token service' };
  const url = new URL(realm);
  const where = `names the token service ${shown(url)}`;
  if (!/^https?:$/.test(url.protocol)) return { fault: where };
  if (url.username !== '' || url.password !== '') return { fault: `${where}, with credentials in the URL` };
  const isNear = isLoopback(base.host) && isLoopback(url.host);
  if (url.protocol === 'http:' && !isNear) return { fault: `${where}, without TLS` };
  if (isIP(bare(url)) > 0 && isPrivate(bare(url)) && !isNear && url.hostname !== base.hostname)
    return { fault: `${where}, an address of a private network` };
  url.hash = '';
  return url;
}

/** Without a query, which may contain a signature. */
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
