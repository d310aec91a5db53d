import { statusJson } from '../../cdn/report/json.ts';
import { isWell, statusText } from '../../cdn/report/status.ts';
import { exitCodes } from '../../kernel/run.ts';
import { siteStatus } from '../../operations/cdn.ts';
import type { CommandContext } from '../context.ts';
import { type SiteOptions, siteTarget, textOptions } from '../site.ts';

export async function execute(
  context: CommandContext,
  target: string | undefined,
  options: SiteOptions & { readonly audit: boolean },
): Promise<number> {
  const { effects, json } = context;
  const { audit } = options;
  const status = await siteStatus(context, { target: siteTarget(target, options), audit });
  const ok = isWell(status);
  effects.print(
    json ? JSON.stringify({ ok, ...statusJson(status) }) : statusText(status, textOptions(context)),
  );
  return ok ? exitCodes.ok : exitCodes.failed;
}
