import type { Change, Phase, Retained, StoredEntry } from '../model.ts';
import { entryOf, isAdopted, isInPlace } from '../plan/diff.ts';
import { uploadOf } from '../plan/keep.ts';
import { isOwn } from '../stores/places.ts';
import { lanes, type PublishEffects } from './effects.ts';
import { lost } from './faults.ts';
import { inLanes } from './lanes.ts';

/** More often than anybody reads it would only cost time. */
const tellEveryMs = 50;

/**
 * Makes changes, in no order among themselves.
 *
 * @returns what is at their paths now.
 */
export async function applyChanges(
  phase: Phase,
  changes: readonly Change[],
  effects: PublishEffects,
): Promise<readonly StoredEntry[]> {
  const done: StoredEntry[] = [];
  const ofBytes = changes.reduce((sum, change) => sum + bytesOf(change), 0);
  const { clock, onProgress } = effects;
  let told = Number.NEGATIVE_INFINITY;
  let bytes = 0;
  await inLanes(changes, lanes, effects.signal, async (change) => {
    done.push({ ...entryOf(change.to), etag: await applyChange(change, effects) });
    bytes += bytesOf(change);
    const now = clock.elapsed();
    if (now - told < tellEveryMs && done.length < changes.length) return;
    told = now;
    onProgress({ phase, files: done.length, ofFiles: changes.length, bytes, ofBytes });
  });
  return done;
}

function bytesOf({ kind, to }: Change): number {
  return kind === 'upload' ? to.size : 0;
}

/** A copy may have another ETag than its source (of one that came in parts it has); what is kept has its hash for a name. */
function knownEtag({ at, etag }: Retained): string | undefined {
  return isOwn(at) ? undefined : etag;
}

/** @returns the ETag of what is there now. */
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
  // Somebody else has replaced it: only the folder has the content then.
  if (change.kind !== 'upload' && 'file' in to) return await applyChange(uploadOf(change), effects);
  throw lost([to.path], 'The site has pages of both releases now; publish the one that is wanted.');
}
