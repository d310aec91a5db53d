import { messageOf, UserError } from '../../kernel/errors.ts';
import { counted } from '../../kernel/figures.ts';
import { type DeployRun, type HostRun, settleAll } from '../context.ts';
import { persistColour } from '../on-host/write-files.ts';
import { switchedEdges } from '../traffic/edges.ts';
import type { GuardClient } from '../traffic/guard.ts';
import type { Step } from '../transaction.ts';

/**
 * Makes the new release the persistent one on all hosts at once. First it opens a new connection to each host: a release
 * that blocks SSH must not be confirmed. The confirmation itself uses the existing connection.
 */
export const confirm: Step = {
  name: 'confirm',
  confirms: true,
  async apply(run) {
    // All hosts or none, as far as can be checked beforehand: this deploy must still have every guard armed.
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
    return `${run.plan.release} confirmed on ${counted(run.hosts.length, 'host')}`;
  },
};

async function proveReachable(run: DeployRun, hostRun: HostRun): Promise<void> {
  try {
    const host = await run.effects.connect(hostRun.host);
    host.close().catch(() => {});
  } catch (error) {
    throw new UserError({
      code: 'confirm.unreachable',
      message: `${hostRun.host.name}: cannot open a new connection after the switch: ${messageOf(error)}`,
      hint: 'The old release is serving again. Check whether the new release changes the network, the firewall or sshd.',
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
      message: `${hostRun.host.name}: the guard of ${status.service} reverted before the confirmation: ${status.last?.reason ?? 'its edge restarted'}`,
      hint: 'The old release is serving.',
    });
  }
}
