import { isCancellation } from '../../kernel/cancel.ts';
import type { ErrorCode } from '../../kernel/catalogue.ts';
import type { Clock } from '../../kernel/clock.ts';
import { UserError, userErrorsOf } from '../../kernel/errors.ts';
import { counted, formatBytes, formatCount } from '../../kernel/figures.ts';
import type { Log, StepLog } from '../../kernel/log.ts';
import type { Phase, Progress } from '../model.ts';

/** Names of the phases of a publication in progress lines. */
const phaseNames: Readonly<Record<Phase, string>> = {
  lease: 'lock',
  keep: 'back up',
  assets: 'assets',
  files: 'other files',
  pages: 'pages',
  commit: 'manifest',
  invalidate: 'invalidate',
  prune: 'clean up',
  verify: 'verify',
};

/** How often a long phase reports its progress where no line is live. */
const everyMs = 20_000;

/** Shows the progress of a publication, phase by phase. */
export interface Follower {
  readonly onProgress: (progress: Progress) => void;
  /** The last phase finished. */
  done(): void;
  /** @returns the error, with the state of the site in its hint. */
  failed(error: unknown): unknown;
}

/** A phase in progress. Some have several parts, each counted from 1, which tells them apart. */
interface Running {
  readonly phase: Phase;
  readonly step: StepLog;
  readonly begun: number;
  said: number;
  /** Finished parts. */
  readonly done: { files: number; bytes: number };
  part: Progress;
}

export function followPublication({ log, clock, signal }: Effects): Follower {
  let running: Running | undefined;
  // Before the first phase: reading the folder and the store, planning.
  let looking: StepLog | undefined = log.step('inspect');
  const end = () => {
    looking?.done();
    if (running !== undefined) running.step.done(amountOf(sumOf(running)));
    [looking, running] = [undefined, undefined];
  };
  return {
    onProgress: (part) => {
      if (running?.phase !== part.phase) {
        end();
        const now = clock.elapsed();
        const step = log.step(phaseNames[part.phase]);
        running = { phase: part.phase, step, begun: now, said: now, done: { files: 0, bytes: 0 }, part };
      } else if (part.files > 0 && part.files <= running.part.files) {
        running.done.files += running.part.ofFiles;
        running.done.bytes += running.part.ofBytes;
      }
      running.part = part;
      const text = progressText(sumOf(running), clock.elapsed() - running.begun);
      running.step.note(text);
      if (log.mode !== 'terminal' && clock.elapsed() - running.said >= everyMs) {
        running.said = clock.elapsed();
        log.info(`${phaseNames[part.phase]}: ${text}`);
      }
    },
    done: end,
    failed: (error) => {
      const phase = running?.phase;
      const step = running?.step ?? looking;
      step?.failed(isCancellation(error, signal) ? 'cancelled' : 'failed');
      [looking, running] = [undefined, undefined];
      return withState(error, phase);
    },
  };
}

type Amount = Omit<Progress, 'phase'>;

function sumOf({ done, part }: Running): Amount {
  return {
    ...{ files: done.files + part.files, ofFiles: done.files + part.ofFiles },
    ...{ bytes: done.bytes + part.bytes, ofBytes: done.bytes + part.ofBytes },
  };
}

interface Effects {
  readonly log: Pick<Log, 'mode' | 'step' | 'info'>;
  readonly clock: Pick<Clock, 'elapsed'>;
  readonly signal: AbortSignal;
}

/**
 * Shows the progress of a publication until it ends. @throws the error of `body`, with the state of the site in
 * its hint.
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

/** `4,512 of 10,000 files, 38.1 MiB of 92.0 MiB, 12.3 MiB/s`: zeros are left out. */
export function progressText({ files, ofFiles, bytes, ofBytes }: Amount, ms: number): string {
  const parts = [
    ofFiles === 0 ? '' : `${formatCount(files)} of ${counted(ofFiles, 'file')}`,
    ofBytes === 0 ? '' : `${formatBytes(bytes)} of ${formatBytes(ofBytes)}`,
    // The first rate means nothing.
    ofBytes === 0 || ms < 500 ? '' : `${formatBytes((bytes * 1000) / ms)}/s`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function amountOf({ ofFiles, ofBytes }: Amount): string {
  const bytes = ofBytes === 0 ? '' : `, ${formatBytes(ofBytes)}`;
  return ofFiles === 0 ? '' : `${counted(ofFiles, 'file')}${bytes}`;
}

/** The state of the site when a publication ends within a phase. It follows from the order of the phases. */
export function stateAfter(phase: Phase | undefined): string {
  switch (phase) {
    case undefined:
    case 'lease':
      return 'The site is unchanged.';
    case 'keep':
    case 'assets':
      return 'The site is unchanged. Some new files are uploaded, but no page uses them yet. Run the command again: uploaded files are not sent twice.';
    case 'files':
      return 'All pages are unchanged, but other files may already be those of the new release. Run the command again: uploaded files are not sent twice.';
    case 'pages':
      return 'Some pages are new and others are old. The files of both are available. Run the command again to finish the release.';
    case 'commit':
      return 'All files are those of the new release, but its manifest may be missing. Run the command again to finish the release.';
    case 'invalidate':
      return 'The new release is published, but a CDN may still serve old pages until they expire. Run the command again to repeat the invalidation.';
    case 'prune':
      return 'The new release is published. Expired files may remain in the store. The next publication deletes them.';
    case 'verify':
      return 'The new release is published, but not verified. Run sluice cdn verify to check it.';
  }
}

/** Their messages describe the state already. */
const saidAlready: ReadonlySet<ErrorCode> = new Set(['cdn.busy', 'cdn.moved', 'cdn.lost']);

function withState(error: unknown, phase: Phase | undefined): unknown {
  const [known, ...others] = userErrorsOf(error);
  if (known === undefined || others.length > 0 || saidAlready.has(known.code)) return error;
  const { code, message, hint, at, output } = known;
  const state = stateAfter(phase);
  return new UserError({
    ...{ code, message, cause: error },
    hint: hint === undefined ? state : `${hint}\n${state}`,
    ...(at === undefined ? {} : { at }),
    ...(output === undefined ? {} : { output }),
  });
}
