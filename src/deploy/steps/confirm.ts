import { messageOf, UserError } from '../../kernel/errors.ts';
import { type DeployRun, type HostRun, settleAll } from '../context.ts';
import { persistColour } from '../on-host/write-files.ts';
import { switchedEdges } from '../traffic/edges.ts';
import type { GuardClient } from '../traffic/guard.ts';
import type { Step } from '../transaction.ts';

/**
 * Makes the new release the persistent one on all hosts at once. First a new connection to each host is made: a release
 * that cut the way in must not be confirmed. The order itself takes the connection that is there.
 */
export const confirm: Step = {
  name: 'confirm',
  async apply(run) {
    // All or nothing as far as it can be known beforehand: every guard must still be armed by this deploy.
    await settleAll(
      run.hosts.flatMap((host) => [
        proveReachable(run, host),
        host.keeper.check(),
        refuseReverted(run, host),
      ]),
    );
    run.signal.throwIfAborted();
    await settleAll(
      run.hosts.map(async (hostRun) => {
        await settleAll(guardsOf(hostRun).map((guard) => guard.confirm(run.deploy)));
        run.recorder.event('confirmed', hostRun.host.name);
        const edges = hostRun.plan.edges.map((edge) => edge.service);
        await persistColour(hostRun.host, hostRun.layout, edges, hostRun.plan.colour, hostRun.plan.release);
      }),
    );
    return `${run.plan.release} is the release now, on ${run.hosts.length === 1 ? 'its host' : `${run.hosts.length} hosts`}`;
  },
};

async function proveReachable(run: DeployRun, hostRun: HostRun): Promise<void> {
  try {
    const host = await run.effects.connect(hostRun.host);
    // Nobody waits for its end.
    host.close().catch(() => {});
  } catch (error) {
    throw new UserError({
      code: 'confirm.unreachable',
      message: `${hostRun.host.name}: a new connection could not be made after the switch: ${messageOf(error)}`,
      hint: 'The old release serves again. Does the new release change the network, the firewall or sshd?',
      cause: error,
    });
  }
}

function guardsOf(hostRun: HostRun): GuardClient[] {
  return switchedEdges(hostRun).flatMap((service) => hostRun.guards.get(service) ?? []);
}

async function refuseReverted(run: DeployRun, hostRun: HostRun): Promise<void> {
  const statuses = await Promise.all(guardsOf(hostRun).map((guard) => guard.status()));
  for (const status of statuses) {
    run.recorder.watch(hostRun.host.name, status.service, status);
    if (status.armed?.nonce === run.deploy) continue;
    throw new UserError({
      code: 'watch.reverted',
      message: `${hostRun.host.name}: the guard of ${status.service} reverted before the confirmation: ${status.last?.reason ?? 'its edge started anew'}`,
      hint: 'The old release serves.',
    });
  }
}
