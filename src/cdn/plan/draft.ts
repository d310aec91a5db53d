import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { messageOf, UserError } from '../../kernel/errors.ts';
import { gunzipWithin } from '../../kernel/tar.ts';
import { sitePath, storedPath } from '../stores/stored-path.ts';

/**
 * What a publication is about to do, written before the first object of the site is touched and deleted when all of it is
 * done. Whoever finds one finds a publication that was cut off: what the paths hold must be looked at, not assumed.
 */
export interface Draft {
  readonly number: number;
  /** With `number` the name of the release: both are in the manifest once it is committed. */
  readonly at: number;
  readonly by: string;
  /** Paths it writes, each with marks of what of ours may be there: ETags, as far as they can be known before, and contents. */
  readonly writes: ReadonlyMap<string, readonly string[]>;
  /** Paths that CDNs must forget once it is committed. */
  readonly changed: readonly string[];
  /** Objects that go once it is committed. */
  readonly deletes: readonly Deletion[];
  /** Objects that a release before it left to be deleted: they go in any case. */
  readonly due: readonly Deletion[];
}

export interface Deletion {
  readonly path: string;
  /** It goes only while it has one of these; undefined: it lies among Sluice's own. */
  readonly etags: readonly string[] | undefined;
}

/** What visitors would still get goes before CDNs are told to ask again; what nobody asks for goes after. */
export function deletionsByTime({ changed, deletes, due }: Pick<Draft, 'changed' | 'deletes' | 'due'>) {
  const seen = new Set(changed);
  const all = [...due, ...deletes];
  return {
    before: all.filter(({ path }) => seen.has(path)),
    after: all.filter(({ path }) => !seen.has(path)),
  };
}

const deletion = z.tuple([z.string(), z.array(z.string()).nullable()]);

const shape = z.object({
  sluice: z.literal(1),
  number: z.int().min(0),
  at: z.number(),
  by: z.string(),
  writes: z.array(z.tuple([z.string()], z.string())),
  changed: z.array(z.string()),
  deletes: z.array(deletion),
  due: z.array(deletion),
});

export function encodeDraft(draft: Draft): Buffer {
  const { number, at, by, changed } = draft;
  const writes = [...draft.writes].map(([path, etags]) => [path, ...etags]);
  const [deletes, due] = [draft.deletes, draft.due].map((list) =>
    list.map(({ path, etags }) => [path, etags ?? null]),
  );
  return gzipSync(JSON.stringify({ sluice: 1, number, at, by, writes, changed, deletes, due }));
}

/** A draft names paths and marks; one as large as a text may be would be none. */
const largest = 64 * 1024 * 1024;

/** @throws UserError `cdn.manifest` that names the object. */
export function decodeDraft(bytes: Uint8Array, name: string): Draft {
  try {
    const { sluice: _, ...read } = shape.parse(JSON.parse(gunzipWithin(bytes, largest).toString('utf8')));
    return {
      ...read,
      writes: new Map(read.writes.map(([path, ...etags]) => [sitePath(path), etags])),
      deletes: read.deletes.map(deletionOf),
      due: read.due.map(deletionOf),
    };
  } catch (error) {
    throw new UserError({
      code: 'cdn.manifest',
      message: `${name} can’t be read: ${messageOf(error).split('\n')[0]?.slice(0, 200)}`,
      hint: 'It tells what a publication that was cut off has written. A newer Sluice may be able to read it.',
      cause: error,
    });
  }
}

function deletionOf([path, etags]: z.output<typeof deletion>): Deletion {
  return { path: storedPath(path), etags: etags ?? undefined };
}
