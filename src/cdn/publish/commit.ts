import type { Manifest, Retained, StoredEntry } from '../model.ts';
import { decodeManifest, encodeManifest, manifestHeaders } from '../plan/manifest.ts';
import type { WorkOrder } from '../plan/plan.ts';
import type { ObjectStore } from '../store.ts';
import { manifestPath } from '../stores/places.ts';
import { moved } from './faults.ts';

/**
 * Writes the manifest, only over the one that the plan was made from. It makes the release the current one.
 *
 * @throws UserError `cdn.moved`.
 */
export async function commit(
  work: WorkOrder,
  entries: ReadonlyMap<string, StoredEntry>,
  notKept: readonly Retained[],
  conditional: boolean,
  store: ObjectStore,
): Promise<void> {
  const { found, retention, plan, history } = work;
  const without = new Set(notKept);
  const manifest: Manifest = {
    release: plan.release,
    conditional,
    history,
    kept: retention.kept,
    entries: new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1))),
    retained: retention.retained.filter((row) => !without.has(row)),
  };
  const etag = found.manifest?.etag;
  if (!conditional && !(await isStill(etag, store))) throw moved(consequence);
  const condition = etag === undefined ? { ifAbsent: true } : { ifMatch: etag };
  const bytes = encodeManifest(manifest);
  const written = await store.put(
    manifestPath,
    { bytes },
    manifestHeaders,
    conditional ? condition : undefined,
  );
  if (written === undefined && !(await isOurs(manifest, store))) throw moved(consequence);
}

const consequence = 'The site may have pages of both. Publish the release you want.';

async function isStill(etag: string | undefined, store: ObjectStore): Promise<boolean> {
  const now = await store.get(manifestPath, etag === undefined ? {} : { unless: etag });
  return etag === undefined ? now === undefined : now === 'unchanged';
}

/** If the answer to a write is lost, the store refuses the retry because the first try succeeded. */
async function isOurs({ release }: Manifest, store: ObjectStore): Promise<boolean> {
  const now = await store.get(manifestPath);
  if (now === undefined || now === 'unchanged') return false;
  const there = decodeManifest(now.bytes, manifestPath).release;
  return there.number === release.number && there.at === release.at;
}
