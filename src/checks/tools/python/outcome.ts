import type { ToolRun } from '../../tool.ts';
import { badExit, type NotRun, notRun } from '../answer.ts';

/** What can be said of a tool that gave no answer to be trusted. */
export interface NoAnswer {
  /** In words, after the tool's name: `collected no tests`. */
  readonly why: string;
  readonly fix?: string;
}

/** The tool ended in a way that it does not document for its answers, or its answer can't be read. */
export function didNotRun(tool: string, run: ToolRun, meaning?: NoAnswer): NotRun {
  if (meaning !== undefined) return notRun(run, `${tool} ${meaning.why}`, meaning.fix);
  if (run.truncated) return notRun(run, `${tool} printed more than can be read as a whole`);
  const ended = badExit(tool, run.code);
  return notRun(run, run.code > 128 ? ended : `${ended} and without an answer that can be read`);
}
