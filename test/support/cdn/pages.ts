import { createHash } from 'node:crypto';
import type { Entry, FileClass } from '../../../src/cdn/model.ts';
import type { VerifySettings } from '../../../src/config/site.ts';

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
  svg: 'image/svg+xml',
  bin: 'application/octet-stream',
};

/** What a publication would store for a path: class and headers by its name, as the defaults have them. */
export function entryOf(path: string, content: string | Buffer, headers: Record<string, string> = {}): Entry {
  const kind: FileClass = path.endsWith('.html') ? 'page' : /^assets\//.test(path) ? 'asset' : 'file';
  const cache = {
    asset: 'public, max-age=31536000, immutable',
    page: 'public, max-age=300, must-revalidate',
  };
  return {
    path,
    class: kind,
    size: Buffer.byteLength(content),
    sha256: createHash('sha256').update(content).digest('base64url'),
    headers: {
      'content-type': types[/[^.]+$/.exec(path)?.[0] ?? ''] ?? 'application/octet-stream',
      'cache-control': kind === 'asset' ? cache.asset : cache.page,
      ...headers,
    },
  };
}

export type Contents = Readonly<Record<string, string | Buffer>>;

export function entriesOf(contents: Contents): Map<string, Entry> {
  return new Map(Object.entries(contents).map(([path, content]) => [path, entryOf(path, content)]));
}

export const strictHeaders: Readonly<Record<string, string>> = {
  'strict-transport-security': 'max-age=31536000; includeSubDomains; preload',
  'content-security-policy': "default-src 'self'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'strict-origin-when-cross-origin',
};

/** Settings of a verification that is over soon. */
export function settingsOf(change: Partial<VerifySettings> = {}): VerifySettings {
  const budget = {
    lookup: undefined,
    connect: undefined,
    tls: undefined,
    firstByte: undefined,
    total: undefined,
  };
  return { pages: 20, forMs: 20, security: 'fail', headers: {}, budget, ...change };
}
