import type { Change, Manifest, Retained } from '../model.ts';
import { isAdopted } from '../plan/diff.ts';
import { encodeManifest, manifestHeaders } from '../plan/manifest.ts';
import type { WorkOrder } from '../plan/plan.ts';
import type { ObjectStore } from '../store.ts';
import { isOwn, manifestPath, releasePath } from '../stores/places.ts';
import { lanes, type PublishEffects } from './effects.ts';
import { lost, moved } from './faults.ts';
import { allEnded, inLanes } from './lanes.ts';

export interface Kept {
  /** The changes, with uploads in place of lost content that the folder has. */
  readonly changes: readonly Change[];
  /** Content that was missing or replaced, so no copy was made. */
  readonly notKept: readonly Retained[];
}

/**
 * Copies the content that will be overwritten, and checks the content to restore. It runs before the first
 * write, so that an incomplete rollback changes nothing.
 *
 * @throws UserError `cdn.lost`, `cdn.moved`.
 */
export async function keepContent(work: WorkOrder, effects: PublishEffects): Promise<Kept> {
  const { store, signal } = effects;
  const notKept: Retained[] = [];
  const copies = inLanes(work.retention.keeps, lanes, signal, async (row) => {
    if (await isCopied(row, store)) return;
    // An interrupted publication may have overwritten it; it made the copy first.
    if ((await store.head(row.at)) !== undefined) return;
    // Other paths may have the same content.
    const alike = work.retention.retained.filter(({ at }) => at === row.at);
    for (const retained of alike) if (retained !== row && (await isCopied(retained, store))) return;
    notKept.push(...alike);
  });
  await allEnded(keepManifest(work, effects), copies);
  return { changes: await withoutLost(work, effects), notKept };
}

async function isCopied(row: Retained, store: ObjectStore): Promise<boolean> {
  const headers = isAdopted(row) ? undefined : row.headers;
  return (await store.copy(row.path, row.at, headers, row.etag)) !== undefined;
}

/** A rollback reads the manifest of the replaced release. */
async function keepManifest(
  { found, retention, diff, draft }: WorkOrder,
  { store }: PublishEffects,
): Promise<void> {
  if (retention.kept.length === 0) return;
  const current = found.manifest;
  if (current === undefined) {
    const bytes = encodeManifest(releaseZero(diff.changes, draft.at));
    await store.put(releasePath(0), { bytes }, manifestHeaders);
    return;
  }
  const copy = await store.copy(
    manifestPath,
    releasePath(current.manifest.release.number),
    manifestHeaders,
    current.etag,
  );
  if (copy === undefined) throw moved('This run did not change the site.');
}

/** The objects that a bucket without a manifest had at the paths of the first release. */
function releaseZero(changes: readonly Change[], at: number): Manifest {
  const before = changes.flatMap((change) =>
    change.before !== undefined && isAdopted(change.before) ? [change.before] : [],
  );
  const bytes = before.reduce((sum, { size }) => sum + size, 0);
  const release = { number: 0, name: 'before Sluice', at, by: '', files: before.length, bytes };
  const entries = new Map(before.map((entry) => [entry.path, entry]));
  return { release, entries, retained: [], history: [release], kept: [], conditional: false };
}

async function withoutLost(
  { diff }: WorkOrder,
  { store, signal }: PublishEffects,
): Promise<readonly Change[]> {
  const gone = new Set<Change>();
  const restores = diff.changes.filter((change) => change.kind === 'restore');
  await inLanes(restores, lanes, signal, async (change) => {
    const { at, size, etag } = change.from;
    const facts = await store.head(at);
    if (facts?.size !== size || (!isOwn(at) && facts.etag !== etag)) gone.add(change);
  });
  const missing = [...gone].filter(({ to }) => !('file' in to));
  if (missing.length > 0) {
    throw lost(
      missing.map(({ to }) => to.path),
      'The site is unchanged.',
    );
  }
  return diff.changes.map((change) => (gone.has(change) ? uploadOf(change) : change));
}

/** The same change with the bytes of the folder. */
export function uploadOf(change: Change): Change {
  if (!('file' in change.to)) return change;
  const { before } = change;
  return { kind: 'upload', to: change.to, ...(before === undefined ? {} : { before }) };
}
