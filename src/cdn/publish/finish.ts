import { UserError } from '../../kernel/errors.ts';
import type { InvalidationResult } from '../model.ts';
import { type Deletion, deletionsByTime } from '../plan/draft.ts';
import type { WorkOrder } from '../plan/plan.ts';
import { draftPath } from '../stores/places.ts';
import { lanes, type PublishEffects } from './effects.ts';
import { inLanes } from './lanes.ts';

/** What came after the manifest. */
export interface Tail {
  readonly invalidations: readonly InvalidationResult[];
  readonly notes: readonly string[];
}

/**
 * What a release that is current already still needs: what left the site goes, CDNs are told, what is expired goes. The
 * draft goes last, and only if all of it worked: whoever publishes next does the rest.
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
      leave(`${what}: ${error.message} The next publication does the rest.`);
    }
  };
  const foreign: string[] = [];
  const { before, after } = deletionsByTime(draft);
  await attempt('What left the site is still there', () => deleteOurs(before, foreign, effects));
  if (effects.invalidators.length > 0) onPhase('invalidate');
  const invalidations = await invalidate(work, effects);
  for (const { cdn, outcome, why } of invalidations) {
    if (outcome === 'accepted' && why !== undefined) notes.push(`${cdn} was told what has changed; ${why}`);
    if (outcome !== 'failed') continue;
    leave(
      `${cdn} does not know what has changed: ${why} Visitors may get old pages until those expire; publishing again tells it.`,
    );
  }
  if (after.length > 0) onPhase('prune');
  await attempt('What is expired is still there', () => deleteOurs(after, foreign, effects));
  if (foreign.length > 0) {
    const shown = foreign.slice(0, 5).join(', ');
    notes.push(
      `Not deleted, since somebody else has written them: ${shown}${foreign.length > 5 ? ', …' : ''}`,
    );
  }
  if (complete) await attempt('The draft is still there', () => store.remove([draftPath]));
  return { invalidations, notes };
}

/** Only what is still as we wrote it. */
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
