import type { Colour } from '../model.ts';

/** Steps of the transaction, in their order. */
const stepNames = [
  'resolve',
  'connect',
  'lease',
  'reconcile',
  'preflight',
  'transfer',
  'data',
  'backup',
  'migrate',
  'jobs',
  'start',
  'health',
  'late-jobs',
  'switch',
  'watch',
  'confirm',
  'retire',
  'prune',
  'record',
] as const;
export type StepName = (typeof stepNames)[number];

/** First entry of a journal: everything another run needs to undo this deploy. */
export interface JournalHeader {
  readonly event: 'open';
  readonly at: string;
  readonly deploy: string;
  readonly command: 'deploy' | 'rollback';
  readonly app: string;
  readonly target: string;
  readonly release: string;
  readonly colour: Colour;
  readonly previous: { readonly release: string; readonly colour: Colour } | undefined;
  /** Services whose edge this deploy creates; an undo removes those edges. */
  readonly newEdges: readonly string[];
  /** Services whose edge takes part in the switch. */
  readonly edges: readonly string[];
  /** Services that are stopped and started in place; an undo restores the previous definition. */
  readonly replaced: readonly string[];
  /** Services that did not run before, without stores; an undo removes their containers. */
  readonly created: readonly string[];
  /** Containers stopped for their published ports; an undo starts them again. */
  readonly stopped: readonly string[];
  /** The release's folder did not exist before. */
  readonly newRelease: boolean;
  /** Images that only this release uses; absent in journals of older versions. */
  readonly brought?: readonly string[];
  readonly actor: string | undefined;
  readonly runUrl: string | undefined;
  readonly commit: string | undefined;
}

export type Outcome = 'confirmed' | 'reverted' | 'undone' | 'failed';

export type JournalEntry =
  | JournalHeader
  | {
      readonly event: 'begin' | 'done' | 'undone';
      readonly at: string;
      readonly step: StepName;
      readonly note?: string;
    }
  | {
      readonly event: 'failed';
      readonly at: string;
      readonly step: StepName;
      readonly code: string;
      readonly note: string;
    }
  /** Last entry: this deploy is finished or undone. */
  | {
      readonly event: 'end';
      readonly at: string;
      readonly outcome: Outcome;
      readonly note: string;
      readonly by: string;
    };

export interface JournalRecord {
  readonly header: JournalHeader;
  readonly entries: readonly JournalEntry[];
  readonly end: Extract<JournalEntry, { event: 'end' }> | undefined;
}

/**
 * Reads a journal. A last line that a crash cut short is ignored. A file without a readable header is not a
 * journal: the run died before it changed anything.
 */
export function parseJournal(text: string): JournalRecord | undefined {
  const entries: JournalEntry[] = [];
  for (const line of text.split('\n')) {
    const entry = parseEntry(line);
    if (entry !== undefined) entries.push(entry);
  }
  const found = entries.find((entry) => entry.event === 'open');
  if (found === undefined) return undefined;
  // An earlier version did not write all of them.
  const header = { ...noServices, ...found };
  return { header, entries, end: entries.find((entry) => entry.event === 'end') };
}

const noServices = { newEdges: [], edges: [], replaced: [], created: [], stopped: [] };

function parseEntry(line: string): JournalEntry | undefined {
  if (line.trim() === '') return undefined;
  try {
    const value: unknown = JSON.parse(line);
    const known = typeof value === 'object' && value !== null && 'event' in value && 'at' in value;
    return known ? (value as JournalEntry) : undefined;
  } catch {
    // A line that was cut short has no line break: the next entry follows on the same line.
    const at = line.lastIndexOf('{"event":');
    return at > 0 ? parseEntry(line.slice(at)) : undefined;
  }
}

/** Whether every host had confirmed. The runner may have died before it could write that: false proves nothing. */
export function wasConfirmed({ entries }: Pick<JournalRecord, 'entries'>): boolean {
  return entries.some((entry) => entry.event === 'done' && entry.step === 'confirm');
}
