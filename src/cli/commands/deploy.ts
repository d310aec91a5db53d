import { exitCodes } from '../../kernel/run.ts';
import { type Deployed, deployTarget } from '../../operations/deploy/deploy.ts';
import { targetAndName } from '../../operations/deploy/open.ts';
import { rollbackTarget } from '../../operations/deploy/rollback.ts';
import { scrubReport } from '../../report/model.ts';
import { isSuccess } from '../../report/outcome.ts';
import { terminalSummary } from '../../report/terminal.ts';
import { imageArguments, parseWatch } from '../arguments.ts';
import type { CommandContext } from '../context.ts';
import type { PlanCommandOptions } from './plan.ts';

interface DeployCommandOptions extends PlanCommandOptions {
  readonly watch?: string;
  readonly backup: boolean;
  readonly migrate: boolean;
  readonly preflight: boolean;
  readonly force: boolean;
  readonly wait: boolean;
  readonly replaceEdges: boolean;
  readonly dryRun?: boolean;
}

/** `sluice deploy` */
export async function execute(
  context: CommandContext,
  targetName: string | undefined,
  options: DeployCommandOptions,
): Promise<number> {
  const watchMs = parseWatch(options.watch);
  if (options.dryRun === true) return await (await import('./plan.ts')).execute(context, targetName, options);
  const images = await imageArguments(options.image, options.images);
  const wanted = { ...options, release: options.release, images, watchMs };
  return finish(context, await deployTarget(context, targetName, wanted));
}

/** `sluice rollback` */
export async function rollback(
  context: CommandContext,
  targetName: string | undefined,
  options: { readonly argument?: string; readonly watch?: string; readonly wait: boolean },
): Promise<number> {
  const watchMs = parseWatch(options.watch);
  const { target, name: release } = await targetAndName(context, targetName, options.argument);
  return finish(context, await rollbackTarget(context, target, { release, watchMs, wait: options.wait }));
}

/** Prints the result of a deploy or a rollback. @returns the exit code. */
function finish({ effects, json, colour }: CommandContext, { report: given, files }: Deployed): number {
  const report = scrubReport(given, effects.mask);
  const ok = isSuccess(report);
  if (json) effects.print(JSON.stringify({ ok, report, files }));
  else effects.print(terminalSummary(report, { colour, page: files?.html }));
  // Also if the release was confirmed before the cancellation: later work was skipped.
  if (effects.signal.aborted) return exitCodes.cancelled;
  return ok ? exitCodes.ok : exitCodes.failed;
}
