import { verifyJson } from '../../../cdn/report/json.ts';
import { verifyText } from '../../../cdn/report/terminal.ts';
import { verdictOf } from '../../../cdn/report/lines.ts';
import { exitCodes } from '../../../kernel/run.ts';
import { verifyPublished } from '../../../operations/cdn/verify.ts';
import type { CommandContext } from '../../context.ts';
import { type SiteOptions, siteTarget, textOptions } from '../../site.ts';

export async function execute(
  context: CommandContext,
  target: string | undefined,
  options: SiteOptions,
): Promise<number> {
  const { effects, json } = context;
  const report = await verifyPublished(context, { target: siteTarget(target, options) });
  const ok = verdictOf(report) !== 'fail';
  effects.print(
    json ? JSON.stringify({ ok, ...verifyJson(report) }) : verifyText(report, textOptions(context)),
  );
  return ok ? exitCodes.ok : exitCodes.failed;
}
