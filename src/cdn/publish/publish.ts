import { counted, formatDuration } from '../../kernel/figures.ts';
import type { Change, FileClass, Manifest, Phase, RequestCounts, Retained, StoredEntry } from '../model.ts';
import { encodeDraft } from '../plan/draft.ts';
import { decodeManifest, encodeManifest, manifestHeaders } from '../plan/manifest.ts';
import type { WorkOrder } from '../plan/plan.ts';
import type { ObjectStore } from '../store.ts';
import { draftPath, manifestPath } from '../stores/places.ts';
import { applyChanges } from './apply.ts';
import type { PublishEffects } from './effects.ts';
import { moved } from './faults.ts';
import { finish, type Tail } from './finish.ts';
import { keepContent } from './keep.ts';
import { allEnded } from './lanes.ts';
import { type Lease, takeLease } from './lease.ts';

export interface Published extends Tail {
  /** Requests that no plan counts: heartbeats, and waiting for a lease. */
  readonly extra: Partial<RequestCounts>;
}

/**
 * Applies a plan. Until the manifest is written, the old release is the current one, with every file its pages
 * name; after that, the new one is. After a crash, the next publication reads the draft.
 *
 * @throws UserError `cdn.busy` (nothing was changed), `cdn.moved`, `cdn.lost`, `cdn.store-*`.
 */
export async function publish(work: WorkOrder, effects: PublishEffects): Promise<Published> {
  const { store, clock, onPhase, onNote } = effects;
  onPhase('lease');
  const lease = await takeLease(store, {
    ...{ by: work.draft.by, clock, signal: effects.signal },
    conditional: work.found.manifest?.manifest.conditional,
    onWait: (by, ms) =>
      onNote(`${by} holds the lease on the site; it expires in ${formatDuration(ms)} if that run is dead`),
  });
  lease.signal.addEventListener('abort', () => effects.abandon(lease.signal.reason), { once: true });
  const guarded = { ...effects, signal: AbortSignal.any([effects.signal, lease.signal]) };
  try {
    await mustBeAsFound(work, store);
    const notes = work.tailOnly ? [] : await replaceSite(work, lease, guarded);
    const tail = await finish(work, guarded);
    return { ...tail, notes: [...notes, ...tail.notes], extra: lease.extra() };
  } finally {
    // If this fails, the lease expires.
    await releaseLease(lease, effects).catch(() => {});
  }
}

/** The store of a cancelled run no longer answers. */
async function releaseLease(lease: Lease, { signal, reopen }: PublishEffects): Promise<void> {
  if (!signal.aborted) return await lease.release();
  const open = await reopen();
  await lease.release(open);
  open.close();
}

/** The manifest and the draft may have changed before the lease was taken. */
async function mustBeAsFound({ found }: WorkOrder, store: ObjectStore): Promise<void> {
  const seen = [
    [manifestPath, found.manifest?.etag],
    [draftPath, found.draft?.etag],
  ] as const;
  const same = await Promise.all(
    seen.map(async ([path, etag]) => {
      const now = await store.get(path, etag === undefined ? {} : { unless: etag });
      return etag === undefined ? now === undefined : now === 'unchanged';
    }),
  );
  if (same.includes(false)) throw moved('This run changed nothing.');
}

const parts: readonly (readonly [Phase, FileClass])[] = [
  ['assets', 'asset'],
  ['files', 'file'],
  ['pages', 'page'],
];

/** @returns notes. */
async function replaceSite(
  work: WorkOrder,
  lease: Lease,
  effects: PublishEffects,
): Promise<readonly string[]> {
  const { store, onPhase } = effects;
  onPhase('keep');
  // Copies are Sluice's own objects. The draft is written before any object of the site.
  const [, { changes, notKept }] = await allEnded(
    store.put(draftPath, { bytes: encodeDraft(work.draft) }, manifestHeaders),
    keepContent(work, effects),
  );
  const entries = new Map(work.diff.unchanged.map((entry) => [entry.path, entry]));
  for (const [phase, kind] of parts) {
    onPhase(phase);
    const part = changes.filter(({ to }) => to.class === kind);
    // The root page comes last: its visitors find everything else.
    const isRoot = ({ to }: Change) => to.path === work.index;
    for (const some of [part.filter((change) => !isRoot(change)), part.filter(isRoot)]) {
      for (const entry of await applyChanges(phase, some, effects)) entries.set(entry.path, entry);
    }
  }
  onPhase('commit');
  await commit(work, entries, notKept, lease.conditional, store);
  if (notKept.length === 0) return [];
  return [
    `Another writer had overwritten ${counted(notKept.length, 'file')} of the previous release; a rollback cannot restore ${notKept.length === 1 ? 'it' : 'them'}.`,
  ];
}

/**
 * Writes the manifest, only over the one that the plan was made from. It makes the release the current one.
 *
 * @throws UserError `cdn.moved`.
 */
async function commit(
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
