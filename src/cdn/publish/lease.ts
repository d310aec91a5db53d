import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../kernel/clock.ts';
import { UserError } from '../../kernel/errors.ts';
import type { RequestCounts } from '../model.ts';
import type { ObjectStore, StoredObject } from '../store.ts';
import { leasePath } from '../stores/places.ts';

/** Times of the lease, ms. */
export const leaseTimes = {
  /** A lease without a heartbeat for so long is nobody's any more. */
  ttl: 30_000,
  beat: 8_000,
  /** Without a heartbeat for so long its owner stops writing, well before others may begin. */
  limit: 20_000,
  /** Between looks at somebody else's lease. */
  look: 1_000,
  /** Where the store ignores conditions: after so long all who wrote at the same moment have written. */
  settle: 3_000,
} as const;

export interface Lease {
  /** Whether the store obeys conditions. */
  readonly conditional: boolean;
  /** Aborts when somebody else has taken the lease, or it could not be renewed in time. */
  readonly signal: AbortSignal;
  /** Waiting and heartbeats: requests that no plan can count. */
  extra(): Partial<RequestCounts>;
  /** @param by a store that still answers, if the run was cancelled. */
  release(by?: ObjectStore): Promise<void>;
}

export interface LeaseOptions {
  readonly by: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** undefined: to be found out. */
  readonly conditional: boolean | undefined;
  /** Told when somebody's lease has to run out first. */
  readonly onWait: (by: string, ms: number) => void;
}

const shape = z.object({ id: z.string(), by: z.string(), at: z.number() });
const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };

/**
 * Takes the lease on a site: whoever has it is the only one that publishes there. It is an object of the store, renewed
 * while its owner lives; how old it is, is the store's clock's word, so that clocks of runners don't matter.
 *
 * @throws UserError `cdn.busy` if somebody else publishes.
 */
export async function takeLease(store: ObjectStore, options: LeaseOptions): Promise<Lease> {
  const { by, clock, signal } = options;
  const id = randomUUID();
  const body = () => ({ bytes: Buffer.from(JSON.stringify({ id, by, at: clock.now() })) });
  const { dead, looks } = await waitForOther(store, options);
  const condition = dead === undefined ? { ifAbsent: true } : { ifMatch: dead.etag };
  let etag = await store.put(leasePath, body(), headers, condition);
  // An answer that was lost makes a repeated request fail by its own first try.
  etag ??= await ownEtag(store, id);
  if (etag === undefined) throw busy(await holder(store), 'has just begun to publish');
  let conditional = options.conditional;
  if (conditional === undefined) {
    const again = await store.put(leasePath, body(), headers, { ifAbsent: true });
    conditional = again === undefined;
    etag = again ?? etag;
  }
  if (!conditional) {
    await clock.sleep(leaseTimes.settle, signal);
    if ((await ownEtag(store, id)) === undefined)
      throw busy(await holder(store), 'has just begun to publish');
  }
  return keepLease(store, { etag, body, clock, signal, conditional, id, looks });
}

/** @returns the lease of somebody who doesn't live any more; undefined if there is none. */
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
    if (now === undefined) throw busy(by, 'was publishing until a moment ago');
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
  // A heartbeat that hangs must not let us write on when others may have taken over.
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

/** Who holds the lease, and since when; undefined if nobody does. */
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
    return { id: '', by: 'somebody', at: 0 };
  }
}

function busy(by: string | undefined, what: string): UserError {
  return new UserError({
    code: 'cdn.busy',
    message: `${by ?? 'Somebody else'} ${what} to the same place; nothing was changed by this run`,
    hint: 'When that run is done, look at what is live (sluice cdn status), and run again if this release is still wanted.',
  });
}

function moved(by: string | undefined): UserError {
  return new UserError({
    code: 'cdn.moved',
    message: `The lease on the site was lost${by === undefined ? '' : ` to ${by}`}: this run stopped in its midst`,
    hint: 'The site has pages of the old release or of the new one, and the files of both. Run again: that finishes it.',
  });
}
