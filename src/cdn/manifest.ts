import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import { messageOf, UserError } from '../kernel/errors.ts';
import type { FileClass, Manifest, ObjectHeaders, ReleaseInfo, Retained, StoredEntry } from './model.ts';

/** Newer formats get a higher number; an older Sluice refuses them rather than lose what it doesn't know. */
const format = 1;
const letters = { asset: 'a', file: 'f', page: 'p' } as const satisfies Record<FileClass, string>;
const classes: Readonly<Record<string, FileClass>> = { a: 'asset', f: 'file', p: 'page' };

/** How the store must give it back: its bytes are the gzip itself, not an encoding of a transfer. */
export const manifestHeaders: ObjectHeaders = {
  'content-type': 'application/gzip',
  'cache-control': 'no-store',
};

const release = z.object({
  number: z.int().min(0),
  name: z.string(),
  at: z.number(),
  by: z.string(),
  commit: z.string().optional(),
  files: z.int(),
  bytes: z.number(),
  rollbackOf: z.int().optional(),
});
/** Rows are checked as they are read: a schema for 100,000 of them costs more than everything else of a run. */
const shape = z.object({
  sluice: z.literal(format),
  conditional: z.boolean(),
  kept: z.array(z.int()),
  release,
  headers: z.array(z.record(z.string(), z.string())),
  entries: z.array(z.array(z.unknown())),
  retained: z.array(z.array(z.unknown())),
  history: z.array(release),
});

/** One object of JSON, compressed; entries are rows and share a table of headers (5 MB for 100,000 files). */
export function encodeManifest(manifest: Manifest): Buffer {
  const table = headerTable();
  const row = (entry: StoredEntry) => [
    entry.path,
    letters[entry.class],
    entry.size,
    entry.sha256,
    table.index(entry.headers),
    entry.etag,
  ];
  const entries = [...manifest.entries.values()].map(row);
  const retained = manifest.retained.map((each) => [...row(each), each.at, each.last, each.left]);
  const { release, history, kept, conditional } = manifest;
  const text = JSON.stringify({
    sluice: format,
    conditional,
    release,
    history,
    kept,
    headers: table.rows,
    entries,
    retained,
  });
  return gzipSync(text, { level: 6 });
}

/** @throws UserError `cdn.manifest` that names the object. */
export function decodeManifest(bytes: Uint8Array, name: string): Manifest {
  try {
    const data: unknown = JSON.parse(gunzipSync(bytes).toString('utf8'));
    refuseNewer(data, name);
    const { headers, ...read } = shape.parse(data);
    const entries = new Map<string, StoredEntry>();
    for (const row of read.entries) {
      const entry = entryOf(row, headers);
      entries.set(entry.path, entry);
    }
    return {
      conditional: read.conditional,
      kept: read.kept,
      release: releaseInfo(read.release),
      history: read.history.map(releaseInfo),
      entries,
      retained: read.retained.map((row) => retainedOf(row, headers)),
    };
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError({
      code: 'cdn.manifest',
      message: `${name} can’t be read: ${messageOf(error).split('\n')[0]?.slice(0, 200)}`,
      hint: 'Somebody else has written it, or it is damaged. Put it aside under another name; the next publication adopts what the bucket holds.',
      cause: error,
    });
  }
}

function refuseNewer(data: unknown, name: string): void {
  const version = typeof data === 'object' && data !== null && 'sluice' in data ? data.sluice : undefined;
  if (typeof version !== 'number' || version <= format) return;
  throw new UserError({
    code: 'cdn.manifest',
    message: `${name} was written by a newer Sluice (format ${version}, this one reads ${format})`,
    hint: 'Use the Sluice that published last, or a newer one.',
  });
}

/** zod gives a missing key as undefined; here it is missing. */
function releaseInfo({ commit, rollbackOf, ...rest }: z.output<typeof release>): ReleaseInfo {
  return {
    ...rest,
    ...(commit === undefined ? {} : { commit }),
    ...(rollbackOf === undefined ? {} : { rollbackOf }),
  };
}

type Row = readonly unknown[];

function entryOf(
  [path, letter, size, sha256, index, etag]: Row,
  headers: readonly ObjectHeaders[],
): StoredEntry {
  const kind = typeof letter === 'string' ? classes[letter] : undefined;
  const header = typeof index === 'number' ? headers[index] : undefined;
  if (
    typeof path !== 'string' ||
    kind === undefined ||
    typeof size !== 'number' ||
    typeof sha256 !== 'string' ||
    header === undefined ||
    typeof etag !== 'string'
  ) {
    throw new Error(`a row of it is not one: ${JSON.stringify(path)}`);
  }
  return { path, class: kind, size, sha256, headers: header, etag };
}

function retainedOf(row: Row, headers: readonly ObjectHeaders[]): Retained {
  const [at, last, left] = row.slice(6);
  if (typeof at !== 'string' || typeof last !== 'number' || typeof left !== 'number') {
    throw new Error('a row of what is retained is not one');
  }
  return { ...entryOf(row, headers), at, last, left };
}

/** Files share a handful of header sets; each is written once. */
function headerTable() {
  const rows: ObjectHeaders[] = [];
  const byObject = new Map<ObjectHeaders, number>();
  const byText = new Map<string, number>();
  const index = (headers: ObjectHeaders): number => {
    const known = byObject.get(headers);
    if (known !== undefined) return known;
    const text = headersText(headers);
    const found = byText.get(text) ?? rows.push(headers) - 1;
    byObject.set(headers, found);
    byText.set(text, found);
    return found;
  };
  return { rows, index };
}

function headersText(headers: ObjectHeaders): string {
  return JSON.stringify(Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function sameHeaders(a: ObjectHeaders, b: ObjectHeaders): boolean {
  return a === b || headersText(a) === headersText(b);
}
