import type { IncomingHttpHeaders } from 'node:http';
import type { ObjectHeaders } from '../model.ts';

const kept = new Set([
  'cache-control',
  'content-type',
  'content-encoding',
  'content-disposition',
  'content-language',
  'expires',
]);

/** Headers that the store keeps with the object; a copy that replaces headers must send all of them. */
export function storedHeaders(headers: IncomingHttpHeaders): ObjectHeaders {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      typeof value === 'string' && (kept.has(name) || name.startsWith('x-amz-meta-')) ? [[name, value]] : [],
    ),
  );
}

/** A `Date` or `Last-Modified` header in ms since the epoch. */
export function timeOf(value: string | undefined): number | undefined {
  const time = value === undefined ? Number.NaN : Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
}

/** ETags have quotes; Ceph omits them in its XML. */
export function quoted(etag: string): string {
  return etag === '' || etag.includes('"') ? etag : `"${etag}"`;
}
