import type { ObjectStore } from '../../../src/cdn/store.ts';
import { openStore } from '../../../src/cdn/stores/open.ts';
import type { StoreSettings } from '../../../src/config/site.ts';
import { type Clock, systemClock } from '../../../src/kernel/clock.ts';
import { createLog, type Log } from '../../../src/kernel/log.ts';
import { createMask } from '../../../src/kernel/masking/mask.ts';
import { environmentOf, type S3Address } from './stores/server.ts';

export interface OpenOptions {
  readonly bucket?: string;
  readonly prefix?: string;
  readonly settings?: Partial<StoreSettings>;
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

/** The store under test, at a real server; in the bucket `site` if no other is named. */
export function openAt(server: S3Address, options: OpenOptions = {}): Promise<ObjectStore> {
  const { bucket = 'site', prefix = '', clock = systemClock } = options;
  const { endpoint, region } = server;
  return openStore(
    { bucket, prefix, endpoint, region, style: 'path', role: undefined, ...options.settings },
    {
      env: options.env ?? environmentOf(server),
      mask: createMask(),
      clock,
      signal: options.signal ?? new AbortController().signal,
      log: silentLog(),
    },
  );
}

export function silentLog(): Log {
  return createLog({
    mode: 'plain',
    verbose: false,
    colour: false,
    clock: systemClock,
    mask: createMask(),
    write: () => {},
  });
}

/** Waits that take no time, for the tests of what is done after them; `waited` has them, in ms. */
export function hurriedClock(waited: number[] = []): Clock {
  return {
    ...systemClock,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      waited.push(ms);
      await systemClock.sleep(Math.min(ms, 5), signal);
    },
  };
}
