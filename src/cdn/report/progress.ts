import { isCancellation } from '../../kernel/cancel.ts';
import type { ErrorCode } from '../../kernel/catalogue.ts';
import type { Clock } from '../../kernel/clock.ts';
import { UserError, userErrorsOf } from '../../kernel/errors.ts';
import { counted, formatBytes, formatCount } from '../../kernel/figures.ts';
import type { Log, StepLog } from '../../kernel/log.ts';
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
  verify: 'look at the site',
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

/** A phase that is under way. Some come in several parts, each counted from 1 file on, which tells them apart. */
interface Running {
  readonly phase: Phase;
  readonly step: StepLog;
  readonly begun: number;
  said: number;
  /** Parts that are through. */
  readonly done: { files: number; bytes: number };
  part: Progress;
}

export function followPublication({ log, clock, signal }: Effects): Follower {
  let running: Running | undefined;
  // Before the first phase: the folder is read, the store is asked, the plan is made.
  let looking: StepLog | undefined = log.step('look');
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
      step?.failed(isCancellation(error, signal) ? 'cancelled' : 'did not end');
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
export function progressText({ files, ofFiles, bytes, ofBytes }: Amount, ms: number): string {
  const parts = [
    ofFiles === 0 ? '' : `${formatCount(files)} of ${counted(ofFiles, 'file')}`,
    ofBytes === 0 ? '' : `${formatBytes(bytes)} of ${formatBytes(ofBytes)}`,
    // The rate of the first moments says nothing.
    ofBytes === 0 || ms < 500 ? '' : `${formatBytes((bytes * 1000) / ms)}/s`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function amountOf({ ofFiles, ofBytes }: Amount): string {
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
    case 'verify':
      return 'The new release is published; whether visitors get it nobody knows yet: `sluice cdn verify` looks.';
  }
}

/** Their messages say it themselves. */
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
