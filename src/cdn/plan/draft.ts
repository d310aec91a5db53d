import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { messageOf, UserError } from '../../kernel/errors.ts';
import { gunzipWithin } from '../../kernel/tar.ts';
import { sitePath, storedPath } from '../stores/places.ts';

/**
 * The intent of a publication, written before the first object of the site is changed and deleted at the end. A
 * draft in the store means an interrupted publication: its paths must be checked, not assumed.
 */
export interface Draft {
  readonly number: number;
  /** Identifies the release together with `number`: both are in its manifest. */
  readonly at: number;
  readonly by: string;
  /** Paths it writes, each with marks of our possible objects there: known ETags, and hashes of content. */
  readonly writes: ReadonlyMap<string, readonly string[]>;
  /** Paths to invalidate after the commit. */
  readonly changed: readonly string[];
  /** Objects to delete after the commit. */
  readonly deletes: readonly Deletion[];
  /** Objects that an earlier release left to delete: deleted in any case. */
  readonly due: readonly Deletion[];
}

export interface Deletion {
  readonly path: string;
  /** Deleted only while it has one of these; undefined: it is Sluice's own. */
  readonly etags: readonly string[] | undefined;
}

/** Objects that visitors still request are deleted before the invalidation, the others after it. */
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

/** A larger object is not a draft. */
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
      hint: 'It records an interrupted publication. A newer version of Sluice may be able to read it.',
      cause: error,
    });
  }
}

function deletionOf([path, etags]: z.output<typeof deletion>): Deletion {
  return { path: storedPath(path), etags: etags ?? undefined };
}
