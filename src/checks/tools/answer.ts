import type { z } from 'zod';
import { harmless } from '../../kernel/foreign.ts';
import { tail } from '../../kernel/process/process.ts';
import type { CheckOutput } from '../model.ts';
import type { ToolRun } from '../tool.ts';

export type NotRun = Extract<CheckOutput, { ran: false }>;

/** What a tool said, once it can be trusted; or why it can't. */
export type Answer<T> = { readonly said: T } | { readonly notRun: NotRun };

export interface AnswerRules<T> {
  readonly name: string;
  /** Exit codes that the tool documents for a run that was whole. */
  readonly codes: readonly number[];
  /** The one that means findings: it must come with some. */
  readonly findingsCode: number;
  readonly shape: z.ZodType<T>;
  count(said: T): number;
}

/** JSON on standard output, taken only when exit code and content agree. */
export function jsonAnswer<T>(run: ToolRun, rules: AnswerRules<T>): Answer<T> {
  const { name } = rules;
  const broken = (why: string) => ({ notRun: notRun(run, why) });
  if (run.truncated) return broken(`${name} printed more than can be read as a whole`);
  if (!rules.codes.includes(run.code)) return broken(badExit(name, run.code));
  const said = readJson(run.stdout, rules.shape);
  if (said === undefined) return broken(`${name} did not print the JSON that it was asked for`);
  if (run.code === rules.findingsCode && rules.count(said) === 0) {
    return broken(`${name} ended with exit code ${run.code}, yet it names no finding`);
  }
  return { said };
}

/** @returns undefined when it is no JSON, or not of that shape. */
export function readJson<T>(text: string, shape: z.ZodType<T>): T | undefined {
  try {
    return shape.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

export function badExit(name: string, code: number): string {
  if (code === 137) return `${name} was killed; most likely the machine ran out of memory`;
  if (code > 128) return `${name} was ended by signal ${code - 128}`;
  return `${name} ended with exit code ${code}`;
}

/** With the last lines that the tool printed. */
export function notRun(run: Pick<ToolRun, 'stdout' | 'stderr'>, why: string, fix?: string): NotRun {
  const spoken = run.stderr.trim() === '' ? run.stdout : run.stderr;
  // Cut before it is cleaned: there may be megabytes, in a single line.
  const output = harmless(tail(spoken.slice(-20_000), 15))
    .trim()
    .slice(-3000);
  return { ran: false, why, ...(fix === undefined ? {} : { fix }), ...(output === '' ? {} : { output }) };
}

/** A sentence of a tool as part of a message: one line, of a length that people read. */
export function sentence(text: string): string {
  const line = harmless(text.slice(0, 4000)).replace(/\s+/g, ' ').trim();
  const short = line.length > 400 ? `${line.slice(0, 400)}…` : line;
  return /[.!?…;]$/.test(short) ? short : `${short}.`;
}
