import type { Change, Phase, Retained, StoredEntry } from '../model.ts';
import { entryOf, isAdopted, isInPlace } from '../plan/diff.ts';
import { isOwn } from '../stores/places.ts';
import { lanes, type PublishEffects } from './effects.ts';
import { lost } from './faults.ts';
import { uploadOf } from './keep.ts';
import { inLanes } from './lanes.ts';

/** Reporting more often only costs time. */
const reportEveryMs = 50;

/** Applies changes, in no order. @returns the objects at their paths. */
export async function applyChanges(
  phase: Phase,
  changes: readonly Change[],
  effects: PublishEffects,
): Promise<readonly StoredEntry[]> {
  const done: StoredEntry[] = [];
  const ofBytes = changes.reduce((sum, change) => sum + bytesOf(change), 0);
  const { clock, onProgress } = effects;
  let reported = Number.NEGATIVE_INFINITY;
  let bytes = 0;
  await inLanes(changes, lanes, effects.signal, async (change) => {
    done.push({ ...entryOf(change.to), etag: await applyChange(change, effects) });
    bytes += bytesOf(change);
    const now = clock.elapsed();
    if (now - reported < reportEveryMs && done.length < changes.length) return;
    reported = now;
    onProgress({ phase, files: done.length, ofFiles: changes.length, bytes, ofBytes });
  });
  return done;
}

function bytesOf({ kind, to }: Change): number {
  return kind === 'upload' ? to.size : 0;
}

/**
 * A copy may get another ETag than its source, as that of a multipart object does; a blob is named by its hash.
 */
function knownEtag({ at, etag }: Retained): string | undefined {
  return isOwn(at) ? undefined : etag;
}

/** @returns the ETag of the object at its path. */
async function applyChange(change: Change, effects: PublishEffects): Promise<string> {
  const { store, openBody } = effects;
  const { to } = change;
  if (change.kind === 'restore' && isInPlace(change)) return change.from.etag;
  const headers = isAdopted(to) ? undefined : to.headers;
  const etag =
    change.kind === 'upload'
      ? await store.put(to.path, await openBody(change.to), to.headers)
      : change.kind === 'restore'
        ? await store.copy(change.from.at, to.path, headers, knownEtag(change.from))
        : await store.copy(to.path, to.path, headers, change.before.etag);
  if (etag !== undefined) return etag;
  // Another writer has replaced it: only the folder has the content.
  if (change.kind !== 'upload' && 'file' in to) return await applyChange(uploadOf(change), effects);
  throw lost([to.path], 'The site now has pages of both releases. Publish the one you want.');
}
