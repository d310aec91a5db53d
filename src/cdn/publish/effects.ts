import type { Clock } from '../../kernel/clock.ts';
import type { Invalidator } from '../invalidator.ts';
import type { Phase, Progress, SiteFile } from '../model.ts';
import type { Body, ObjectStore } from '../store.ts';

/** Everything that publishing uses, and its listeners. */
export interface PublishEffects {
  readonly store: ObjectStore;
  readonly invalidators: readonly Invalidator[];
  /** Aborts every request to the store once the lease is lost: others may write. */
  readonly abandon: (reason: unknown) => void;
  /** Opens the store again, for the last seconds of a cancelled run. */
  readonly reopen: () => Promise<ObjectStore>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Names the app in the reference of invalidations. */
  readonly app: string;
  readonly openBody: (file: SiteFile) => Body | Promise<Body>;
  readonly onPhase: (phase: Phase) => void;
  readonly onProgress: (progress: Progress) => void;
  /** Called with a note to show immediately. */
  readonly onNote: (text: string) => void;
}

/** Calls started at once; the store limits the requests in flight. */
export const lanes = 256;
