import type { DeployReport, HostTimeline, TimelineEvent } from './model.ts';

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
