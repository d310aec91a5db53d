import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, UserError } from '../../kernel/errors.ts';
import type { ChecksReport, JudgedFinding } from '../model.ts';
import { compare } from './fingerprint.ts';

/** A finding that the team has accepted. */
export interface BaselineEntry {
  readonly fingerprint: string;
  /** Tool of the check: if all its checks ran without a match, the entry is unused. */
  readonly tool: string;
  /** This and the following fields are for reviewers of the file. */
  readonly rule: string;
  readonly file: string;
  readonly message: string;
  readonly reason: string;
  /** Last day, in UTC, on which it is accepted: `2027-01-31`. */
  readonly until?: string;
}

export interface Baseline {
  /** Path, for messages. */
  readonly file: string;
  readonly entries: readonly BaselineEntry[];
}

const version = 1;
const day = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/)
  .refine((date) => !Number.isNaN(Date.parse(date)) && new Date(date).toISOString().startsWith(date));
const entryShape = z.strictObject({
  file: z.string(),
  tool: z.string(),
  rule: z.string(),
  message: z.string(),
  reason: z.string().trim().min(1),
  until: day.optional(),
});

/**
 * @param path absolute, or from the working folder; a missing file accepts nothing.
 * @param file its name in reports.
 * @throws UserError `checks.baseline` with the line.
 */
export async function readBaseline(path: string, file: string): Promise<Baseline> {
  try {
    return parseBaseline(await readFile(path, 'utf8'), file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { file, entries: [] };
    if (error instanceof UserError) throw error;
    throw baselineError(file, undefined, `cannot be read: ${messageOf(error)}`);
  }
}

/** @throws UserError `checks.baseline`. */
export function parseBaseline(text: string, file: string): Baseline {
  const conflict = lineOf(text, /^(<<<<<<<|=======|>>>>>>>)/m);
  if (conflict !== undefined) {
    const hint =
      'Keep the entries of both sides and remove the conflict markers: each entry is on its own line.';
    throw baselineError(file, conflict, 'contains a git merge conflict', hint);
  }
  const data = parseJson(text, file);
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw baselineError(file, 1, 'must be an object of findings by fingerprint');
  }
  const { version: found, ...accepted } = data as Record<string, unknown>;
  if (found !== version) {
    const what = found === undefined ? 'has no version' : `has version ${JSON.stringify(found).slice(0, 40)}`;
    throw baselineError(
      file,
      lineOf(text, /^[ \t]*"version"/m) ?? 1,
      `${what}; this release of Sluice supports version ${version}`,
    );
  }
  const entries = Object.entries(accepted).map(([fingerprint, value]) => {
    const fail = (what: string) => {
      const key = JSON.stringify(fingerprint);
      const line = text.slice(0, Math.max(0, text.indexOf(key))).split('\n').length;
      return baselineError(file, line, what);
    };
    if (!/^[0-9a-f]{16}$/.test(fingerprint)) {
      throw fail(
        `has an invalid fingerprint (expected 16 hex digits): ${JSON.stringify(fingerprint).slice(0, 60)}`,
      );
    }
    const entry = entryShape.safeParse(value);
    if (!entry.success) throw fail(`has an entry ${faultOf(entry.error)}`);
    const { until, ...rest } = entry.data;
    return { fingerprint, ...rest, ...(until !== undefined && { until }) };
  });
  return { file, entries };
}

function faultOf(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue?.code === 'unrecognized_keys')
    return `with an unknown field: ${issue.keys.join(', ').slice(0, 100)}`;
  const [field] = issue?.path ?? [];
  if (field === 'reason') return 'without a reason';
  if (field === 'until') return 'whose `until` is not a date such as 2027-01-31';
  return field === undefined ? 'that is not an object' : `whose \`${String(field)}\` is not a string`;
}

/** Whether a text is a date of the calendar: `2027-01-31`. */
export function isDay(text: string): boolean {
  return day.safeParse(text).success;
}

/** Whether the entry is valid: until the end of its last day in UTC. */
export function isInForce({ until }: BaselineEntry, now: number): boolean {
  return until === undefined || new Date(now).toISOString().slice(0, 10) <= until;
}

interface Acceptance {
  /** For all new entries of the baseline. */
  readonly reason: string;
  /** Last day, in UTC. */
  readonly until?: string;
  /** Remove unused entries of the tools that ran. */
  readonly prune?: boolean;
}

/**
 * The text of the baseline with all failing findings of the report accepted. Valid entries stay unchanged; expired ones that
 * match again get the new reason and date. The text does not depend on the order of findings.
 *
 * @throws UserError `checks.baseline` for a missing reason or an invalid date.
 */
export function acceptFindings(report: ChecksReport, baseline: Baseline, acceptance: Acceptance): string {
  const reason = acceptance.reason.trim();
  const { until } = acceptance;
  if (reason === '') throw baselineError(baseline.file, undefined, 'requires a reason for each finding');
  if (until !== undefined && !isDay(until)) {
    throw baselineError(
      baseline.file,
      undefined,
      `cannot accept until "${until}": expected a date such as 2027-01-31`,
    );
  }
  const kept = acceptance.prune ? usedEntries(report, baseline) : baseline.entries;
  const fresh = report.results
    .flatMap(({ check, findings }) => findings.map((finding) => ({ tool: check.tool, finding })))
    .filter(({ finding }) => finding.accepted === undefined && finding.level !== 'note')
    .map(({ tool, finding }) => entryFor(tool, finding, reason, until));
  return baselineText([...kept, ...fresh]);
}

/** The text of the baseline without unused entries of the tools that ran. */
export function pruneBaseline(report: ChecksReport, baseline: Baseline): string {
  return baselineText(usedEntries(report, baseline));
}

function usedEntries(report: ChecksReport, { entries }: Baseline): readonly BaselineEntry[] {
  const unused = new Set(report.baseline.unusedEntries);
  return entries.filter(({ fingerprint }) => !unused.has(fingerprint));
}

function entryFor(
  tool: string,
  finding: JudgedFinding,
  reason: string,
  until: string | undefined,
): BaselineEntry {
  return {
    fingerprint: finding.fingerprint,
    file: finding.at?.file ?? '',
    tool,
    rule: finding.rule,
    message: finding.message.replace(/\s+/g, ' ').trim().slice(0, 200).toWellFormed(),
    reason,
    ...(until !== undefined && { until }),
  };
}

/**
 * JSON with a line for each entry, by file: two branches that accept findings of different files do not touch the same
 * lines. The version comes last, so that every entry ends with a comma and no entry changes when another one is added.
 */
function baselineText(entries: readonly BaselineEntry[]): string {
  const latest = new Map(entries.map((entry) => [entry.fingerprint, entry]));
  const lines = [...latest.values()]
    .toSorted(
      (a, b) =>
        compare(a.file, b.file) ||
        compare(a.tool, b.tool) ||
        compare(a.rule, b.rule) ||
        compare(a.fingerprint, b.fingerprint),
    )
    .map(({ fingerprint, file, tool, rule, message, reason, until }) => {
      const fields = { file, tool, rule, message, reason, until };
      return `  ${JSON.stringify(fingerprint)}: ${JSON.stringify(fields)},\n`;
    });
  return `{\n${lines.join('')}  "version": ${version}\n}\n`;
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // V8 reports the place, `… in JSON at position 11`, except at the end of the text.
    const position = / at position (\d+)/.exec(messageOf(error))?.[1];
    const before = text.slice(0, position === undefined ? text.length : Number(position));
    throw baselineError(file, before.trimEnd().split('\n').length, 'is not valid JSON from this line on');
  }
}

function lineOf(text: string, pattern: RegExp): number | undefined {
  const index = text.search(pattern);
  return index < 0 ? undefined : text.slice(0, index).split('\n').length;
}

function baselineError(file: string, line: number | undefined, what: string, hint?: string): UserError {
  return new UserError({
    code: 'checks.baseline',
    message: `The baseline ${file} ${what}`,
    hint: hint ?? 'Correct the line, or remove the file and accept the findings again.',
    at: line === undefined ? { file } : { file, line },
  });
}
