import { resolve } from 'node:path';
import type { PublicationPlan, PublicationReport } from '../../cdn/model.ts';
import { planJson, reportJson, statusJson, verifyJson } from '../../cdn/report/json.ts';
import { verdictOf } from '../../cdn/report/lines.ts';
import { followed } from '../../cdn/report/progress.ts';
import { isHealthy, statusText } from '../../cdn/report/status.ts';
import { planText, resultText, type SiteTextOptions, verifyText } from '../../cdn/report/terminal.ts';
import { exitCodes } from '../../kernel/run.ts';
import {
  type PublishRequest,
  planPublication,
  planSiteRollback,
  publishSite,
  rollbackSite,
  siteStatus,
} from '../../operations/cdn/publish.ts';
import { verifyPublished } from '../../operations/cdn/verify.ts';
import type { CommandContext } from '../context.ts';

type TargetName = string | undefined;

/** Options of the commands that publish a folder. */
interface PublishOptions {
  readonly name?: string;
  readonly dist?: string;
  readonly allowRemovals: boolean;
  readonly verify?: boolean;
  readonly repair?: boolean;
  readonly dryRun?: boolean;
}

/** `sluice cdn plan` */
export async function plan(
  context: CommandContext,
  target: TargetName,
  options: PublishOptions,
): Promise<number> {
  return printPlan(context, await planPublication(context, publishRequest(target, options)));
}

/** `sluice cdn publish` */
export async function publish(
  context: CommandContext,
  target: TargetName,
  options: PublishOptions,
): Promise<number> {
  if (options.dryRun === true) return await plan(context, target, options);
  const request = publishRequest(target, options);
  const report = await followed(context.effects, (hooks) => publishSite(context, request, hooks));
  return finish(context, report);
}

/** A folder on the command line is relative to the working folder. */
function publishRequest(target: TargetName, options: PublishOptions): PublishRequest {
  const { name, dist, allowRemovals, verify = true, repair = false } = options;
  const folder = dist === undefined ? undefined : resolve(dist);
  return { target, name, dist: folder, allowRemovals, verify, repair };
}

/** `sluice cdn rollback` */
export async function rollback(
  context: CommandContext,
  target: TargetName,
  options: { readonly to?: string; readonly dryRun?: boolean; readonly verify: boolean },
): Promise<number> {
  const { to, verify } = options;
  const request = { target, to, verify };
  if (options.dryRun === true) return printPlan(context, await planSiteRollback(context, request));
  const report = await followed(context.effects, (hooks) => rollbackSite(context, request, hooks));
  return finish(context, report);
}

/** `sluice cdn status` */
export async function status(
  context: CommandContext,
  target: TargetName,
  { audit }: { readonly audit: boolean },
): Promise<number> {
  const { effects, json } = context;
  const found = await siteStatus(context, { target, audit });
  const ok = isHealthy(found);
  effects.print(
    json
      ? JSON.stringify({ ok, ...statusJson(found) })
      : statusText(found, { ...textOptions(context), target }),
  );
  return ok ? exitCodes.ok : exitCodes.failed;
}

/** `sluice cdn verify` */
export async function verify(context: CommandContext, target: TargetName): Promise<number> {
  const { effects, json } = context;
  const report = await verifyPublished(context, { target });
  const ok = verdictOf(report) !== 'fail';
  effects.print(
    json ? JSON.stringify({ ok, ...verifyJson(report) }) : verifyText(report, textOptions(context)),
  );
  return ok ? exitCodes.ok : exitCodes.failed;
}

function textOptions({ colour, config }: CommandContext): SiteTextOptions {
  return { colour, config };
}

function printPlan(context: CommandContext, publication: PublicationPlan): number {
  const { effects, json } = context;
  effects.print(
    json
      ? JSON.stringify({ ok: true, ...planJson(publication) })
      : planText(publication, textOptions(context)),
  );
  return exitCodes.ok;
}

/** Prints the result of a publication or a rollback. @returns the exit code. */
function finish(context: CommandContext, report: PublicationReport): number {
  const { effects, json } = context;
  const ok = verdictOf(report.verify) !== 'fail';
  effects.print(
    json ? JSON.stringify({ ok, ...reportJson(report) }) : resultText(report, textOptions(context)),
  );
  // Also if the release was published before the cancellation: later work was skipped.
  if (effects.signal.aborted) return exitCodes.cancelled;
  return ok ? exitCodes.ok : exitCodes.failed;
}
