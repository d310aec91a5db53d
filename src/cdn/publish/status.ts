import type { Manifest, SiteStatus } from '../model.ts';
import { isCommitted } from '../plan/found.ts';
import { readDraft, readManifest, splitsOf } from '../plan/site-state.ts';
import type { ObjectStore } from '../store.ts';
import { isOwn } from '../stores/places.ts';
import { leaseHolder } from './lease.ts';

/**
 * The live release, its history, and the kept objects.
 *
 * @param audit compare every object of the store with the manifest, by a listing.
 */
export async function siteStatusOf(
  store: ObjectStore,
  url: string | undefined,
  audit: boolean,
): Promise<SiteStatus> {
  const [found, draft, lease] = await Promise.all([
    readManifest(store),
    readDraft(store),
    leaseHolder(store),
  ]);
  const manifest = found?.manifest;
  const blobs = new Map((manifest?.retained ?? []).map((row) => [row.at, row.size]));
  return {
    store: store.name,
    url,
    current: manifest?.release,
    history: (manifest?.history ?? []).map((release) => ({
      ...release,
      kept: manifest?.kept.includes(release.number) === true,
    })),
    retained: { files: blobs.size, bytes: [...blobs.values()].reduce((sum, size) => sum + size, 0) },
    lease,
    unfinished: draft && {
      number: draft.draft.number,
      by: draft.draft.by,
      committed: isCommitted({ manifest: found, draft }),
    },
    audit: audit ? await auditOf(store, manifest) : undefined,
  };
}

async function auditOf(store: ObjectStore, manifest: Manifest | undefined): Promise<SiteStatus['audit']> {
  const entries = manifest?.entries ?? new Map();
  const retained = new Set(manifest?.retained.map(({ at }) => at));
  const missing = new Set<string>(entries.keys());
  const replaced: string[] = [];
  let foreign = 0;
  for await (const page of store.list('', splitsOf([...missing]))) {
    for (const { key, etag } of page) {
      const entry = entries.get(key);
      missing.delete(key);
      if (entry !== undefined && entry.etag !== etag) replaced.push(key);
      if (entry === undefined && !retained.has(key) && !isOwn(key)) foreign += 1;
    }
  }
  return { missing: [...missing], replaced: replaced.toSorted(), foreign };
}
