import { isCancellation } from '../../kernel/cancel.ts';
import type { Clock } from '../../kernel/clock.ts';
import { UserError, userErrorsOf } from '../../kernel/errors.ts';
import type { Log, StepLog } from '../../kernel/log.ts';
import { counted, formatBytes, formatCount } from '../../report/figures.ts';
import type { Phase, Progress } from '../model.ts';

/** What a person calls the parts of a publication. */
const phaseNames: Readonly<Record<Phase, string>> = {
  lease: 'lock',
  keep: 'keep the old',
  assets: 'assets',
  files: 'other files',
  pages: 'pages',
  commit: 'manifest',
  invalidate: 'tell the CDN',
  prune: 'clean up',
};

/** Where no line is live, a phase that lasts says where it is this often. */
const everyMs = 20_000;

/** Shows where a publication is, phase by phase. */
export interface Follower {
  readonly onProgress: (progress: Progress) => void;
  /** The last phase came to its end. */
  done(): void;
  /** @returns the error, with what visitors get now in its hint. */
  failed(error: unknown): unknown;
}

interface Running {
  readonly step: StepLog;
  readonly begun: number;
  readonly from: number;
  said: number;
  last: Progress;
}

export function followPublication({ log, clock, signal }: Effects): Follower {
  let running: Running | undefined;
  return {
    onProgress: (progress) => {
      if (running?.last.phase !== progress.phase) {
        running?.step.done(phaseSummary(running.last));
        const now = clock.elapsed();
        const step = log.step(phaseNames[progress.phase]);
        running = { step, begun: now, from: progress.bytes, said: now, last: progress };
      }
      running.last = progress;
      const text = progressText(progress, progress.bytes - running.from, clock.elapsed() - running.begun);
      running.step.note(text);
      if (log.mode !== 'terminal' && clock.elapsed() - running.said >= everyMs) {
        running.said = clock.elapsed();
        log.info(`${phaseNames[progress.phase]}: ${text}`);
      }
    },
    done: () => {
      running?.step.done(phaseSummary(running.last));
      running = undefined;
    },
    failed: (error) => {
      const phase = running?.last.phase;
      running?.step.failed(isCancellation(error, signal) ? 'cancelled' : 'did not end');
      running = undefined;
      return withState(error, phase);
    },
  };
}

interface Effects {
  readonly log: Pick<Log, 'mode' | 'step' | 'info'>;
  readonly clock: Pick<Clock, 'elapsed'>;
  readonly signal: AbortSignal;
}

/**
 * Follows a publication from its begin to its end, whatever that is.
 *
 * @throws what `body` throws, with what visitors get now in its hint.
 */
export async function followed<T>(
  effects: Effects,
  body: (hooks: Pick<Follower, 'onProgress'>) => Promise<T>,
): Promise<T> {
  const follower = followPublication(effects);
  try {
    const done = await body(follower);
    follower.done();
    return done;
  } catch (error) {
    throw follower.failed(error);
  }
}

/** `4,512 of 10,000 files, 38.1 MiB of 92.0 MiB, 12.3 MiB/s`: what there is none of is left out. */
export function progressText(
  { files, ofFiles, bytes, ofBytes }: Omit<Progress, 'phase'>,
  sent: number,
  ms: number,
): string {
  const parts = [
    ofFiles === 0 ? '' : `${formatCount(files)} of ${counted(ofFiles, 'file')}`,
    ofBytes === 0 ? '' : `${formatBytes(bytes)} of ${formatBytes(ofBytes)}`,
    // The rate of the first moments says nothing.
    ofBytes === 0 || ms < 500 ? '' : `${formatBytes((sent * 1000) / ms)}/s`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function phaseSummary({ ofFiles, ofBytes }: Progress): string {
  const bytes = ofBytes === 0 ? '' : `, ${formatBytes(ofBytes)}`;
  return ofFiles === 0 ? '' : `${counted(ofFiles, 'file')}${bytes}`;
}

/** What visitors get when a publication ends within a phase. Each sentence follows from the order of the phases. */
export function stateAfter(phase: Phase | undefined): string {
  switch (phase) {
    case undefined:
    case 'lease':
      return 'Nothing was changed: the site is as it was.';
    case 'keep':
    case 'assets':
      return 'The site is as it was; what is new of the release lies beside it, and no page names it yet. Run it again: what is there is not sent twice.';
    case 'files':
      return 'Every page is as it was; files that are no pages may be those of the new release already. Run it again: what is there is not sent twice.';
    case 'pages':
      return 'Some pages are those of the new release and others are not; the files that either of them name are there. Run it again, and it ends where this one would have.';
    case 'commit':
      return 'Every file is that of the new release, and whether it counts as published is not certain. Run it again: it finds out.';
    case 'invalidate':
      return 'The new release is published; not every CDN was told, so visitors may get old pages until those expire. Run it again: they are told then.';
    case 'prune':
      return 'The new release is published; what has expired may lie there still. The next publication deletes it.';
  }
}

function withState(error: unknown, phase: Phase | undefined): unknown {
  const [known, ...others] = userErrorsOf(error);
  if (known === undefined || others.length > 0) return error;
  const { code, message, hint, at, output } = known;
  const state = stateAfter(phase);
  return new UserError({
    ...{ code, message, cause: error },
    hint: hint === undefined ? state : `${hint}\n${state}`,
    ...(at === undefined ? {} : { at }),
    ...(output === undefined ? {} : { output }),
  });
}
