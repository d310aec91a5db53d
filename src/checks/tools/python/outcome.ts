import type { ToolRun } from '../../tool.ts';
import { badExit, type NotRun, notRun } from '../answer.ts';

/** Why a tool has no trustworthy result. */
export interface NoAnswer {
  /** In words, after the tool's name: `collected no tests`. */
  readonly why: string;
  readonly fix?: string;
}

/** The tool ended with an undocumented exit code, or its output cannot be parsed. */
export function didNotRun(tool: string, run: ToolRun, meaning?: NoAnswer): NotRun {
  if (meaning !== undefined) return notRun(run, `${tool} ${meaning.why}`, meaning.fix);
  if (run.truncated) return notRun(run, `${tool} printed more output than Sluice can read`);
  const ended = badExit(tool, run.code);
  return notRun(run, run.code > 128 ? ended : `${ended} and without readable output`);
}
