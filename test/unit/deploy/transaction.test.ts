import { describe, expect, test } from 'vitest';
import type { DeployRun, HostRun } from '../../../src/deploy/context.ts';
import type { JournalEntry, StepName } from '../../../src/deploy/lease/journal.ts';
import { createRecorder } from '../../../src/deploy/report/recorder.ts';
import { afterConfirmSteps, transactionSteps } from '../../../src/deploy/steps/index.ts';
import { runTransaction, type Step } from '../../../src/deploy/transaction.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { UserError } from '../../../src/kernel/errors.ts';
import { createLog } from '../../../src/kernel/log.ts';
import { createMask } from '../../../src/kernel/masking/mask.ts';

/** A run over hosts that have nothing but a journal, and the notes of what happened. */
function makeRun(hostNames: readonly string[] = ['one']) {
  const done: string[] = [];
  const journal: JournalEntry[] = [];
  const written: string[] = [];
  const cancel = new AbortController();
  const lease = new AbortController();
  const mask = createMask();
  const log = createLog({
    mode: 'plain',
    verbose: true,
    colour: false,
    clock: systemClock,
    mask,
    write: (text) => void written.push(text),
  });
  const recorder = createRecorder(log, systemClock);
  const hosts = hostNames.map((name) => ({
    host: { name },
    keeper: {
      lost: lease.signal,
      write: async (_deploy: string, entry: JournalEntry) =>
        void (name === hostNames[0] && journal.push(entry)),
    },
  })) as unknown as HostRun[];
  const run = {
    hosts,
    deploy: 'd1',
    effects: { log, mask, clock: systemClock, signal: cancel.signal },
    recorder,
    signal: AbortSignal.any([cancel.signal, lease.signal]),
  } as unknown as DeployRun;
  return { run, done, journal, written, cancel, lease, mask, recorder };
}

type Made = ReturnType<typeof makeRun>;

/** A step that notes what it does, once for each host when it is undone. */
function step(made: Made, name: StepName, more: Partial<Step> = {}): Step {
  return {
    name,
    apply: async () => {
      made.done.push(name);
      return undefined;
    },
    undo: async (run) => {
      for (const hostRun of run.hosts) made.done.push(`undo ${name} ${hostRun.host.name}`);
      return undefined;
    },
    ...more,
  };
}

const failing = (message = 'broken') => ({
  apply: async () => {
    throw new UserError({ code: 'health.timeout', message });
  },
});

describe('a transaction', () => {
  test('does its steps in order and tells the journal before and after each', async () => {
    const made = makeRun();
    const result = await runTransaction(
      made.run,
      [step(made, 'transfer'), step(made, 'start')],
      [step(made, 'retire')],
    );
    expect(made.done).toEqual(['transfer', 'start', 'retire']);
    expect(result).toEqual({ outcome: 'confirmed', undoErrors: [], toFinish: false });
    expect(made.journal.map((entry) => [entry.event, 'step' in entry && entry.step])).toEqual([
      ['begin', 'transfer'],
      ['done', 'transfer'],
      ['begin', 'start'],
      ['done', 'start'],
      ['begin', 'retire'],
      ['done', 'retire'],
    ]);
  });

  test('undoes what was begun, the failed step too, in reverse', async () => {
    const made = makeRun();
    const steps = [
      step(made, 'transfer'),
      step(made, 'data', { skip: () => 'not wanted' }),
      step(made, 'start'),
      step(made, 'health', failing()),
      step(made, 'switch'),
    ];
    const result = await runTransaction(made.run, steps, [step(made, 'retire')]);
    expect(made.done).toEqual([
      'transfer',
      'start',
      'undo health one',
      'undo start one',
      'undo transfer one',
    ]);
    expect(result).toMatchObject({ outcome: 'undone', failedStep: 'health', undoErrors: [] });
    expect(made.journal.find((entry) => entry.event === 'failed')).toMatchObject({
      code: 'health.timeout',
      note: 'broken',
    });
    expect(made.journal.filter((entry) => entry.event === 'undone')).toHaveLength(3);
  });

  test('after the switch it is a revert', async () => {
    const made = makeRun();
    const result = await runTransaction(
      made.run,
      [step(made, 'switch', { movesTraffic: true }), step(made, 'watch', failing())],
      [],
    );
    expect(result.outcome).toBe('reverted');
  });

  test('a bug is shown with its stack, a user’s error without', async () => {
    const made = makeRun();
    const bug = { apply: () => Promise.reject(new TypeError('x is not a function')) };
    await runTransaction(made.run, [step(made, 'start', bug)], []);
    expect(made.written.join('')).toMatch(/bug in Sluice[\s\S]*deploy\/transaction\.test\.ts/);
    const other = makeRun();
    await runTransaction(other.run, [step(other, 'start', failing())], []);
    expect(other.written.join('')).not.toContain('transaction.test.ts');
  });
});

test('the real steps say what they do', () => {
  const all = [...transactionSteps, ...afterConfirmSteps];
  const named = (flag: 'movesTraffic' | 'confirms' | 'finishes') =>
    all.filter((one) => one[flag] === true).map(({ name }) => name);
  expect(named('movesTraffic')).toEqual(['switch']);
  expect(named('confirms')).toEqual(['confirm']);
  expect(named('finishes')).toEqual(['retire']);
});

describe('an undo that fails', () => {
  test('leaves its host as it is from there on; the other hosts are undone whole', async () => {
    const made = makeRun(['one', 'two']);
    const stuck: Partial<Step> = {
      undo: async (run) => {
        const [hostRun] = run.hosts;
        if (hostRun?.host.name === 'two') throw new Error('the edge does not answer');
        made.done.push('undo switch one');
        return undefined;
      },
    };
    const steps = [
      step(made, 'transfer'),
      step(made, 'start'),
      step(made, 'switch', stuck),
      step(made, 'watch', failing()),
    ];
    const result = await runTransaction(made.run, steps, []);
    const undone = made.done.filter((candidate) => candidate.startsWith('undo'));
    expect(undone).toEqual([
      'undo watch one',
      'undo watch two',
      'undo switch one',
      'undo start one',
      'undo transfer one',
    ]);
    expect(result.undoErrors.map(String)).toEqual(['Error: the edge does not answer']);
    expect(made.journal.flatMap((entry) => (entry.event === 'undone' ? entry.step : []))).toEqual([
      'watch',
      'start',
      'transfer',
    ]);
  });

  test('without the lease nothing is undone: another run may be at work', async () => {
    const made = makeRun();
    const lost = new UserError({ code: 'lease.lost', message: 'lost' });
    const losing = {
      apply: async () => {
        made.lease.abort(lost);
        throw lost;
      },
    };
    const result = await runTransaction(made.run, [step(made, 'start'), step(made, 'health', losing)], []);
    expect(made.done).toEqual(['start']);
    expect(result).toMatchObject({ undoErrors: [lost], error: lost });
  });
});

describe('cancellation', () => {
  const reason = new UserError({ code: 'cancelled', message: 'Cancelled (SIGINT)' });

  test('in the midst of a step undoes it', async () => {
    const made = makeRun();
    const waiting = {
      apply: async (run: DeployRun) => {
        setTimeout(() => made.cancel.abort(reason), 10);
        await systemClock.sleep(60_000, run.signal);
        return undefined;
      },
    };
    const result = await runTransaction(
      made.run,
      [step(made, 'start'), step(made, 'health', waiting), step(made, 'switch')],
      [],
    );
    expect(result).toMatchObject({ outcome: 'undone', error: reason, failedStep: 'health' });
    expect(made.done).toEqual(['start', 'undo health one', 'undo start one']);
  });

  test('between two steps does not begin the second', async () => {
    const made = makeRun();
    const last = { apply: async () => void made.cancel.abort(reason) as undefined };
    await runTransaction(made.run, [step(made, 'start', last), step(made, 'switch')], []);
    expect(made.done).toEqual(['undo start one']);
  });

  test('after the confirmation undoes nothing, and the retirement is left to the next run', async () => {
    const made = makeRun();
    const last = { apply: async () => void made.cancel.abort(reason) as undefined };
    const after = [step(made, 'retire', { finishes: true }), step(made, 'prune')];
    const result = await runTransaction(made.run, [step(made, 'confirm', last)], after);
    expect(result).toEqual({ outcome: 'confirmed', undoErrors: [], toFinish: true });
    expect(made.done).toEqual([]);
    expect(made.recorder.warnings).toHaveLength(2);
  });
});

describe('after the confirmation', () => {
  test('a failure only warns, and the next step is done', async () => {
    const made = makeRun();
    const after = [step(made, 'retire'), step(made, 'prune', failing('disk')), step(made, 'record')];
    const result = await runTransaction(made.run, [step(made, 'confirm')], after);
    expect(made.done).toEqual(['confirm', 'retire', 'record']);
    expect(made.recorder.warnings).toEqual(['prune: disk']);
    expect(result).toMatchObject({ outcome: 'confirmed', toFinish: false });
  });

  test('an old release that was not retired is left to the next run', async () => {
    const made = makeRun();
    const result = await runTransaction(
      made.run,
      [],
      [step(made, 'retire', { finishes: true, ...failing() })],
    );
    expect(result).toMatchObject({ outcome: 'confirmed', toFinish: true });
  });
});
