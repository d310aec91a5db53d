import type { Clock } from '../../kernel/clock.ts';
import type { Invalidator } from '../invalidator.ts';
import type { Phase, Progress, SiteFile } from '../model.ts';
import type { Body, ObjectStore } from '../store.ts';

/** Everything that publishing touches, and whom it tells. */
export interface PublishEffects {
  readonly store: ObjectStore;
  readonly invalidators: readonly Invalidator[];
  /** Ends every request to the store that is under way, for the lease is lost: others may write now. */
  readonly abandon: (reason: unknown) => void;
  /** Opens the store once more, for the few seconds that a cancelled run has left. */
  readonly reopen: () => Promise<ObjectStore>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Names the app in what CDNs are told. */
  readonly app: string;
  readonly openBody: (file: SiteFile) => Body | Promise<Body>;
  readonly onPhase: (phase: Phase) => void;
  readonly onProgress: (progress: Progress) => void;
  /** Something that a person who watches should know now. */
  readonly onNote: (text: string) => void;
}

/** How much is begun at once; the store lets fewer through. */
export const lanes = 256;
