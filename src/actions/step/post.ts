import { getState } from '@actions/core';
import { userErrorsOf } from '../../kernel/errors.ts';
import { counted } from '../../kernel/figures.ts';
import type { Deployed } from '../../operations/deploy/deploy.ts';
import type { Settled } from '../../operations/deploy/settle.ts';
import { prose } from '../../report/markdown/escape.ts';
import { oneLine } from '../../report/text.ts';
import { serverContextOf, type serverLogin } from './credentials.ts';
import { type deploymentInputs, endRecord } from './deployment.ts';
import type { Values } from './inputs.ts';
import type { Job } from './job.ts';

type Given = Values<typeof serverLogin & typeof deploymentInputs> & {
  readonly target: string | undefined;
  readonly config: string | undefined;
};

/** Where a main step is; what its post step has to do follows from it. No secret is in it: the post step has the inputs. */
const states = { begun: 'begun', ended: 'ended', deployment: 'deployment' } as const;

/** Runs what changes hosts so that the post step finishes it if this process does not. */
export async function undoable(job: Job, given: Given, body: () => Promise<Deployed>): Promise<Deployed> {
  // Before anything is touched: a process that is killed writes nothing any more.
  job.remember(states.begun, JSON.stringify({ target: given.target ?? '' }));
  try {
    const done = await body();
    if (done.report.outcome !== 'interrupted') job.remember(states.ended, 'true');
    return done;
  } catch (error) {
    // What stopped before its plan has touched nothing, and says so. A bug or a cancel is looked after.
    const known = userErrorsOf(error);
    if (known.length > 0 && !job.effects.signal.aborted) job.remember(states.ended, 'true');
    throw error;
  }
}

const isUnfinished = () => getState(states.begun) !== '' && getState(states.ended) === '';
const openRecord = () => Number(getState(states.deployment));

/** The post step of whatever changes hosts. */
export const undoRest = {
  isNeeded: () => isUnfinished() || openRecord() > 0,
  run: async (given: Given, job: Job): Promise<boolean> => {
    try {
      if (!isUnfinished()) return true;
      job.effects.log.info('The main step did not come to its end: looking after what it left');
      const { settleTarget } = await import('../../operations/deploy/settle.ts');
      await tell(await settleTarget(serverContextOf(given, job.effects), given.target), job);
      return true;
    } finally {
      const id = openRecord();
      if (id > 0) await endRecord(given, job, id, 'The run was ended before it was through');
    }
  },
};

async function tell(settled: Settled, job: Job): Promise<void> {
  const message = settledText(settled);
  job.effects.print(message);
  if (settled.busy !== undefined) job.effects.log.warn(settled.busy.message);
  job.annotate({ level: 'notice', title: 'sluice: after the run', message });
  await job.summarise((room) => `## 🟡 ${prose(message, 600)}`.slice(0, room));
}

/** What serves now, then what was done. */
export function settledText({ app, target, serving, done, busy }: Settled): string {
  if (busy !== undefined)
    return `Another run has ${target} by now, and has dealt with what this one left; its own report says what serves`;
  const releases = [...new Set(serving.map(({ release }) => release))];
  const hosts = new Set(serving.map(({ host }) => host)).size;
  const serves =
    releases.length === 0
      ? `${target} serves nothing of ${app}`
      : `${target} serves ${app} ${releases.join(' and ')} on ${counted(hosts, 'host')}`;
  return oneLine(`${serves}; ${done ?? 'the run that was ended had left nothing to undo'}`, 600);
}
