import type { RequestCounts } from '../model.ts';
import { removalCost } from '../stores/remove.ts';
import { addRequests } from './counts.ts';
import { isInPlace } from './diff.ts';
import { deletionsByTime } from './draft.ts';
import type { WorkOrder } from './plan.ts';

/** Requests of the whole run: those made so far, and those of publish.ts to apply the plan. */
export function requestsOf(
  work: Pick<WorkOrder, 'diff' | 'found' | 'retention' | 'draft' | 'tailOnly'>,
  spent: RequestCounts,
  cost: (size: number) => Partial<RequestCounts>,
): RequestCounts {
  const { diff, found, retention, draft, tailOnly } = work;
  if (tailOnly && found.draft === undefined) return spent;
  const { manifest } = found;
  let sum = addRequests(spent, guarding(manifest?.manifest.conditional));
  const { before, after } = deletionsByTime(draft);
  const guarded = [...before, ...after].filter(({ etags }) => etags !== undefined).length;
  sum = addRequests(addRequests(sum, removalCost(before.length)), removalCost(after.length));
  sum = addRequests(sum, { head: guarded });
  sum = addRequests(sum, { delete: 1 });
  if (tailOnly) return sum;
  for (const change of diff.changes) {
    if (change.kind === 'upload') sum = addRequests(sum, cost(change.to.size));
    else if (change.kind === 'headers') sum = addRequests(sum, { copy: 1 });
    else sum = addRequests(sum, { head: 1, copy: isInPlace(change) ? 0 : 1 });
  }
  // The draft, the manifest of the replaced release (or of release 0), the manifest.
  const archive = retention.kept.length === 0 ? {} : manifest === undefined ? { put: 1 } : { copy: 1 };
  return addRequests(addRequests(sum, { put: 2, copy: retention.keeps.length }), archive);
}

/** Reading, taking and releasing the lease; reading the manifest and the draft again. */
function guarding(conditional: boolean | undefined): Partial<RequestCounts> {
  const taking = { get: 3, put: 1, delete: 1 };
  // Unknown before the first publication: a second PUT of the lease tests it.
  if (conditional === undefined) return { ...taking, put: 2 };
  // On a store that ignores conditions, the lease and the manifest are read once more.
  return conditional ? taking : { ...taking, get: 5 };
}
