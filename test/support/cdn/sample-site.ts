import { createHash } from 'node:crypto';
import type { ChangedSite, Invalidator } from '../../../src/cdn/invalidator.ts';
import type { Entry, SiteFile } from '../../../src/cdn/model.ts';
import { type Author, planSite, type WorkOrder } from '../../../src/cdn/plan/plan.ts';
import { earlierRelease } from '../../../src/cdn/plan/rollback-source.ts';
import { lookAtNew, lookAtSite } from '../../../src/cdn/plan/site-state.ts';
import type { PublishEffects } from '../../../src/cdn/publish/effects.ts';
import { type Published, publish } from '../../../src/cdn/publish/publish.ts';
import type { ObjectStore } from '../../../src/cdn/store.ts';
import type { SiteSettings } from '../../../src/config/site.ts';
import type { Clock } from '../../../src/kernel/clock.ts';
import { defaultSite } from './sample-settings.ts';
import type { MemoryBucket } from './stores/memory-store.ts';

/** Content by path. A page names its assets as `[path]`. */
export type Site = Readonly<Record<string, string>>;

const immutable = 'public, max-age=31536000, immutable';

/** As reading a folder would give it; the class follows from the name. */
export function filesOf(site: Site, headers: Readonly<Record<string, string>> = {}): SiteFile[] {
  return Object.entries(site)
    .map(([path, text]): SiteFile => {
      const kind: Entry['class'] = path.endsWith('.html')
        ? 'page'
        : path.startsWith('assets/')
          ? 'asset'
          : 'file';
      return {
        path,
        class: kind,
        size: Buffer.byteLength(text),
        sha256: createHash('sha256').update(text).digest('base64url'),
        headers: { 'cache-control': headers[path] ?? (kind === 'asset' ? immutable : 'no-cache') },
        file: text,
      };
    })
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Time that passes only when somebody sleeps; the store's clock goes with it. */
function bucketClock(bucket: MemoryBucket): Clock {
  return {
    now: () => bucket.now,
    elapsed: () => bucket.now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const end = () => (signal?.aborted ? reject(signal.reason) : resolve());
        if (signal?.aborted) return end();
        // Heartbeats are never due: a run in memory takes no time.
        if (ms > 5_000) return void signal?.addEventListener('abort', end, { once: true });
        setImmediate(() => {
          bucket.now += ms;
          end();
        });
      }),
  };
}

export interface Run {
  readonly settings?: Partial<SiteSettings>;
  readonly author?: Partial<Author>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Told of what a CDN is told. */
  readonly onInvalidate?: (paths: readonly string[]) => void;
  readonly invalidationFails?: boolean;
}

export interface RunResult {
  readonly work: WorkOrder;
  /** undefined: there was nothing to do. */
  readonly done: Published | undefined;
}

/** Publishes as src/operations does, from content in memory. */
export async function publishSample(
  store: ObjectStore,
  bucket: MemoryBucket,
  site: Site,
  run: Run = {},
): Promise<RunResult> {
  const files = filesOf(site, run.headers);
  return await apply(store, bucket, files, run);
}

export async function rollbackSample(
  store: ObjectStore,
  bucket: MemoryBucket,
  to?: string,
  run: Run = {},
): Promise<RunResult> {
  const signal = new AbortController().signal;
  const found = await lookAtSite(store, async () => [], signal);
  const earlier = await earlierRelease(found.manifest?.manifest, to, store);
  const author = { ...run.author, name: earlier.release.name, rollbackOf: earlier.release.number };
  return await apply(store, bucket, earlier.entries, { ...run, author });
}

async function apply(
  store: ObjectStore,
  bucket: MemoryBucket,
  entries: Parameters<typeof planSite>[0]['wanted']['entries'],
  run: Run,
): Promise<RunResult> {
  const signal = run.signal ?? new AbortController().signal;
  const invalidators = run.onInvalidate === undefined ? [] : [tellingInvalidator(run)];
  const looked = await lookAtSite(store, async () => entries.map(({ path }) => path), signal);
  const found = await lookAtNew(store, looked, entries, signal);
  const work = planSite({
    settings: { ...defaultSite, ...run.settings },
    store: store.name,
    wanted: {
      entries,
      index: 'index.html',
      etagOf: ({ file }) => `"${createHash('md5').update(file).digest('hex')}"`,
    },
    found,
    author: { name: 'v1', by: 'ann', commit: undefined, ...run.author },
    now: bucket.now,
    invalidators,
    spent: store.counts().requests,
    cost: store.cost,
    notes: [],
  });
  if (work.tailOnly && found.draft === undefined) return { work, done: undefined };
  const effects: PublishEffects = {
    reopen: async () => store,
    abandon: () => {},
    ...{ store, invalidators, clock: bucketClock(bucket), signal, app: 'shop' },
    openBody: ({ file }) => ({ bytes: Buffer.from(file) }),
    ...{ onPhase: () => {}, onProgress: () => {}, onNote: () => {} },
  };
  return { work, done: await publish(work, effects) };
}

function tellingInvalidator({ onInvalidate, invalidationFails }: Run): Invalidator {
  const cdn = 'CDN';
  return {
    cdn,
    plan: ({ paths }: ChangedSite) => ({ cdn, paths, requests: 1, cost: '' }),
    apply: async ({ paths }) => {
      if (invalidationFails === true)
        return { cdn, paths, requests: 1, ms: 0, outcome: 'failed', why: 'It is down.' };
      onInvalidate?.(paths);
      return { cdn, paths, requests: 1, ms: 0, outcome: 'accepted' };
    },
  };
}
