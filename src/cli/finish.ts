import { exitCodes } from '../kernel/run.ts';
import type { Deployed } from '../operations/deploy/deploy.ts';
import { scrubReport } from '../report/model.ts';
import { isSuccess } from '../report/outcome.ts';
import { terminalSummary } from '../report/terminal.ts';
import type { CommandContext } from './context.ts';

/** Prints how a deploy has ended. @returns the exit code. */
export function finish(context: CommandContext, { report: given, files }: Deployed): number {
  const { effects } = context;
  const report = scrubReport(given, effects.mask);
  const ok = isSuccess(report);
  const colour = effects.log.mode === 'terminal' && !effects.env.NO_COLOR;
  if (context.json) effects.print(JSON.stringify({ ok, report, files }));
  else effects.print(terminalSummary(report, { colour, page: files?.html }));
  // Also when the release had been confirmed by then: what was left of the deploy was left out.
  if (effects.signal.aborted) return exitCodes.cancelled;
  return ok ? exitCodes.ok : exitCodes.failed;
}
