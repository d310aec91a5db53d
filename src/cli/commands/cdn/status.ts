import { statusJson } from '../../../cdn/report/json.ts';
import { isHealthy, statusText } from '../../../cdn/report/status.ts';
import { exitCodes } from '../../../kernel/run.ts';
import { siteStatus } from '../../../operations/cdn/publish.ts';
import type { CommandContext } from '../../context.ts';
import { type SiteOptions, siteTarget, textOptions } from '../../site.ts';

export async function execute(
  context: CommandContext,
  target: string | undefined,
  options: SiteOptions & { readonly audit: boolean },
): Promise<number> {
  const { effects, json } = context;
  const { audit } = options;
  const name = siteTarget(target, options);
  const status = await siteStatus(context, { target: name, audit });
  const ok = isHealthy(status);
  effects.print(
    json
      ? JSON.stringify({ ok, ...statusJson(status) })
      : statusText(status, { ...textOptions(context), target: name }),
  );
  return ok ? exitCodes.ok : exitCodes.failed;
}
