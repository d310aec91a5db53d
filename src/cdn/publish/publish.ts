import { formatDuration } from '../../kernel/figures.ts';
import type { Change, FileClass, Phase, RequestCounts } from '../model.ts';
import { encodeDraft } from '../plan/draft.ts';
import { keepContent } from '../plan/keep.ts';
import { manifestHeaders } from '../plan/manifest.ts';
import type { WorkOrder } from '../plan/plan.ts';
import type { ObjectStore } from '../store.ts';
import { draftPath, manifestPath } from '../stores/places.ts';
import { applyChanges } from './apply.ts';
import { commit } from './commit.ts';
import type { PublishEffects } from './effects.ts';
import { moved } from './faults.ts';
import { finish, type Tail } from './finish.ts';
import { allEnded } from './lanes.ts';
import { type Lease, takeLease } from './lease.ts';

export interface Published extends Tail {
  /** Requests that no plan counts: heartbeats, and waiting for somebody's lease. */
  readonly extra: Partial<RequestCounts>;
}

/**
 * Applies a plan. Until the manifest is written, the old release is the current one, and everything its pages name is there;
 * after it, the new one is. Whoever comes after a crash finds the draft and knows what to look at.
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
      onNote(`${by} has the lease on the site; it is free in ${formatDuration(ms)} if that run is dead`),
  });
  lease.signal.addEventListener('abort', () => effects.abandon(lease.signal.reason), { once: true });
  const guarded = { ...effects, signal: AbortSignal.any([effects.signal, lease.signal]) };
  try {
    await mustBeAsFound(work, store);
    const notes = work.tailOnly ? [] : await replaceSite(work, lease, guarded);
    const tail = await finish(work, guarded);
    return { ...tail, notes: [...notes, ...tail.notes], extra: lease.extra() };
  } finally {
    // It runs out by itself if the store can't be told.
    await giveBack(lease, effects).catch(() => {});
  }
}

/** A store that was opened for a cancelled run answers nothing any more. */
async function giveBack(lease: Lease, { signal, reopen }: PublishEffects): Promise<void> {
  if (!signal.aborted) return await lease.release();
  const open = await reopen();
  await lease.release(open);
  open.close();
}

/** What the plan was made from may have changed until the lease was ours. */
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
  if (same.includes(false)) throw moved('Nothing was changed by this one.');
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
  // Copies are Sluice's own until the draft is written, which comes before anything of the site.
  const [, { changes, notKept }] = await allEnded(
    store.put(draftPath, { bytes: encodeDraft(work.draft) }, manifestHeaders),
    keepContent(work, effects),
  );
  const entries = new Map(work.diff.unchanged.map((entry) => [entry.path, entry]));
  for (const [phase, kind] of parts) {
    onPhase(phase);
    const part = changes.filter(({ to }) => to.class === kind);
    // The page of the root comes last: whoever comes in by it finds everything else.
    const isRoot = ({ to }: Change) => to.path === work.index;
    for (const some of [part.filter((change) => !isRoot(change)), part.filter(isRoot)]) {
      for (const entry of await applyChanges(phase, some, effects)) entries.set(entry.path, entry);
    }
  }
  onPhase('commit');
  await commit(work, entries, notKept, lease.conditional, store);
  if (notKept.length === 0) return [];
  return [
    `Somebody else had overwritten ${notKept.length} files of the release before; a rollback can’t bring those back.`,
  ];
}
