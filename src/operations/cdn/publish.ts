import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { checkSite } from '../../cdn/dist/check.ts';
import { pagesThatMayName } from '../../cdn/dist/missing-assets.ts';
import { type DistFolder, readDist } from '../../cdn/dist/read.ts';
import { openBody, readText } from '../../cdn/dist/variants.ts';
import type {
  Phase,
  Progress,
  PublicationPlan,
  PublicationReport,
  SiteFile,
  SiteStatus,
} from '../../cdn/model.ts';
import type { Found } from '../../cdn/plan/found.ts';
import { guardFaults } from '../../cdn/plan/guards.ts';
import { planSite, type WorkOrder } from '../../cdn/plan/plan.ts';
import { type Earlier, earlierRelease } from '../../cdn/plan/rollback-source.ts';
import { lookAtNew, lookAtSite } from '../../cdn/plan/site-state.ts';
import { publish } from '../../cdn/publish/publish.ts';
import { siteStatusOf } from '../../cdn/publish/status.ts';
import { addRequests, noRequests, subtractRequests } from '../../cdn/store.ts';
import { singleLimit } from '../../cdn/stores/multipart.ts';
import type { Target } from '../../config/model.ts';
import { UserError, UserErrors } from '../../kernel/errors.ts';
import { counted } from '../../kernel/figures.ts';
import type { Effects } from '../../kernel/run.ts';
import type { OperationContext } from '../context.ts';
import { releaseName } from '../deploy/release-name.ts';
import { type OpenSite, openSite } from './open.ts';
import { verifyRelease } from './verify.ts';

export interface SiteRequest {
  /** Needed where sluice.yml has several sites. */
  readonly target: string | undefined;
}

export interface PublishRequest extends SiteRequest {
  /** Name of the release; undefined: the tag, or the output of git describe. */
  readonly name: string | undefined;
  /** Folder in place of `cdn.dist`, absolute. */
  readonly dist: string | undefined;
  /** Remove more than `cdn.max-removed`. */
  readonly allowRemovals: boolean;
  /** Verify the site afterwards, if sluice.yml has its `url`. */
  readonly verify: boolean;
  /** List the store, and repair files that were deleted or overwritten. */
  readonly repair: boolean;
}

export interface RollbackRequest extends SiteRequest {
  /** Number or name of a kept release; undefined: the previous release. */
  readonly to: string | undefined;
  readonly verify: boolean;
}

export interface Publishing {
  readonly onProgress?: (progress: Progress) => void;
}

/** Plans to publish the folder, without writing. */
export async function planPublication(
  context: OperationContext,
  request: PublishRequest,
): Promise<PublicationPlan> {
  using site = await openSite(context, request);
  return (await planFolder(context, request, site)).plan;
}

/**
 * Publishes the folder as a release.
 *
 * @throws UserError and UserErrors `cdn.*`, whose message describes the state of the site.
 */
export async function publishSite(
  context: OperationContext,
  request: PublishRequest,
  hooks: Publishing = {},
): Promise<PublicationReport> {
  const begun = context.effects.clock.elapsed();
  using site = await openSite(context, request);
  const work = await planFolder(context, request, site);
  return await apply(context, site, work, { ...hooks, begun, verify: request.verify });
}

/** Plans a rollback to an earlier release, without writing. */
export async function planSiteRollback(
  context: OperationContext,
  request: RollbackRequest,
): Promise<PublicationPlan> {
  using site = await openSite(context, request);
  return (await planRollback(context, request, site)).plan;
}

/** Restores an earlier release from kept objects, without a build or an upload. */
export async function rollbackSite(
  context: OperationContext,
  request: RollbackRequest,
  hooks: Publishing = {},
): Promise<PublicationReport> {
  const begun = context.effects.clock.elapsed();
  using site = await openSite(context, request);
  const work = await planRollback(context, request, site);
  return await apply(context, site, work, { ...hooks, begun, verify: request.verify });
}

export async function siteStatus(
  context: OperationContext,
  request: SiteRequest & { readonly audit: boolean },
): Promise<SiteStatus> {
  using site = await openSite(context, request, 'reads');
  return await siteStatusOf(site.store, site.settings.url, request.audit);
}

async function planFolder(
  context: OperationContext,
  request: PublishRequest,
  site: OpenSite,
): Promise<WorkOrder> {
  const { effects } = context;
  const settings = request.dist === undefined ? site.settings : { ...site.settings, dist: request.dist };
  const { folder, release, found } = await gather({ ...site, settings }, request, effects);
  const work = plan(site, timeOf(found, effects), found, {
    entries: folder.files,
    author: { name: release.release, by: authorOf(effects.env), commit: release.commit },
    notes: folder.notes,
  });
  const hints = await checkSite(folder, settings, pagesToCheck(work, folder), readText, effects.signal);
  const faults = guardFaults(work.diff, found.manifest?.manifest.entries.values() ?? [], {
    maxRemoved: settings.maxRemoved,
    allowRemovals: request.allowRemovals,
  });
  if (faults.length > 0) throw new UserErrors(faults);
  return { ...work, plan: { ...work.plan, notes: [...work.plan.notes, ...hints] } };
}

/** Reads the folder, the name of the release and the store at the same time. */
async function gather({ settings, config, store }: OpenSite, request: PublishRequest, effects: Effects) {
  const { signal } = effects;
  const reading = readDist(settings, signal);
  const named = releaseName(
    request.name,
    targetOf(config, settings.target),
    config.folder,
    effects,
    '--name',
  );
  const pathsOf = async () => (await reading).files.map(({ path }) => path);
  const looking = lookAtSite(store, pathsOf, signal, request.repair);
  // A fault of the folder is reported before one of the store.
  for (const pending of [named, looking]) pending.catch(() => {});
  const folder = await reading;
  const release = await named;
  return { folder, release, found: await lookAtNew(store, await looking, folder.files, signal) };
}

/** Changed pages, and unchanged ones that may name removed files. */
function pagesToCheck({ diff }: WorkOrder, { files }: DistFolder): readonly SiteFile[] {
  const changed = diff.changes.flatMap(({ to }) => ('file' in to ? [to] : []));
  const removed = diff.removed.map(({ path }) => path);
  return [...new Set([...changed, ...pagesThatMayName(removed, files, readText)])];
}

async function planRollback(
  { effects }: OperationContext,
  request: RollbackRequest,
  site: OpenSite,
): Promise<WorkOrder> {
  const looked = await lookAtSite(site.store, async () => [], effects.signal);
  const earlier = await earlierRelease(looked.manifest?.manifest, request.to, site.store);
  const found = await lookAtNew(site.store, looked, earlier.entries, effects.signal);
  const { name, commit, number } = earlier.release;
  const work = plan(site, timeOf(found, effects), found, {
    entries: earlier.entries,
    author: { name, commit, by: authorOf(effects.env), rollbackOf: number },
    notes: [],
  });
  const [lost] = work.diff.lost;
  if (lost === undefined) return work;
  throw new UserError({
    code: 'cdn.lost',
    message: `Cannot roll back to release ${number}: the store has not kept ${lost.path}${work.diff.lost.length > 1 ? ` and ${counted(work.diff.lost.length - 1, 'more file')}` : ''}`,
    hint: 'Build that release again and publish it.',
  });
}

/** Grace periods use the store's clock: a machine with a clock a month ahead must not end them all. */
function timeOf({ manifest }: Found, { clock }: Effects): number {
  return manifest?.now || clock.now();
}

/** A target of deploys has rules for names; other sites take any name. */
function targetOf({ targets }: OpenSite['config'], name: string | undefined): Target | undefined {
  return name !== undefined && Object.hasOwn(targets, name) ? targets[name] : undefined;
}

function authorOf(env: Effects['env']): string {
  return env.GITHUB_ACTOR || env.USER || hostname();
}

function plan(
  { settings, store, invalidators }: OpenSite,
  now: number,
  found: Found,
  {
    entries,
    author,
    notes,
  }: { entries: readonly SiteFile[] | Earlier['entries'] } & Pick<
    Parameters<typeof planSite>[0],
    'author' | 'notes'
  >,
): WorkOrder {
  return planSite({
    ...{ settings, found, author, now, invalidators, notes, store: store.name },
    wanted: { entries, index: settings.index, etagOf },
    spent: store.counts().requests,
    cost: store.cost,
  });
}

/** Only of single-part objects stored as in the folder: encoding a file again costs too much. */
function etagOf({ file, encoding, size }: SiteFile): string | undefined {
  if (encoding !== undefined || size > singleLimit) return undefined;
  return `"${createHash('md5').update(readFileSync(file)).digest('hex')}"`;
}

async function apply(
  { effects }: OperationContext,
  site: OpenSite,
  work: WorkOrder,
  { begun, verify, onProgress }: Publishing & { readonly begun: number; readonly verify: boolean },
): Promise<PublicationReport> {
  const { clock, signal, log } = effects;
  const { store, config, invalidators } = site;
  const nothing = work.tailOnly && work.finishes === undefined;
  const report = (progress: Progress) => onProgress?.(progress);
  const onPhase = (phase: Phase) => report({ phase, files: 0, ofFiles: 0, bytes: 0, ofBytes: 0 });
  const done = nothing
    ? undefined
    : await publish(work, {
        ...{ store, invalidators, clock, signal, app: config.app, openBody },
        abandon: site.abandon,
        reopen: site.reopen,
        onPhase,
        onProgress: report,
        onNote: (text) => log.info(text),
      });
  const { requests, retries } = store.counts();
  if (verify && site.settings.url !== undefined && !nothing) onPhase('verify');
  return {
    plan: work.plan,
    outcome: work.tailOnly ? 'nothing' : 'published',
    finished: work.finishes,
    requests: subtractRequests(requests, addRequests(noRequests, done?.extra ?? {})),
    retries,
    invalidations: done?.invalidations ?? [],
    verify: verify ? await verifyRelease(site, work, effects) : undefined,
    ms: clock.elapsed() - begun,
    notes: done?.notes ?? [],
  };
}
