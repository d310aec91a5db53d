import { counted, formatDuration } from '../../kernel/figures.ts';
import { type Lane, lanesOf } from '../facts.ts';
import type { DeployReport, HostTimeline, StepRecord, TimelineEvent } from '../model.ts';
import { breakable, html, type Markup, scrolling } from './markup.ts';
import { type Scale, scaleOf, tickLabel, ticks } from './scale.ts';
import { labelWidths } from './style.ts';

const rowHeight = 26;
const barHeight = 20;
/** Space above the bars for the words of marks, if any. */
const headHeight = (events: readonly TimelineEvent[]): number => (events.length === 0 ? 6 : 20);

/** One lane per host: its steps as bars, the armed time as a field behind them, the turning points as marks. */
export function timelineCard(report: DeployReport): Markup | undefined {
  const lanes = lanesOf(report);
  if (lanes.length === 0) return undefined;
  const scale = scaleOf(report);
  const marks = ticks(scale.totalMs);
  const rows = lanes.map(
    (lane) =>
      html`<div class="lane-name">${breakable(lane.name)}</div><div class="lane">${drawing(lane, scale, marks)}</div>`,
  );
  return html`<section class="card"><h2>Timeline</h2>
<div class="lanes"><div class="lane-name axis-name"></div><div class="lane">${axis(scale, marks)}</div>${rows}</div>
${legend(report)}</section>`;
}

function axis(scale: Scale, marks: readonly number[]): Markup {
  const labels = marks.map((ms) => {
    const share = ms / scale.totalMs;
    const anchor = ms === 0 ? 'start' : share > 0.94 ? 'end' : 'middle';
    return html`<text x="${scale.at(ms)}" y="12" text-anchor="${anchor}">${tickLabel(ms)}</text>`;
  });
  return html`<svg class="axis" width="100%" height="18" aria-hidden="true">${labels}</svg>`;
}

function drawing({ name, steps, events }: Lane, scale: Scale, marks: readonly number[]): Markup {
  const rows = stacked(steps);
  const head = headHeight(events);
  const height = head + rows.length * rowHeight;
  const grid = marks.map(
    (ms) => html`<line class="grid" x1="${scale.at(ms)}" x2="${scale.at(ms)}" y1="0" y2="${height}"/>`,
  );
  const bars = rows.flatMap((row, level) =>
    row.map((step, index) => bar(step, head + level * rowHeight, index % 2, scale)),
  );
  const armed = armedSpans(events, scale.totalMs).map(
    ([from, to]) =>
      html`<rect class="armed" x="${scale.at(from)}" width="${scale.width(to - from)}" y="0" height="${height}"><title>armed for ${formatDuration(to - from)}</title></rect>`,
  );
  const turns = events.map((event) => mark(event, events, height, scale));
  return html`<svg width="100%" height="${height}" role="group" aria-label="Steps on ${name}">${grid}${armed}${bars}${turns}</svg>`;
}

/** Steps that overlap in time go into rows below each other. */
function stacked(steps: readonly StepRecord[]): StepRecord[][] {
  const rows: StepRecord[][] = [];
  for (const step of steps.toSorted((a, b) => a.startedAt - b.startedAt)) {
    const row = rows.find((candidate) => {
      const last = candidate.at(-1);
      return last === undefined || last.startedAt + last.durationMs <= step.startedAt + 0.5;
    });
    if (row === undefined) rows.push([step]);
    else row.push(step);
  }
  return rows;
}

function bar(step: StepRecord, top: number, shade: number, scale: Scale): Markup {
  const took = formatDuration(step.durationMs);
  const name = `${step.name}, ${took}, ${step.outcome}`;
  const middle = top + barHeight / 2;
  return html`<g role="img" aria-label="${name}"><title>${name}${step.note ? ` (${step.note})` : ''}</title>
<rect class="bar ${step.outcome} shade${shade}" x="${scale.at(step.startedAt)}" width="${scale.width(step.durationMs)}" y="${top}" height="${barHeight}" rx="2"/>
${label(step.name, took, step, middle, scale)}</g>`;
}

/** The name inside its bar, with the time if both fit. The class has the width of the lane from which they do. */
function label(
  name: string,
  took: string,
  step: StepRecord,
  middle: number,
  scale: Scale,
): Markup | undefined {
  const share = step.durationMs / scale.totalMs;
  const fits = (text: string) => labelWidths.find((width) => width * share >= text.length * 6.6 + 14);
  const long = fits(`${name} ${took}`);
  const short = fits(name);
  if (short === undefined) return undefined;
  const text = (content: string, from: number, until?: number) =>
    html`<text class="label from${from}${until === undefined ? '' : ` until${until}`}" x="${scale.at(step.startedAt)}" dx="7" y="${middle}" dy="4">${content}</text>`;
  if (long === undefined) return text(name, short);
  return short === long
    ? text(`${name} ${took}`, long)
    : html`${text(name, short, long)}${text(`${name} ${took}`, long)}`;
}

/** From each switch to its end; without one, to the end of the report. */
function armedSpans(events: readonly TimelineEvent[], totalMs: number): [from: number, to: number][] {
  return events
    .filter((event) => event.kind === 'switched')
    .map(({ at, service }) => {
      const end = events.find(
        (event) => event.kind !== 'switched' && event.at >= at && event.service === service,
      );
      return [at, end?.at ?? totalMs];
    });
}

/** A line through the lane with a word: left of it for a switch, right of it for the end of a switch. */
function mark(event: TimelineEvent, events: readonly TimelineEvent[], height: number, scale: Scale): Markup {
  const { kind, at, note } = event;
  const share = at / scale.totalMs;
  const said = `${kind} after ${formatDuration(at)}${note ? `: ${note}` : ''}`;
  const isSwitch = kind === 'switched';
  const toLeft = isSwitch ? share > 0.12 : share > 0.88;
  // Two close words on the same side overlap: of equal words the first is kept, and the end of a switch takes precedence
  // over the switch.
  const own = events.indexOf(event);
  const isSecond = events.some((other, index) => {
    const isBefore = other.at < at || (other.at === at && index < own);
    return isBefore && at - other.at < scale.totalMs / 8 && (other.kind === 'switched') === isSwitch;
  });
  const isOutdone =
    isSwitch &&
    toLeft &&
    events.some(
      (other) =>
        other.kind !== 'switched' && other.at / scale.totalMs > 0.88 && other.at - at < scale.totalMs / 5,
    );
  const hidden = isSecond || isOutdone;
  const word = html`<text class="mark-word" x="${scale.at(at)}" dx="${toLeft ? -8 : 8}" y="12" text-anchor="${toLeft ? 'end' : 'start'}">${kind}</text>`;
  return html`<g class="mark ${kind}" role="img" aria-label="${said}"><title>${said}</title>
<line x1="${scale.at(at)}" x2="${scale.at(at)}" y1="8" y2="${height}"/><circle cx="${scale.at(at)}" cy="8" r="4"/>${hidden ? undefined : word}</g>`;
}

function legend(report: DeployReport): Markup {
  const outcomes = new Set(report.hosts.flatMap((host) => host.steps.map((step) => step.outcome)));
  const keys = (['done', 'failed', 'undone', 'running'] as const).filter((outcome) => outcomes.has(outcome));
  const swatch = (name: string, text: string) =>
    html`<li><svg width="16" height="12" aria-hidden="true"><rect class="${name}" x="0.5" y="0.5" width="15" height="11" rx="2"/></svg> ${text}</li>`;
  const armed = report.events.some((event) => event.kind === 'switched');
  return html`<ul class="legend">${keys.map((key) => swatch(`bar ${key} shade0`, key))}
${armed && swatch('armed', 'armed: the guard watches and may revert')}</ul>`;
}

/** With more hosts than this, only those with a failure are expanded at first. */
const openHosts = 3;

/** Every step with its exact time; also the accessible form of the timeline. */
export function stepsCard(report: DeployReport): Markup | undefined {
  const lanes = report.hosts.filter((host) => host.steps.length > 0);
  if (lanes.length === 0) return undefined;
  const scale = scaleOf(report);
  const parts = lanes.map((host) => {
    const open = lanes.length <= openHosts || host.steps.some((step) => step.outcome === 'failed');
    return hostSteps(host, open, scale);
  });
  return html`<section class="card"><h2>Steps</h2>${parts}</section>`;
}

function hostSteps(host: HostTimeline, open: boolean, scale: Scale): Markup {
  const rows = host.steps.map((step) => row(step, scale));
  return html`<details${open ? html` open` : undefined}><summary>${breakable(host.name)} <span class="dim">${counted(rows.length, 'step')}</span></summary>
${scrolling(
  `Steps on ${host.name}`,
  html`<thead><tr><th scope="col" class="step">Step</th><th scope="col" class="when">When</th><th scope="col" class="number">Took</th>
<th scope="col" class="outcome">Outcome</th><th scope="col">Note</th></tr></thead><tbody>${rows}</tbody>`,
  'steps',
)}</details>`;
}

function row(step: StepRecord, scale: Scale): Markup {
  const when = `after ${formatDuration(step.startedAt)}`;
  return html`<tr class="${step.outcome}"><th scope="row">${step.name}</th>
<td class="when"><svg width="100%" height="12" role="img" aria-label="${when}"><title>${when}</title>
<line class="grid" x1="0" x2="100%" y1="6" y2="6"/>
<rect class="bar ${step.outcome} shade0" x="${scale.at(step.startedAt)}" width="${scale.width(step.durationMs)}" y="1" height="10" rx="2"/></svg></td>
<td class="number">${formatDuration(step.durationMs)}</td><td>${step.outcome}</td><td>${step.note ?? ''}</td></tr>`;
}
