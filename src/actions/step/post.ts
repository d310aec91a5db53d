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

/** Progress of the main step, for its post step. It holds no secret: the post step has the inputs. */
const states = { begun: 'begun', ended: 'ended', deployment: 'deployment' } as const;

/** Runs a change of hosts so that the post step finishes it if this process cannot. */
export async function undoable(job: Job, given: Given, body: () => Promise<Deployed>): Promise<Deployed> {
  // Before any change: a killed process no longer writes.
  job.remember(states.begun, JSON.stringify({ target: given.target ?? '' }));
  try {
    const done = await body();
    if (done.report.outcome !== 'interrupted') job.remember(states.ended, 'true');
    return done;
  } catch (error) {
    // A user error was thrown before the first change. A bug or a cancellation needs the post step.
    const known = userErrorsOf(error);
    if (known.length > 0 && !job.effects.signal.aborted) job.remember(states.ended, 'true');
    throw error;
  }
}

const isUnfinished = () => getState(states.begun) !== '' && getState(states.ended) === '';
const openRecord = () => Number(getState(states.deployment));

/** The post step of actions that change hosts. */
export const undoRest = {
  isNeeded: () => isUnfinished() || openRecord() > 0,
  run: async (given: Given, job: Job): Promise<boolean> => {
    try {
      if (!isUnfinished()) return true;
      job.effects.log.info('The main step did not finish: finishing or undoing its changes');
      const { settleTarget } = await import('../../operations/deploy/settle.ts');
      await tell(await settleTarget(serverContextOf(given, job.effects), given.target), job);
      return true;
    } finally {
      const id = openRecord();
      if (id > 0) await endRecord(given, job, id, 'The run was ended before it finished');
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

/** The release that is serving, then what was done. */
function settledText({ app, target, serving, done, busy }: Settled): string {
  if (busy !== undefined)
    return `Another run has taken over ${target} and cleaned up after this one; see its report for the release that is serving`;
  const releases = [...new Set(serving.map(({ release }) => release))];
  const hosts = new Set(serving.map(({ host }) => host)).size;
  const serves =
    releases.length === 0
      ? `${target} does not serve ${app}`
      : `${target} serves ${app} ${releases.join(' and ')} on ${counted(hosts, 'host')}`;
  return oneLine(`${serves}; ${done ?? 'the ended run left nothing to undo'}`, 600);
}
