import type { SiteSettings } from '../../config/site.ts';
import type { Invalidator } from '../invalidator.ts';
import type { PublicationPlan, ReleaseInfo, RequestCounts } from '../model.ts';
import { addRequests } from '../store.ts';
import { blobPath } from '../stores/places.ts';
import { removalCost } from '../stores/remove.ts';
import { type Diff, diffSite, isAdopted, isInPlace, type Wanted } from './diff.ts';
import { type Draft, deletionsByTime } from './draft.ts';
import type { Found } from './found.ts';
import { draftOf } from './new-draft.ts';
import { type Retention, retain } from './retention.ts';

/** The author and the name of a release. */
export interface Author {
  readonly name: string;
  readonly by: string;
  readonly commit: string | undefined;
  readonly rollbackOf?: number;
}

export interface PlanInput {
  readonly settings: SiteSettings;
  /** `s3://bucket/prefix` */
  readonly store: string;
  readonly wanted: Wanted;
  readonly found: Found;
  readonly author: Author;
  readonly now: number;
  readonly invalidators: readonly Invalidator[];
  /** Requests made so far. */
  readonly spent: RequestCounts;
  /** Requests to upload a body of this many bytes. */
  readonly cost: (size: number) => Partial<RequestCounts>;
  readonly notes: readonly string[];
}

/** A plan with all data to apply it. */
export interface WorkOrder {
  readonly plan: PublicationPlan;
  readonly diff: Diff;
  readonly found: Found;
  readonly retention: Retention;
  readonly draft: Draft;
  readonly history: readonly ReleaseInfo[];
  /** Path of the root page. */
  readonly index: string;
  /** Number of the interrupted publication that this one finishes. */
  readonly finishes: number | undefined;
  /** The site is up to date: only the last steps of an interrupted publication remain. */
  readonly tailOnly: boolean;
}

const longestHistory = 50;

/** Plans the changes that make the store hold the wanted site. Pure except for the input's functions. */
export function planSite(input: PlanInput): WorkOrder {
  const { settings, found, wanted, now } = input;
  const current = found.manifest?.manifest;
  const diff = diffSite(wanted, found);
  const retention = retain(diff, current, { keep: settings.keep, graceMs: settings.graceMs, now });
  const tailOnly = isSame(diff, found);
  const release = tailOnly && current !== undefined ? current.release : nextRelease(input);
  const draft = draftOf({ wanted, found, diff, retention, tailOnly }, release, input.author.by);
  const total = wanted.entries.length + diff.removed.length;
  const changed = {
    ...{ url: settings.url, paths: draft.changed, total, index: settings.index },
    fallback: settings.spa ? settings.index : undefined,
  };
  const work = {
    ...{ diff, found, retention, draft, tailOnly, index: wanted.index },
    finishes: found.draft?.draft.number,
    history: tailOnly ? (current?.history ?? []) : historyOf(release, input, retention),
  };
  const plan: PublicationPlan = {
    store: input.store,
    target: settings.target,
    url: settings.url,
    current: current?.release,
    release,
    changes: diff.changes,
    unchanged: diff.unchanged.length,
    removed: diff.removed,
    expired: tailOnly ? [] : retention.expired,
    bytes: diff.changes.reduce((sum, { kind, to }) => sum + (kind === 'upload' ? to.size : 0), 0),
    requests: requestsOf(work, input.spent, input.cost),
    invalidations: input.invalidators.map((invalidator) => invalidator.plan(changed)),
    notes: [...input.notes, ...notesOf(work)],
  };
  return { ...work, plan };
}

/**
 * Whether there is nothing to publish. Objects of an interrupted publication must get into a manifest, so they
 * count.
 */
function isSame(diff: Diff, found: Found): boolean {
  const differs = diff.changes.length + diff.removed.length + diff.orphans.length > 0;
  return found.manifest !== undefined && !differs && found.doubtful.size === 0;
}

function nextRelease({ found, wanted, author, now }: PlanInput): ReleaseInfo {
  const { name, by, commit, rollbackOf } = author;
  return {
    number: (found.manifest?.manifest.release.number ?? 0) + 1,
    ...{ name, at: now, by },
    ...(commit === undefined ? {} : { commit }),
    files: wanted.entries.length,
    bytes: wanted.entries.reduce((sum, { size }) => sum + size, 0),
    ...(rollbackOf === undefined ? {} : { rollbackOf }),
  };
}

/** An adopted bucket has a release 0: the objects that this release overwrites. */
function historyOf(release: ReleaseInfo, { found }: PlanInput, { keeps, kept }: Retention): ReleaseInfo[] {
  const before = found.manifest?.manifest.history;
  const zero = keeps.filter(isAdopted);
  const bytes = zero.reduce((sum, { size }) => sum + size, 0);
  const adopted = { number: 0, name: 'before Sluice', at: release.at, by: '', files: zero.length, bytes };
  return [release, ...(before ?? (kept.includes(0) ? [adopted] : []))].slice(0, longestHistory);
}

function notesOf({ diff, found, finishes, tailOnly }: Omit<WorkOrder, 'plan'>): string[] {
  const notes: string[] = [];
  const adoptedFiles = diff.changes.filter(({ before }) => before !== undefined && isAdopted(before));
  if (found.manifest === undefined && found.looked.size > 0) {
    notes.push(
      `The bucket holds ${found.looked.size} objects and no Sluice manifest: ${adoptedFiles.length} of them are replaced (release 0 keeps them). The others are not touched.`,
    );
  }
  if (found.manifest !== undefined && adoptedFiles.length > 0) {
    const shown = adoptedFiles
      .slice(0, 5)
      .map(({ to, before }) => `${to.path} (as ${blobPath(before?.sha256 ?? '')})`);
    const more = adoptedFiles.length > 5 ? ` and ${adoptedFiles.length - 5} more` : '';
    notes.push(
      `Another writer has put files at paths of this release; copies are kept: ${shown.join(', ')}${more}`,
    );
  }
  if (finishes !== undefined) {
    notes.push(
      tailOnly
        ? `Release ${finishes} was interrupted after it was published; this run does the remaining steps.`
        : `Publication ${finishes} was interrupted; this run has checked its files and finishes it.`,
    );
  }
  return notes;
}

/** Requests of the whole run: those made so far, and those of publish.ts to apply the plan. */
function requestsOf(
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
