import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../kernel/clock.ts';
import { UserError } from '../../kernel/errors.ts';
import type { RequestCounts } from '../model.ts';
import type { ObjectStore, StoredObject } from '../store.ts';
import { leasePath } from '../stores/places.ts';

/** Times of the lease, ms. */
export const leaseTimes = {
  /** A lease without a heartbeat for this long has expired. */
  ttl: 30_000,
  beat: 8_000,
  /** Without a heartbeat for this long the owner stops writing, well before others may begin. */
  limit: 20_000,
  /** Between checks of a foreign lease. */
  look: 1_000,
  /** On a store that ignores conditions: after this time all simultaneous writes have ended. */
  settle: 3_000,
} as const;

export interface Lease {
  /** Whether the store supports conditions. */
  readonly conditional: boolean;
  /** Aborts when the lease is taken by another run or could not be renewed in time. */
  readonly signal: AbortSignal;
  /** Requests for waiting and heartbeats, which no plan can count. */
  extra(): Partial<RequestCounts>;
  /** @param by a newly opened store, if the run was cancelled. */
  release(by?: ObjectStore): Promise<void>;
}

export interface LeaseOptions {
  readonly by: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** undefined: not tested yet. */
  readonly conditional: boolean | undefined;
  /** Called when a foreign lease has to expire first. */
  readonly onWait: (by: string, ms: number) => void;
}

const shape = z.object({ id: z.string(), by: z.string(), at: z.number() });
const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };

/**
 * Takes the lease on a site: only its owner publishes there. It is an object of the store, renewed while its
 * owner runs. Its age is taken from the store's clock, so that clocks of runners don't matter. @throws
 * UserError `cdn.busy` if another run is publishing.
 */
export async function takeLease(store: ObjectStore, options: LeaseOptions): Promise<Lease> {
  const { by, clock, signal } = options;
  const id = randomUUID();
  const body = () => ({ bytes: Buffer.from(JSON.stringify({ id, by, at: clock.now() })) });
  const { dead, looks } = await waitForOther(store, options);
  const condition = dead === undefined ? { ifAbsent: true } : { ifMatch: dead.etag };
  let etag = await store.put(leasePath, body(), headers, condition);
  // If the answer was lost, the retry fails because the first try succeeded.
  etag ??= await ownEtag(store, id);
  if (etag === undefined) throw busy(await holder(store), 'has just started publishing');
  let conditional = options.conditional;
  if (conditional === undefined) {
    const again = await store.put(leasePath, body(), headers, { ifAbsent: true });
    conditional = again === undefined;
    etag = again ?? etag;
  }
  if (!conditional) {
    await clock.sleep(leaseTimes.settle, signal);
    if ((await ownEtag(store, id)) === undefined)
      throw busy(await holder(store), 'has just started publishing');
  }
  return keepLease(store, { etag, body, clock, signal, conditional, id, looks });
}

/** @returns the expired lease of a dead run; undefined if there is none. */
async function waitForOther(
  store: ObjectStore,
  { clock, signal, onWait }: LeaseOptions,
): Promise<{ readonly dead: StoredObject | undefined; readonly looks: number }> {
  const found = await store.get(leasePath);
  if (found === undefined || found === 'unchanged') return { dead: undefined, looks: 0 };
  const left = found.modified + leaseTimes.ttl - found.now;
  if (left <= 0) return { dead: found, looks: 0 };
  const { by } = read(found);
  onWait(by, left);
  const until = clock.elapsed() + left;
  let looks = 0;
  while (clock.elapsed() < until) {
    await clock.sleep(leaseTimes.look, signal);
    looks += 1;
    const now = await store.get(leasePath, { unless: found.etag });
    if (now === undefined) throw busy(by, 'has just finished publishing');
    if (now !== 'unchanged') throw busy(read(now).by, 'is publishing');
  }
  return { dead: found, looks };
}

function keepLease(
  store: ObjectStore,
  given: {
    readonly etag: string;
    readonly id: string;
    readonly body: () => { bytes: Buffer };
    readonly clock: Clock;
    readonly signal: AbortSignal;
    readonly conditional: boolean;
    readonly looks: number;
  },
): Lease {
  const { clock, conditional, id, body } = given;
  const stopped = new AbortController();
  const lost = new AbortController();
  let { etag } = given;
  const extra = { get: given.looks, put: 0 };
  let renewed = clock.elapsed();
  const renew = async () => {
    const sent = clock.elapsed();
    const next =
      (await store.put(leasePath, body(), headers, conditional ? { ifMatch: etag } : undefined)) ??
      (await ownEtag(store, id));
    if (next === undefined) throw moved(await holder(store));
    [etag, renewed] = [next, sent];
    extra.put += 1;
  };
  const watch = async () => {
    while (!stopped.signal.aborted) {
      await clock.sleep(leaseTimes.beat, stopped.signal);
      if (!conditional) {
        extra.get += 1;
        if ((await ownEtag(store, id)) === undefined) throw moved(await holder(store));
      }
      await renew();
    }
  };
  // While a heartbeat hangs, another run may take the lease: writing must stop.
  const limit = async () => {
    while (!stopped.signal.aborted) {
      await clock.sleep(leaseTimes.look, stopped.signal);
      if (clock.elapsed() - renewed > leaseTimes.limit) throw moved(undefined);
    }
  };
  const watching = [watch(), limit()].map((promise) =>
    promise.catch((error: unknown) => {
      if (!stopped.signal.aborted) lost.abort(error);
    }),
  );
  return {
    conditional,
    signal: lost.signal,
    extra: () => extra,
    release: async (by = store) => {
      stopped.abort();
      await Promise.race([Promise.all(watching), clock.sleep(leaseTimes.look)]);
      if (!lost.signal.aborted) await by.remove([leasePath]);
    },
  };
}

async function ownEtag(store: ObjectStore, id: string): Promise<string | undefined> {
  const found = await store.get(leasePath);
  if (found === undefined || found === 'unchanged') return undefined;
  return read(found).id === id ? found.etag : undefined;
}

/** The holder of the lease; undefined if it is free. */
export async function leaseHolder(
  store: ObjectStore,
): Promise<{ readonly by: string; readonly since: number } | undefined> {
  const found = await store.get(leasePath);
  if (found === undefined || found === 'unchanged') return undefined;
  if (found.now - found.modified > leaseTimes.ttl) return undefined;
  const { by, at } = read(found);
  return { by, since: at };
}

async function holder(store: ObjectStore): Promise<string | undefined> {
  return (await leaseHolder(store))?.by;
}

function read({ bytes }: StoredObject): z.output<typeof shape> {
  try {
    return shape.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch {
    return { id: '', by: 'an unknown run', at: 0 };
  }
}

function busy(by: string | undefined, what: string): UserError {
  return new UserError({
    code: 'cdn.busy',
    message: `${by ?? 'Another run'} ${what} to the same place; this run changed nothing`,
    hint: 'When that run has ended, run sluice cdn status to see the live release. Run the command again if you still want this one.',
  });
}

function moved(by: string | undefined): UserError {
  return new UserError({
    code: 'cdn.moved',
    message: `The lease on the site was lost${by === undefined ? '' : ` to ${by}`}: this run stopped partway`,
    hint: 'The site may have pages of both releases, and has the files of both. Run the command again to finish it.',
  });
}
