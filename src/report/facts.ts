import type {
  BackupProof,
  DeployReport,
  HealthRecord,
  HostTimeline,
  MigrationRecord,
  TimelineEvent,
  WatchRecord,
} from './model.ts';

/** Sums over all guards. */
export interface WatchTotals {
  readonly requests: number;
  readonly errors5xx: number;
  /** Of the slowest service; absent if no guard reported one. */
  readonly p95Ms: number | undefined;
  /** The longest watch. */
  readonly seconds: number;
}

export function watchTotals(watch: readonly WatchRecord[]): WatchTotals {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const p95 = watch.flatMap((watchRecord) => (watchRecord.p95Ms === undefined ? [] : [watchRecord.p95Ms]));
  return {
    requests: sum(watch.map((watchRecord) => watchRecord.requests)),
    errors5xx: sum(watch.map((watchRecord) => watchRecord.errors5xx)),
    p95Ms: p95.length === 0 ? undefined : Math.max(...p95),
    seconds: Math.max(0, ...watch.map((watchRecord) => watchRecord.seconds)),
  };
}

/** Whether a backup is reliable, which only a restore proves. */
export function proofOf({ restoreTest }: BackupProof): 'proven' | 'not proven' | 'not restorable' {
  if (restoreTest === undefined) return 'not proven';
  return restoreTest.ok ? 'proven' : 'not restorable';
}

/** Revisions before and after; absent if the migration changed none. */
export function revisionsOf({
  before,
  after,
}: MigrationRecord): { readonly before: string; readonly after: string } | undefined {
  return before === after ? undefined : { before: before ?? 'none', after: after ?? 'unknown' };
}

/** The text for a migration without a new revision; without a revision command, the revision is unknown. */
export function unmoved({ before }: MigrationRecord): string {
  return before === undefined ? 'ran' : `no new revision (${before})`;
}

/** Hosts with the same health of a service; unhealthy ones come first. */
export interface HealthGroup {
  readonly record: HealthRecord;
  readonly hosts: readonly string[];
}

/** Groups hosts, so that ten healthy hosts are one entry. */
export function alike(health: readonly HealthRecord[]): HealthGroup[] {
  const groups = new Map<string, { readonly record: HealthRecord; readonly hosts: string[] }>();
  for (const record of health) {
    const key = JSON.stringify([record.service, record.ok, record.components]);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { record, hosts: [record.host] });
    else known.hosts.push(record.host);
  }
  return [...groups.values()].sort((a, b) => Number(a.record.ok) - Number(b.record.ok));
}

/** A host's steps, with the events that are drawn among them. */
export interface Lane extends HostTimeline {
  readonly events: readonly TimelineEvent[];
}

/**
 * The lanes to draw. Steps that ran on several hosts at once share a lane. An event of a host without a lane is drawn in
 * the first lane, once per kind.
 */
export function lanesOf(report: DeployReport): Lane[] {
  const names = new Set(report.hosts.map((host) => host.name));
  const homeless = firstOfEachKind(report.events.filter((event) => !names.has(event.host)));
  return report.hosts
    .map(({ name, steps }) => ({ name, steps: steps.filter((step) => step.outcome !== 'skipped') }))
    .filter(({ steps }) => steps.length > 0)
    .map((lane, index) => {
      const own = report.events.filter((event) => event.host === lane.name);
      return { ...lane, events: inTime(index === 0 ? [...own, ...homeless] : own) };
    });
}

export function firstOfEachKind(events: readonly TimelineEvent[]): TimelineEvent[] {
  const sorted = inTime(events);
  return sorted.filter((event, index) => sorted.findIndex((other) => other.kind === event.kind) === index);
}

function inTime(events: readonly TimelineEvent[]): TimelineEvent[] {
  return events.toSorted((a, b) => a.at - b.at);
}
