import { newDeployId, releaseHosts } from '../../deploy/deploy.ts';
import { holdHosts } from '../../deploy/lease/held-hosts.ts';
import { leaseSeconds } from '../../deploy/lease/keeper.ts';
import { createRecorder } from '../../deploy/report/recorder.ts';
import { runUrl, servingOn } from '../../deploy/report/report.ts';
import { type UserError, userErrorsOf } from '../../kernel/errors.ts';
import type { Serving } from '../../report/model.ts';
import type { OperationContext } from '../context.ts';
import { openTarget } from './open.ts';

export interface Settled {
  readonly app: string;
  readonly target: string;
  readonly serving: readonly Serving[];
  /** The work that was finished or undone; undefined: there was none. */
  readonly done: string | undefined;
  /** Another run has the lease; by taking it, that run has finished or undone the rest. */
  readonly busy: UserError | undefined;
}

const pauseMs = 2_000;

/**
 * Finishes or undoes what a dead run has left on the hosts of a target, and leaves the lease free. Waits for a lease that
 * a dead run of this job still holds: it expires.
 */
export async function settleTarget(
  context: OperationContext,
  targetName: string | undefined,
): Promise<Settled> {
  const { clock, log, signal, env } = context.effects;
  await using open = await openTarget(context, targetName);
  const { config, target, hosts, effects } = open;
  const until = clock.elapsed() + (leaseSeconds + 15) * 1000;
  const recorder = createRecorder(log, clock);
  for (;;) {
    try {
      const id = newDeployId(clock.now());
      const held = await holdHosts({ config, target, hosts, deploy: id }, effects, recorder);
      try {
        const done = recorder.steps.find((step) => step.name === 'reconcile')?.note;
        const serving = held.flatMap(({ host, state }) => servingOn(host.name, state));
        return { app: config.app, target: target.name, serving, done, busy: undefined };
      } finally {
        await releaseHosts(held);
      }
    } catch (error) {
      const busy = userErrorsOf(error).find(({ code }) => code === 'lease.held');
      if (busy === undefined) throw error;
      const url = runUrl(env);
      // A lease names its holder's run. If it is this one, it belongs to the main step, whose connection may still be open.
      const own = url !== undefined && busy.message.endsWith(url);
      if (!own || clock.elapsed() > until)
        return { app: config.app, target: target.name, serving: [], done: undefined, busy };
    }
    await clock.sleep(pauseMs, signal);
  }
}
