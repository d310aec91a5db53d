import { messageOf, UserError } from '../../kernel/errors.ts';
import { type DeployRun, type HostRun, onHosts, settleAll } from '../context.ts';
import { otherColour } from '../model.ts';
import { listContainers } from '../on-host/state.ts';
import { persistColour } from '../on-host/write-files.ts';
import { answering, noEdge, startStoppedEdges, switchedEdges } from '../traffic/edges.ts';
import type { EdgeStatus } from '../traffic/guard.ts';
import type { Step } from '../transaction.ts';
import { movesTraffic, watchEdges, watchMs } from './watch.ts';

/**
 * Arms the guards and moves the traffic, batch by batch of hosts. From here on each edge reverts by itself: if the new
 * color is unhealthy, or if no confirmation arrives before the deadline.
 */
export const switchStep: Step = {
  name: 'switch',
  movesTraffic: true,
  skip: (run) => (movesTraffic(run) ? undefined : 'no traffic to move'),
  async apply(run, note) {
    const batches = batchesOf(run);
    for (const [index, batch] of batches.entries()) {
      const rest = batches.length - index;
      await settleAll(batch.map((hostRun) => switchHost(run, hostRun, rest)));
      if (rest === 1) break;
      note(`batch ${index + 1} of ${batches.length} is serving the new release, watching it`);
      await watchEdges(run, batch, watchMs(run), note);
    }
    const { plan } = run.primary;
    return `${plan.previous?.colour ?? otherColour(plan.colour)} → ${plan.colour}`;
  },
  async undo(run) {
    const reasons = await onHosts(run, (hostRun) => revertHost(run, hostRun));
    return reasons.flat().find((reason) => reason !== undefined) ?? 'traffic is back on the old release';
  },
};

function batchesOf(run: DeployRun): HostRun[][] {
  const size = run.target.batch ?? run.hosts.length;
  const batches: HostRun[][] = [];
  for (let at = 0; at < run.hosts.length; at += size) batches.push(run.hosts.slice(at, at + size));
  return batches;
}

async function switchHost(run: DeployRun, hostRun: HostRun, batchesLeft: number): Promise<void> {
  const { watch } = run.config;
  const { colour } = hostRun.plan;
  await settleAll(
    switchedEdges(hostRun).map(async (service) => {
      const guard = hostRun.guards.get(service);
      if (guard === undefined) throw noEdge(hostRun.host, service);
      try {
        await guard.switch({
          from: otherColour(colour),
          to: colour,
          nonce: run.deploy,
          deadlineSeconds: Math.ceil((watchMs(run) * batchesLeft + watch.deadlineMs) / 1000),
          limits: {
            ...(watch.max5xx === undefined ? {} : { max5xx: watch.max5xx, min5xx: watch.min5xx }),
            ...(watch.maxP95Ms === undefined ? {} : { maxP95Ms: watch.maxP95Ms }),
          },
        });
        run.recorder.event('switched', hostRun.host.name, service);
      } catch (error) {
        throw new UserError({
          code: 'switch.refused',
          message: `${hostRun.host.name}: the edge of ${service} did not switch: ${messageOf(error)}`,
          hint: 'Run `sluice status` to see which release it serves.',
          cause: error,
        });
      }
    }),
  );
}

/**
 * Moves every edge of a host back to the old color, from any state.
 *
 * @returns the guard's reason, if the guard had already reverted.
 */
async function revertHost(run: DeployRun, hostRun: HostRun): Promise<string | undefined> {
  const old = otherColour(hostRun.plan.colour);
  const { host, layout } = hostRun;
  const { clock } = run.effects;
  const edges = switchedEdges(hostRun);
  const now = await listContainers(host.engine, run.config.app);
  await startStoppedEdges(
    host,
    layout,
    now.filter(({ service }) => edges.includes(service)),
    clock,
  );
  const reasons = await Promise.all(
    switchedEdges(hostRun).map(async (service) => {
      const guard = hostRun.guards.get(service);
      if (guard === undefined) return undefined;
      const status = await answering(host, layout, service, clock);
      if (status.armed?.nonce === run.deploy) {
        await guard.revert(run.deploy, 'undo');
        run.recorder.event('undone', hostRun.host.name, service);
      } else if (status.active !== old) {
        // Confirmed on this host, failed on another: an ordinary switch, confirmed at once.
        const nonce = `${run.deploy}-back`;
        await guard.switch({ from: hostRun.plan.colour, to: old, nonce, deadlineSeconds: 30, limits: {} });
        await guard.confirm(nonce);
      }
      return reasonOf(status.last, run.deploy);
    }),
  );
  await persistColour(
    hostRun.host,
    hostRun.layout,
    switchedEdges(hostRun),
    old,
    hostRun.plan.previous?.release,
  );
  return reasons.find((reason) => reason !== undefined);
}

function reasonOf(last: EdgeStatus['last'], deploy: string): string | undefined {
  if (last?.nonce !== deploy || last.outcome !== 'reverted') return undefined;
  return `the guard had already reverted: ${last.reason}${last.detail ? ` (${last.detail})` : ''}`;
}
