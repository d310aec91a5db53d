import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { messageOf, UserError } from '../../kernel/errors.ts';
import { gunzipWithin } from '../../kernel/tar.ts';
import type { FileClass, Manifest, ObjectHeaders, ReleaseInfo, Retained, StoredEntry } from '../model.ts';
import { sitePath, storedPath } from '../stores/places.ts';

/** Newer formats get a higher number; an older Sluice refuses them rather than lose data. */
const format = 1;
const letters = { asset: 'a', file: 'f', page: 'p' } as const satisfies Record<FileClass, string>;
const classes: Readonly<Record<string, FileClass>> = { a: 'asset', f: 'file', p: 'page' };

/** A site of a million files has about 200 MB of rows; Sluice wrote no larger manifest. */
const largest = 256 * 1024 * 1024;

/** The gzip is the object itself, not a content encoding. */
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
/**
 * The first line. Rows are checked as they are read: a schema for 100,000 of them costs more than the rest of a
 * run.
 */
const shape = z.object({
  sluice: z.literal(format),
  conditional: z.boolean(),
  kept: z.array(z.int()),
  release,
  headers: z.array(z.record(z.string(), z.string())),
  entries: z.int().min(0),
  retained: z.int().min(0),
  history: z.array(release),
});

/**
 * Lines of JSON, compressed: a head, then a row for each entry and for each retained object. Rows refer to a
 * table of headers (6 MB for 100,000 files).
 */
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
  const { release, history, kept, conditional, retained } = manifest;
  const rows: string[] = [];
  for (const entry of manifest.entries.values()) rows.push(JSON.stringify(row(entry)));
  for (const entry of retained) rows.push(JSON.stringify([...row(entry), entry.at, entry.last, entry.left]));
  const counts = { entries: manifest.entries.size, retained: retained.length };
  const first = { sluice: format, conditional, release, history, kept, headers: table.rows, ...counts };
  return gzipSync([JSON.stringify(first), ...rows].join('\n'), { level: 3 });
}

/** @throws UserError `cdn.manifest` that names the object. */
export function decodeManifest(bytes: Uint8Array, name: string): Manifest {
  try {
    const lines = linesOf(gunzipWithin(bytes, largest));
    const first: unknown = JSON.parse(lines.next().value ?? '');
    refuseNewer(first, name);
    const { headers, ...read } = shape.parse(first);
    const entries = new Map<string, StoredEntry>();
    const retained: Retained[] = [];
    let at = 0;
    for (const line of lines) {
      const row = rowOf(line);
      if (at++ >= read.entries) retained.push(retainedOf(row, headers));
      else entries.set(String(row[0]), entryOf(row, headers));
    }
    if (entries.size !== read.entries || retained.length !== read.retained)
      throw new Error('it is incomplete');
    const { release, history, kept, conditional } = read;
    return {
      ...{ conditional, kept, entries, retained },
      release: releaseInfo(release),
      history: history.map(releaseInfo),
    };
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError({
      code: 'cdn.manifest',
      message: `${name} can’t be read: ${messageOf(error).split('\n')[0]?.slice(0, 200)}`,
      hint: 'It is damaged, or another program wrote it. Rename it; the next publication adopts the contents of the bucket.',
      cause: error,
    });
  }
}

/** One line at a time: the rows of a large site are never all in memory. */
function* linesOf(text: Buffer): Generator<string, undefined> {
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf(10, start);
    const end = found === -1 ? text.length : found;
    yield text.toString('utf8', start, end);
    start = end + 1;
  }
  return undefined;
}

function rowOf(line: string): Row {
  const row: unknown = JSON.parse(line);
  if (!Array.isArray(row)) throw new Error('it has an invalid row');
  return row;
}

function refuseNewer(data: unknown, name: string): void {
  const version = typeof data === 'object' && data !== null && 'sluice' in data ? data.sluice : undefined;
  if (typeof version !== 'number' || version <= format) return;
  throw new UserError({
    code: 'cdn.manifest',
    message: `${name} was written by a newer Sluice (format ${version}, this one reads ${format})`,
    hint: 'Use the version of Sluice that published last, or a newer one.',
  });
}

/** zod returns a missing key as undefined. */
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
    throw new Error(`it has an invalid row: ${JSON.stringify(path)}`);
  }
  return { path: sitePath(path), class: kind, size, sha256, headers: header, etag };
}

function retainedOf(row: Row, headers: readonly ObjectHeaders[]): Retained {
  const [at, last, left] = row.slice(6);
  if (typeof at !== 'string' || typeof last !== 'number' || typeof left !== 'number') {
    throw new Error('it has an invalid row of a retained object');
  }
  return { ...entryOf(row, headers), at: storedPath(at), last, left };
}

/** Files share a few sets of headers; each is written once. */
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
