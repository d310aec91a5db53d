import { formatDuration } from '../../kernel/figures.ts';
import { firstOfEachKind, type Lane, lanesOf } from '../facts.ts';
import { type DeployReport, durationOf, type EventKind, type StepRecord } from '../model.ts';
import { byteLength, oneLine } from '../text.ts';

/** Mermaid refuses a text over 50,000 characters (`maxTextSize`). */
const mermaidLimit = 45_000;
/** More hosts than this are drawn as one section, plus the hosts with other outcomes. */
const ownSections = 4;

/**
 * The timeline as a Mermaid gantt within `bytes`; '' if there is nothing to draw or no room for it.
 * Times are real ones (`dateFormat x`: ms since the epoch), so the axis shows the reader's wall clock.
 */
export function gantt(report: DeployReport, bytes: number): string {
  const sections = sectionsOf(report);
  if (sections.length === 0) return '';
  const begun = Date.parse(report.startedAt);
  const origin = Number.isFinite(begun) ? begun : Date.UTC(2000, 0, 1);
  const total = durationOf(report);
  const head = [
    'gantt',
    'dateFormat x',
    `axisFormat ${total < 10_000 ? '%S.%L' : '%H:%M:%S'}`,
    'todayMarker off', // otherwise Mermaid extends the chart to today
  ];
  const lines = [...head];
  let size = byteLength(`\`\`\`mermaid\n${head.join('\n')}\n\`\`\``);
  const budget = Math.min(bytes, mermaidLimit);
  for (const section of sections) {
    const tasks = section.steps.map((step) => stepTask(step, origin, total / 400));
    const marks = section.events.map((event) => milestone(event.kind, origin + event.at));
    for (const line of [`section ${ganttName(section.name)}`, ...tasks, ...marks]) {
      size += byteLength(line) + 1;
      if (size > budget) return lines.length > head.length + 1 ? fenced(lines) : '';
      lines.push(line);
    }
  }
  return fenced(lines);
}

const fenced = (lines: readonly string[]): string => `\`\`\`mermaid\n${lines.join('\n')}\n\`\`\``;

function sectionsOf(report: DeployReport): Lane[] {
  const lanes = lanesOf(report);
  if (lanes.length <= ownSections) return lanes;
  const odd = lanes.filter((lane) => lane.steps.some((step) => step.outcome === 'failed'));
  const all = {
    name: `${lanes.length} hosts, first begin to last end`,
    steps: envelope(lanes.flatMap((lane) => lane.steps)),
    events: firstOfEachKind(lanes.flatMap((lane) => lane.events)),
  };
  return [all, ...odd.slice(0, ownSections)];
}

/** One step for all hosts' steps of that name. */
function envelope(steps: readonly StepRecord[]): StepRecord[] {
  const byName = new Map<string, StepRecord>();
  for (const step of steps) {
    const known = byName.get(step.name);
    if (known === undefined) {
      byName.set(step.name, step);
      continue;
    }
    const startedAt = Math.min(known.startedAt, step.startedAt);
    const end = Math.max(known.startedAt + known.durationMs, step.startedAt + step.durationMs);
    const outcome = step.outcome === 'failed' ? 'failed' : known.outcome;
    byName.set(step.name, { name: step.name, startedAt, durationMs: end - startedAt, outcome });
  }
  return [...byName.values()].sort((a, b) => a.startedAt - b.startedAt);
}

const tags: Readonly<Record<StepRecord['outcome'], string>> = {
  done: 'done, ',
  failed: 'crit, ',
  undone: 'crit, done, ',
  running: 'active, ',
  skipped: '',
};

function stepTask(step: StepRecord, origin: number, shortest: number): string {
  const start = Math.round(origin + step.startedAt);
  // A bar thinner than a pixel is not drawn; the name has the exact time.
  const end = start + Math.max(1, Math.round(Math.max(step.durationMs, shortest)));
  const word = step.outcome === 'failed' || step.outcome === 'undone' ? ` ${step.outcome}` : '';
  return `${ganttName(step.name)}${word} ${formatDuration(step.durationMs)} :${tags[step.outcome]}${start}, ${end}`;
}

function milestone(kind: EventKind, at: number): string {
  const tag = kind === 'reverted' || kind === 'undone' ? 'crit, milestone' : 'milestone';
  return `${kind} :${tag}, ${Math.round(at)}, ${Math.round(at)}`;
}

/**
 * A name that Mermaid's lexer reads as text. It has no escapes: `:` ends a name, `#` and `;` end or encode, `%` starts a
 * comment, and a keyword at the start of a line is the keyword. Names therefore keep only letters, digits and a few marks.
 */
function ganttName(text: string): string {
  const name = oneLine(text, 60)
    .replace(/[^\p{L}\p{N} ._/@()+-]/gu, ' ')
    .replace(/ +/g, ' ')
    .trim();
  return /^[\p{L}\p{N}]/u.test(name) && !keyword.test(name) ? name : `· ${name}`.trim();
}

const keyword =
  /^(gantt|title|section|click|href|call|dateformat|axisformat|tickinterval|todaymarker|topaxis|inclusiveenddates|includes|excludes|weekday|weekend|acc|\d{4}-\d\d)/i;
