import type { Host } from '../../host/model.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { DeployRun, HeldHost, HostRun } from '../context.ts';
import { readHostState } from '../on-host/state.ts';
import type { TransactionResult } from '../transaction.ts';
import { leaseHolder } from './held-hosts.ts';
import { type Keeper, takeLease } from './keeper.ts';
import { isConfirmedOn, reconcile } from './reconcile.ts';

/** How long a run tries to reconnect; after that, the guard and the next deploy take over. */
const patienceMs = 20_000;
const pauseMs = 1_000;

interface Recovery {
  /** Hosts that were reached again, on new connections. */
  readonly hosts: readonly HostRun[];
  readonly lost: readonly string[];
  /** The connection was lost in the confirmation, which had succeeded: the release was finished, not undone. */
  readonly confirmed: boolean;
  close(): Promise<void>;
}

/**
 * Undoes a deploy whose run lost a connection or its lease, as a new run would: over new connections, with a new lease,
 * by reconciling the unfinished deploy in the journals, its own. The guard may have reverted before.
 *
 * @returns undefined if no host was reached. Hosts that are not reached are left to their guard and the next deploy.
 */
export async function recover(run: DeployRun, result: TransactionResult): Promise<Recovery | undefined> {
  const { log } = run.effects;
  log.info('Lost the connection to a host. Reconnecting to undo this deploy');
  await Promise.all(run.hosts.map((host) => host.keeper.release()));
  const returned = await Promise.all(run.hosts.map((host) => comeBack(run, host)));
  const hosts = returned.filter((hostRun) => hostRun !== undefined);
  const reached = new Set(hosts.map((hostRun) => hostRun.host.name));
  const lost = run.hosts.map((hostRun) => hostRun.host.name).filter((name) => !reached.has(name));
  const close = async () => {
    await Promise.all(hosts.map((host) => host.keeper.release()));
    await Promise.all(hosts.map((hostRun) => hostRun.host.close().catch(() => {})));
  };
  // In the confirmation an unreachable host may have confirmed: the decision needs all hosts.
  const mayBeSplit = result.mayBeConfirmed === true && lost.length > 0;
  if (hosts.length === 0 || mayBeSplit) {
    await close();
    return undefined;
  }
  const confirmed = hosts.some(({ state }) => {
    const own = state.unfinished.find((record) => record.header.deploy === run.deploy);
    return own !== undefined && isConfirmedOn(state, own);
  });
  try {
    await run.recorder.step('reconcile', async () => {
      const done = await reconcile(hosts, {
        deploy: run.deploy,
        log,
        clock: run.effects.clock,
        drainMs: run.config.drainMs,
      });
      return done.join('; ');
    });
    const now = await Promise.all(
      hosts.map((hostRun) => readHostState(hostRun.host, run.config.app, hostRun.layout)),
    );
    const isFinished = confirmed && now.every((state) => state.current === run.plan.release);
    return { hosts, lost, confirmed: isFinished, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function comeBack(run: DeployRun, hostRun: HostRun): Promise<HostRun | undefined> {
  const { clock, log } = run.effects;
  const until = clock.elapsed() + patienceMs;
  while (clock.elapsed() < until) {
    try {
      return { ...hostRun, ...(await holdAgain(run, hostRun)) };
    } catch (error) {
      log.detail(`${hostRun.host.name}: ${messageOf(error)}`);
    }
    await clock.sleep(pauseMs);
  }
  log.warn(
    `Cannot reach ${hostRun.host.name}. Its guard reverts the traffic by itself; the next deploy cleans up`,
  );
  return undefined;
}

async function holdAgain(run: DeployRun, hostRun: HostRun): Promise<HeldHost> {
  const host: Host = await run.effects.connect(hostRun.host);
  let keeper: Keeper | undefined;
  try {
    keeper = await takeLease(host, hostRun.layout, leaseHolder(run.deploy, run.effects));
    return {
      host,
      keeper,
      layout: hostRun.layout,
      state: await readHostState(host, run.config.app, hostRun.layout),
    };
  } catch (error) {
    await keeper?.release();
    await host.close().catch(() => {});
    throw error;
  }
}
