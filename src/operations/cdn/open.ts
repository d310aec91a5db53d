import { setFlagsFromString } from 'node:v8';
import { awsCredentials } from '../../cdn/aws/credentials.ts';
import type { Invalidator } from '../../cdn/invalidator.ts';
import { openInvalidators } from '../../cdn/invalidators/all.ts';
import type { ObjectStore } from '../../cdn/store.ts';
import { openStore } from '../../cdn/stores/open.ts';
import type { Config } from '../../config/model.ts';
import { type SiteSettings, siteOf } from '../../config/site.ts';
import { loadConfig } from '../../config/sluice-yml/load.ts';
import type { OperationContext } from '../context.ts';

/** A site of sluice.yml with its store and CDNs. */
export interface OpenSite extends Disposable {
  readonly config: Config;
  readonly settings: SiteSettings;
  readonly store: ObjectStore;
  readonly invalidators: readonly Invalidator[];
  /** Opens the store again, for the end of a cancelled run. */
  readonly reopen: () => Promise<ObjectStore>;
  /** Aborts all requests to the store. */
  readonly abandon: (reason: unknown) => void;
}

/** A cancelled job has about seven seconds before the runner kills it. */
const lastMs = 4_000;

/**
 * @param purpose `reads` needs no token of a CDN.
 * @throws UserError `cdn.none`, `cdn.credentials`, `cdn.cloudflare` and those of the configuration.
 */
export async function openSite(
  { effects, config: path }: OperationContext,
  { target }: { readonly target: string | undefined },
  purpose: 'publishes' | 'reads' = 'publishes',
): Promise<OpenSite> {
  keepMemorySmall();
  const config = await loadConfig(path);
  const settings = siteOf(config, target);
  const keys = awsCredentials({ ...effects, role: settings.store.role });
  const invalidators = purpose === 'publishes' ? openInvalidators(settings, { ...effects, keys }) : [];
  const stop = new AbortController();
  const signal = AbortSignal.any([effects.signal, stop.signal]);
  const store = await openStore(settings.store, { ...effects, signal }, keys);
  return {
    ...{ config, settings, store, invalidators },
    abandon: (reason) => stop.abort(reason),
    reopen: () => openStore(settings.store, { ...effects, signal: AbortSignal.timeout(lastMs) }, keys),
    [Symbol.dispose]: () => store.close(),
  };
}

/**
 * The absolute path of the published folder; needs no store and no key.
 *
 * @throws UserError `cdn.none` and those of the configuration.
 */
export async function siteFolder(
  { config: path }: OperationContext,
  { target }: { readonly target: string | undefined },
): Promise<string> {
  return siteOf(await loadConfig(path), target).dist;
}

/**
 * Limits Node's memory. By default V8 lets garbage grow to several times the live data, and its space for new
 * objects to three times 32 MB. A first publication of 100,000 files with 130 MB of live data took 490 MB, and
 * takes 275 MB with these two flags in the same time (VmHWM, on two cores). Other memory flags of V8 work only
 * at start, and an action can't choose those.
 */
function keepMemorySmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=20');
}
