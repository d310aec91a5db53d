import { resolve } from 'node:path';
import type { PublicationPlan, PublicationReport } from '../cdn/model.ts';
import { planJson, reportJson } from '../cdn/report/json.ts';
import { planText, resultText, type SiteTextOptions } from '../cdn/report/terminal.ts';
import { verdictOf } from '../cdn/report/lines.ts';
import { UserError } from '../kernel/errors.ts';
import { exitCodes } from '../kernel/run.ts';
import type { PublishRequest } from '../operations/cdn/publish.ts';
import type { CommandContext } from './context.ts';

/** Options of every command about a published site. */
export interface SiteOptions {
  readonly target?: string;
}

/** Options of those that publish a folder. */
export interface PublishOptions extends SiteOptions {
  readonly name?: string;
  readonly dist?: string;
  readonly allowRemovals: boolean;
  readonly verify?: boolean;
  readonly repair?: boolean;
}

/**
 * The target: an argument as in every command, or --target, as the action calls it.
 *
 * @throws UserError `usage.argument` for two that differ.
 */
export function siteTarget(argument: string | undefined, { target }: SiteOptions): string | undefined {
  if (argument === undefined || target === undefined || argument === target) return argument ?? target;
  throw new UserError({
    code: 'usage.argument',
    message: `Which target: ${argument}, or --target ${target}?`,
    hint: 'Name one of them; each site is published by itself.',
  });
}

/** A folder on the command line counts from where the command runs. */
export function publishRequest(argument: string | undefined, options: PublishOptions): PublishRequest {
  const { name, dist, allowRemovals, verify = true, repair = false } = options;
  return {
    target: siteTarget(argument, options),
    ...{ name, allowRemovals, verify, repair },
    dist: dist === undefined ? undefined : resolve(dist),
  };
}

export function textOptions({ effects, config }: CommandContext): SiteTextOptions {
  return { colour: effects.log.mode === 'terminal' && !effects.env.NO_COLOR, config };
}

export function printPlan(context: CommandContext, plan: PublicationPlan): number {
  const { effects, json } = context;
  effects.print(
    json ? JSON.stringify({ ok: true, ...planJson(plan) }) : planText(plan, textOptions(context)),
  );
  return exitCodes.ok;
}

/** Prints how a publication or a rollback has ended. @returns the exit code. */
export function finishPublication(context: CommandContext, report: PublicationReport): number {
  const { effects, json } = context;
  const ok = verdictOf(report.verify) !== 'fail';
  effects.print(
    json ? JSON.stringify({ ok, ...reportJson(report) }) : resultText(report, textOptions(context)),
  );
  // Also when the release had been published by then: what was left to do was left out.
  if (effects.signal.aborted) return exitCodes.cancelled;
  return ok ? exitCodes.ok : exitCodes.failed;
}
