import { messageOf, UserError } from '../../kernel/errors.ts';
import { type DeployRun, type HostRun, settleAll } from '../context.ts';
import { guardClient } from '../edge/guard.ts';
import { sendTo } from '../edge/socket.ts';
import { switchedEdges } from '../edges.ts';
import { persistColour } from '../persist.ts';
import type { Step } from '../transaction.ts';

/**
 * Makes the new release the persistent one on all hosts at once. It travels over a new connection to each host: a
 * release that cut the way in must not be confirmed.
 */
export const confirm: Step = {
  name: 'confirm',
  async apply(run) {
    const opening = run.hosts.map((each) => openAnew(run, each));
    try {
      // All or nothing as far as it can be known beforehand: every guard must still be armed by this deploy.
      const [fresh] = await Promise.all([
        settleAll(opening),
        ...run.hosts.flatMap((each) => [each.keeper.check(), refuseReverted(run, each)]),
      ]);
      run.signal.throwIfAborted();
      await settleAll(
        fresh.map(async ({ each, host, guards }) => {
          await settleAll(guards.map((guard) => guard.confirm(run.deploy)));
          run.recorder.event('confirmed', each.host.name);
          const edges = each.plan.edges.map((edge) => edge.service);
          // Its shell waits already; should this connection be dead by now, the new one is not.
          const open = each.host.lost.aborted ? host : each.host;
          await persistColour(open, each.layout, edges, each.plan.colour, each.plan.release);
        }),
      );
    } finally {
      await Promise.allSettled(opening.map(async (each) => (await each).host.close()));
    }
    return `${run.plan.release} is the release now, on ${run.hosts.length === 1 ? 'its host' : `${run.hosts.length} hosts`}`;
  },
};

async function openAnew(run: DeployRun, each: HostRun) {
  try {
    const host = await run.effects.connect(each.host);
    const guards = switchedEdges(each).map((service) =>
      guardClient(sendTo(host, each.layout.edgeSocket(service))),
    );
    return { each, host, guards };
  } catch (error) {
    throw new UserError({
      code: 'confirm.unreachable',
      message: `${each.host.name}: a new connection could not be made after the switch: ${messageOf(error)}`,
      hint: 'The old release serves again. Does the new release change the network, the firewall or sshd?',
      cause: error,
    });
  }
}

async function refuseReverted(run: DeployRun, each: HostRun): Promise<void> {
  const guards = switchedEdges(each).flatMap((service) => each.guards.get(service) ?? []);
  const statuses = await Promise.all(guards.map((guard) => guard.status()));
  for (const status of statuses) {
    run.recorder.watch(each.host.name, status.service, status);
    if (status.armed?.nonce === run.deploy) continue;
    throw new UserError({
      code: 'watch.reverted',
      message: `${each.host.name}: the guard of ${status.service} reverted before the confirmation: ${status.last?.reason ?? 'its edge started anew'}`,
      hint: 'The old release serves.',
    });
  }
}
