import { constants } from 'node:os';
import { harmless } from '../../kernel/foreign.ts';
import { tail } from '../../kernel/process.ts';
import type { CheckOutput } from '../model.ts';
import type { ToolRun } from '../tool.ts';

const lastLines = 20;

/** What can be said of a tool that gave no answer to be trusted. */
export interface NoAnswer {
  /** In words: `its report names no failed test`. */
  readonly why: string;
  readonly fix?: string;
}

/** The tool ended in a way that it does not document for its answers, or its answer can't be read. */
export function didNotRun(tool: string, run: ToolRun, meaning?: NoAnswer): CheckOutput {
  const output = tail(harmless(run.stderr.trim() === '' ? run.stdout : run.stderr), lastLines).trim();
  return {
    ran: false,
    why: `${tool} ${meaning?.why ?? endOf(run)}`,
    ...(meaning?.fix === undefined ? {} : { fix: meaning.fix }),
    ...(output === '' ? {} : { output }),
  };
}

/** A shell's way to say it: 128 and the number of the signal. */
function endOf({ code, truncated }: ToolRun): string {
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  if (signal === 'SIGKILL') return 'was killed (SIGKILL): was there memory enough?';
  if (signal !== undefined) return `crashed, or was ended from outside (${signal})`;
  if (truncated) return 'printed too much: its answer is cut off';
  return `ended with exit code ${code} and without an answer that can be read`;
}
