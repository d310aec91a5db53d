import { messageOf, userErrorsOf } from '../kernel/errors.ts';
import { showError } from '../kernel/run.ts';
import { type DeployRun, type HostRun, journal, settleAll } from './context.ts';
import type { JournalEntry, Outcome, StepName } from './lease/journal.ts';

/**
 * One named, idempotent piece of a deploy. Up to and including `confirm` a failure undoes everything in reverse;
 * the steps after it only warn, because the new release is the persistent one by then.
 */
export interface Step {
  readonly name: StepName;
  /** Moves traffic to the new release: undoing it is a revert, and its containers may hold requests. */
  readonly movesTraffic?: true;
  /** Makes the new release persistent, host by host: if it fails, a host may have confirmed. */
  readonly confirms?: true;
  /** After the confirmation: if it does not run, the journal stays open and the next run finishes the deploy. */
  readonly finishes?: true;
  /** Why the step has nothing to do in this run; undefined: it runs. */
  readonly skip?: (run: DeployRun) => string | undefined;
  /** @returns what was done, in a few words. */
  readonly apply: (run: DeployRun, note: (text: string) => void) => Promise<string | undefined>;
  /** After the confirmation: whether an error fails the run, although the new release stays. */
  readonly isFailure?: (error: unknown) => boolean;
  /** Reverts the step, even if it was only begun; must work if it has changed nothing. */
  readonly undo?: (run: DeployRun, begun: Begun) => Promise<string | undefined>;
}

/** How far a transaction had come when it failed. */
export interface Begun {
  /** New containers may hold requests, and old edges may have to switch back. */
  readonly movedTraffic: boolean;
}

export interface TransactionResult {
  readonly outcome: Outcome;
  /** The failure of the transaction, or of a step after the confirmation that counts as one. */
  readonly error?: unknown;
  readonly failedStep?: StepName;
  /** It failed in the confirmation: a host may have confirmed. */
  readonly mayBeConfirmed?: boolean;
  /** Failures of the undo; empty if the old release is fully serving. */
  readonly undoErrors: readonly unknown[];
  /** Confirmed, but the old release was not retired: the journal stays open and the next run retires it. */
  readonly toFinish?: boolean;
}

/** Runs the steps. At the end either the new release is confirmed, or every step that began is undone. */
export async function runTransaction(
  run: DeployRun,
  steps: readonly Step[],
  afterConfirm: readonly Step[],
): Promise<TransactionResult> {
  const begun: Step[] = [];
  for (const step of steps) {
    if (step.skip?.(run) !== undefined) continue;
    try {
      run.signal.throwIfAborted();
      begun.push(step);
      await applyStep(run, step);
    } catch (error) {
      return await undo(run, begun, step, error);
    }
  }
  let toFinish = false;
  let failure: Pick<TransactionResult, 'error' | 'failedStep'> = {};
  for (const step of afterConfirm) {
    if (step.skip?.(run) !== undefined) continue;
    // A cancelled job has seconds left. The release is confirmed; the next deploy cleans up.
    if (run.effects.signal.aborted) {
      toFinish ||= step.finishes === true;
      run.recorder.warn(`${step.name} was skipped because the run was cancelled. The next deploy runs it.`);
      continue;
    }
    await applyStep(run, step).catch((error: unknown) => {
      if (step.isFailure?.(error) === true) {
        failure = { error, failedStep: step.name };
        for (const known of userErrorsOf(error)) showError(known, run.effects.log);
        return;
      }
      toFinish ||= step.finishes === true;
      run.recorder.warn(`${step.name}: ${messageOf(error)}`);
    });
  }
  return { outcome: 'confirmed', ...failure, undoErrors: [], toFinish };
}

async function applyStep(run: DeployRun, step: Step): Promise<void> {
  await run.recorder.step(step.name, async (line) => {
    record(run, { event: 'begin', at: now(run), step: step.name });
    const halted = new AbortController();
    const signal = AbortSignal.any([run.signal, halted.signal]);
    const summary = await step.apply({ ...run, signal, halt: (reason) => halted.abort(reason) }, line.note);
    record(run, {
      event: 'done',
      at: now(run),
      step: step.name,
      ...(summary === undefined ? {} : { note: summary }),
    });
    return summary;
  });
}

async function undo(
  run: DeployRun,
  begun: readonly Step[],
  failed: Step,
  error: unknown,
): Promise<TransactionResult> {
  const [known] = userErrorsOf(error);
  record(run, {
    event: 'failed',
    at: now(run),
    step: failed.name,
    code: known?.code ?? 'bug',
    note: run.effects.mask.scrub(messageOf(error)),
  });
  const { log } = run.effects;
  if (known === undefined) log.error(`This is a bug in Sluice, please report it: ${stackOf(error)}`);
  else showError(known, log);
  const movedTraffic = begun.some((step) => step.movesTraffic === true);
  const result = {
    outcome: movedTraffic ? 'reverted' : 'undone',
    error,
    failedStep: failed.name,
    mayBeConfirmed: failed.confirms === true,
  } as const;
  // Without the lease another run may be working there: nothing is changed until the lease is taken again.
  const cutOff = run.hosts.find((host) => host.keeper.lost.aborted);
  if (cutOff !== undefined) {
    return { ...result, undoErrors: [cutOff.keeper.lost.reason] };
  }
  log.info('Undoing the steps of this deploy:');
  const undoErrors: unknown[] = [];
  // A host where an undo failed is left to the next deploy: removing the new containers of a host whose traffic could
  // not be moved back would cause an outage.
  let hosts = run.hosts;
  for (const step of begun.toReversed()) {
    if (step.undo === undefined || hosts.length === 0) continue;
    const undoStep = step.undo;
    const stuck = new Set<HostRun>();
    const undoOn = async (hostRun: HostRun) => {
      stuck.add(hostRun);
      const note = await undoStep({ ...run, hosts: [hostRun] }, { movedTraffic });
      stuck.delete(hostRun);
      return note;
    };
    try {
      await run.recorder.step(`undo ${step.name}`, async () => {
        const notes = await settleAll(hosts.map(undoOn));
        return notes.find((note) => note !== undefined);
      });
      run.recorder.undone(step.name);
      record(run, { event: 'undone', at: now(run), step: step.name });
    } catch (undoError) {
      log.error(`undo ${step.name}: ${messageOf(undoError)}`);
      undoErrors.push(undoError);
    }
    hosts = hosts.filter((host) => !stuck.has(host));
  }
  return { ...result, undoErrors };
}

/**
 * Does not wait for the entry: undoing a dead run needs only the header, which is written durably. The keeper keeps
 * their order, and a host that can no longer write loses the lease, which aborts the run.
 */
function record(run: DeployRun, entry: JournalEntry): void {
  journal(run, entry).catch((error: unknown) => run.effects.log.detail(`journal: ${messageOf(error)}`));
}

function now(run: DeployRun): string {
  return new Date(run.effects.clock.now()).toISOString();
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
