import { UserError } from '../../kernel/errors.ts';
import type { InvalidationResult } from '../model.ts';
import { type Deletion, deletionsByTime } from '../plan/draft.ts';
import type { WorkOrder } from '../plan/plan.ts';
import { draftPath } from '../stores/places.ts';
import { lanes, type PublishEffects } from './effects.ts';
import { inLanes } from './lanes.ts';

/** Results of the steps after the manifest. */
export interface Tail {
  readonly invalidations: readonly InvalidationResult[];
  readonly notes: readonly string[];
}

/**
 * The steps after the manifest: delete removed objects, invalidate CDNs, delete expired objects. The draft is
 * deleted last, and only if every step succeeded: otherwise the next publication does the rest.
 */
export async function finish(work: WorkOrder, effects: PublishEffects): Promise<Tail> {
  const { draft } = work;
  const { store, onPhase, signal } = effects;
  const notes: string[] = [];
  let complete = true;
  const leave = (note: string) => {
    complete = false;
    notes.push(note);
  };
  const attempt = async (what: string, act: () => Promise<void>) => {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof UserError) || signal.aborted) throw error;
      leave(`${what}: ${error.message} The next publication retries.`);
    }
  };
  const foreign: string[] = [];
  const { before, after } = deletionsByTime(draft);
  await attempt('Removed files are still in the store', () => deleteOurs(before, foreign, effects));
  if (effects.invalidators.length > 0) onPhase('invalidate');
  const invalidations = await invalidate(work, effects);
  for (const { cdn, outcome, why } of invalidations) {
    if (outcome === 'accepted' && why !== undefined) notes.push(`${cdn} accepted the invalidation; ${why}`);
    if (outcome !== 'failed') continue;
    leave(
      `${cdn} was not invalidated: ${why} Visitors may get old pages until they expire. Publish again to repeat the invalidation.`,
    );
  }
  if (after.length > 0) onPhase('prune');
  await attempt('Expired files are still in the store', () => deleteOurs(after, foreign, effects));
  if (foreign.length > 0) {
    const shown = foreign.slice(0, 5).join(', ');
    notes.push(
      `Not deleted, because another writer replaced them: ${shown}${foreign.length > 5 ? ', …' : ''}`,
    );
  }
  if (complete) await attempt('The draft is still in the store', () => store.remove([draftPath]));
  return { invalidations, notes };
}

/** Deletes only objects that still have our ETags. */
async function deleteOurs(
  deletes: readonly Deletion[],
  foreign: string[],
  effects: PublishEffects,
): Promise<void> {
  const { store, signal } = effects;
  const ours: string[] = [];
  await inLanes(deletes, lanes, signal, async ({ path, etags }) => {
    if (etags === undefined) return void ours.push(path);
    const facts = await store.head(path);
    if (facts === undefined) return;
    (etags.includes(facts.etag) ? ours : foreign).push(path);
  });
  if (ours.length > 0) await store.remove(ours);
}

async function invalidate(
  { plan, draft }: WorkOrder,
  effects: PublishEffects,
): Promise<readonly InvalidationResult[]> {
  const reference = `${effects.app}-${draft.number}-${draft.at}`;
  return await Promise.all(
    effects.invalidators.map(async (invalidator) => {
      const mine = plan.invalidations.find(({ cdn }) => cdn === invalidator.cdn);
      if (mine !== undefined && mine.paths.length > 0) return await invalidator.apply(mine, reference);
      return { cdn: invalidator.cdn, paths: [], requests: 0, ms: 0, outcome: 'none' as const };
    }),
  );
}
