import type { PublicationPlan, PublicationReport, ReleaseInfo, SiteStatus, VerifyReport } from '../model.ts';
import { listChanges, totalsOf } from './changes.ts';
import { totalOf, verdictOf } from './lines.ts';
import { isHealthy } from './status.ts';

/*
 * The output of --json, described in docs/cdn.md. `version` changes when a field is removed or changes its
 * meaning. Absolute paths, hashes and ETags are left out.
 */
const version = 1;

export function planJson(plan: PublicationPlan) {
  const { counts, bytes, types } = totalsOf(plan);
  return {
    version,
    ...{ store: plan.store, target: plan.target, url: plan.url },
    current: releaseJson(plan.current),
    release: releaseJson(plan.release),
    counts: { ...counts, unchanged: plan.unchanged },
    bytes: { ...bytes, sent: plan.bytes },
    types,
    requests: { ...plan.requests, total: totalOf(plan.requests) },
    changes: listChanges(plan).map(({ kind, path, size, isKept }) => ({
      ...{ change: kind, path, size },
      ...(isKept ? { from: 'store' } : {}),
    })),
    invalidations: plan.invalidations,
    notes: plan.notes,
  };
}

export function reportJson(report: PublicationReport) {
  const { plan, outcome, finished, requests, retries, invalidations, verify, ms, notes } = report;
  return {
    version,
    ...{ outcome, finished, ms, retries },
    plan: planJson(plan),
    requests: { ...requests, total: totalOf(requests) },
    invalidations,
    verify: verify === undefined ? undefined : verifyJson(verify),
    notes,
  };
}

export function verifyJson(verify: VerifyReport) {
  return { version, verdict: verdictOf(verify), ...verify };
}

export function statusJson(status: SiteStatus) {
  const { lease } = status;
  return {
    version,
    well: isHealthy(status),
    ...status,
    current: releaseJson(status.current),
    history: status.history.map((release) => ({ ...releaseJson(release), kept: release.kept })),
    lease: lease === undefined ? undefined : { by: lease.by, since: isoTime(lease.since) },
  };
}

function releaseJson(release: ReleaseInfo | undefined) {
  if (release === undefined) return undefined;
  const { number, name, at, by, commit, files, bytes, rollbackOf } = release;
  return { number, name, at: isoTime(at), by, commit, files, bytes, rollbackOf };
}

/** The time comes from the bucket, so it may be anything. */
function isoTime(at: number): string | undefined {
  return Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : undefined;
}
