import type { z } from 'zod';
import { counted } from '../../kernel/figures.ts';
import { harmless } from '../../kernel/foreign.ts';
import { tail } from '../../kernel/process/process.ts';
import type { CheckOutput } from '../model.ts';
import type { ToolRun } from '../tool.ts';

export type NotRun = Extract<CheckOutput, { ran: false }>;

/** The parsed output of a tool, or why it cannot be trusted. */
export type Answer<T> = { readonly said: T } | { readonly notRun: NotRun };

interface AnswerRules<T> {
  readonly name: string;
  /** Exit codes that the tool documents for a complete run. */
  readonly codes: readonly number[];
  /** The one for findings: the output must have some. */
  readonly findingsCode: number;
  readonly shape: z.ZodType<T>;
  count(said: T): number;
}

/** JSON on standard output, accepted only if exit code and content agree. */
export function jsonAnswer<T>(run: ToolRun, rules: AnswerRules<T>): Answer<T> {
  const { name } = rules;
  const broken = (why: string) => ({ notRun: notRun(run, why) });
  if (run.truncated) return broken(`${name} printed more output than Sluice can read`);
  if (!rules.codes.includes(run.code)) return broken(badExit(name, run.code));
  const said = readJson(run.stdout, rules.shape);
  if (said === undefined) return broken(`${name} did not print the expected JSON`);
  if (run.code === rules.findingsCode && rules.count(said) === 0) {
    return broken(`${name} exited with code ${run.code} but reported no finding`);
  }
  return { said };
}

/** @returns undefined if it is not JSON of that shape. */
export function readJson<T>(text: string, shape: z.ZodType<T>): T | undefined {
  try {
    return shape.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

export function badExit(name: string, code: number): string {
  if (code === 137) return `${name} was killed, most likely because the machine ran out of memory`;
  if (code > 128) return `${name} was terminated by signal ${code - 128}`;
  return `${name} exited with code ${code}`;
}

/** With the last lines of the tool's output. */
export function notRun(run: Pick<ToolRun, 'stdout' | 'stderr'>, why: string, fix?: string): NotRun {
  const spoken = run.stderr.trim() === '' ? run.stdout : run.stderr;
  // Cut before cleaning: a single line may have megabytes.
  const output = harmless(tail(spoken.slice(-20_000), 15))
    .trim()
    .slice(-3000);
  return { ran: false, why, ...(fix === undefined ? {} : { fix }), ...(output === '' ? {} : { output }) };
}

/** A sentence of a tool as part of a message: one line, of readable length. */
export function sentence(text: string): string {
  const line = harmless(text.slice(0, 4000)).replace(/\s+/g, ' ').trim();
  const short = line.length > 400 ? `${line.slice(0, 400)}…` : line;
  return /[.!?…;]$/.test(short) ? short : `${short}.`;
}

/** The number of files a check has read, for its summary; a check without files must not look like a normal pass. */
export function filesSeen(count: number): string {
  return count === 0 ? 'no files to read' : counted(count, 'file');
}
