import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type DistFolder, readDist } from '../../../src/cdn/dist/read.ts';
import type { SiteSettings } from '../../../src/config/site.ts';
import { userErrorsOf } from '../../../src/kernel/errors.ts';

/** A page that is one. */
export const page =
  '<!doctype html><html lang="en"><title>Books</title><body>Books, and nothing else.</body></html>';

/** A built front end in a temporary folder. */
export interface BuiltFolder extends Disposable {
  readonly top: string;
  readonly dist: string;
  put(path: string, content: string | Uint8Array): void;
  settings(change?: Partial<SiteSettings>): SiteSettings;
  read(change?: Partial<SiteSettings>): Promise<DistFolder>;
  /** What is wrong with it: codes and messages. */
  faults(change?: Partial<SiteSettings>): Promise<string[]>;
}

export function builtFolder(files: Readonly<Record<string, string | Uint8Array>> = {}): BuiltFolder {
  const top = mkdtempSync(join(tmpdir(), 'sluice-dist-'));
  const dist = join(top, 'dist');
  mkdirSync(dist);
  const put = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(dist, path)), { recursive: true });
    writeFileSync(join(dist, path), content);
  };
  for (const [path, content] of Object.entries(files)) put(path, content);
  const settings = (change: Partial<SiteSettings> = {}): SiteSettings => ({ ...plain, dist, ...change });
  const read = (change?: Partial<SiteSettings>) => readDist(settings(change), new AbortController().signal);
  return {
    top,
    dist,
    put,
    settings,
    read,
    faults: async (change) => await faultsOf(read(change)),
    [Symbol.dispose]: () => rmSync(top, { recursive: true, force: true }),
  };
}

/** `code: message` of each user error that a promise rejects with; none if it doesn't. */
export async function faultsOf(promise: Promise<unknown>): Promise<string[]> {
  try {
    await promise;
    return [];
  } catch (error) {
    const errors = userErrorsOf(error);
    if (errors.length === 0) throw error;
    return errors.map(({ code, message }) => `${code}: ${message}`);
  }
}

/** sluice.yml with nothing but dist and store. */
const plain: SiteSettings = {
  target: undefined,
  dist: '',
  store: {
    bucket: 'books',
    prefix: '',
    endpoint: undefined,
    region: undefined,
    style: undefined,
    role: undefined,
  },
  url: undefined,
  cloudfront: [],
  cloudflare: [],
  wait: false,
  index: 'index.html',
  spa: false,
  hashed: undefined,
  headers: [],
  exclude: [],
  elsewhere: [],
  variants: [],
  keep: 5,
  graceMs: 0,
  maxRemoved: { files: 20, share: 0.3 },
  verify: {
    pages: 20,
    forMs: 60_000,
    security: 'warn',
    headers: {},
    budget: { lookup: undefined, connect: undefined, tls: undefined, firstByte: undefined, total: undefined },
  },
};
