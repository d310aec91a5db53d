import type { Entry, VerifyReport } from '../../cdn/model.ts';
import type { WorkOrder } from '../../cdn/plan/plan.ts';
import { readManifest } from '../../cdn/plan/site-state.ts';
import { nothingPublished } from '../../cdn/publish/faults.ts';
import { verifySite } from '../../cdn/verify/verify.ts';
import { UserError } from '../../kernel/errors.ts';
import type { Effects } from '../../kernel/run.ts';
import type { OperationContext } from '../context.ts';
import { type OpenSite, openSite } from './open.ts';

/** Checks the published release as visitors see it. */
export async function verifyPublished(
  context: OperationContext,
  request: { readonly target: string | undefined },
): Promise<VerifyReport> {
  using site = await openSite(context, request, 'reads');
  const { settings, store } = site;
  if (settings.url === undefined) {
    throw new UserError({
      code: 'config.missing-key',
      message: 'cdn: url is missing; verify needs the public URL of the site',
      hint: 'url: https://www.example.com',
      at: { file: site.config.file },
    });
  }
  const found = await readManifest(store);
  if (found === undefined) {
    throw nothingPublished(store);
  }
  const { url, verify, index, spa } = settings;
  const { entries } = found.manifest;
  return await verifySite({ url, entries, changed: [], settings: verify, index, spa }, context.effects);
}

/** Checks a release that was just published; undefined without a `url`, or where there was nothing to do. */
export async function verifyRelease(
  { settings }: OpenSite,
  { diff, found, tailOnly, finishes }: WorkOrder,
  effects: Effects,
): Promise<VerifyReport | undefined> {
  const { url, verify, index, spa } = settings;
  if (url === undefined || (tailOnly && finishes === undefined)) return undefined;
  const entries = new Map<string, Entry>(diff.unchanged.map((entry) => [entry.path, entry]));
  for (const { to } of diff.changes) entries.set(to.path, to);
  const changed = diff.changes.map(({ to }) => to.path);
  const manifest = found.manifest?.manifest;
  const before = manifest && { number: manifest.release.number, entries: manifest.entries };
  return await verifySite({ url, entries, changed, settings: verify, index, spa, before }, effects);
}
