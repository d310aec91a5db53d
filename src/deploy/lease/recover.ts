import type { Host } from '../../host/model.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { DeployRun, HostRun } from '../context.ts';
import { readHostState } from '../on-host/state.ts';
import type { TransactionResult } from '../transaction.ts';
import { leaseHolder } from './held-hosts.ts';
import { type Keeper, takeLease } from './keeper.ts';
import { isConfirmedOn, reconcile, type Site } from './reconcile.ts';

/** Tries to come back for this long; afterwards the guard and the next deploy have to do. */
const patienceMs = 20_000;
const pauseMs = 1_000;

export interface Recovery {
  /** Hosts that were reached again, on their new connections. */
  readonly hosts: readonly HostRun[];
  readonly lost: readonly string[];
  /** The way was lost in the confirmation, which had come through: the release was finished, not undone. */
  readonly confirmed: boolean;
  close(): Promise<void>;
}

/**
 * A run that lost a connection (or its lease) cannot undo over it. It comes back as a new run would: new connections,
 * the lease again, and the journals' unfinished deploy, which is its own, reconciled. The guard may have reverted
 * long before.
 *
 * @returns undefined when nothing was reached; what could not be reached is left to its guard and the next deploy.
 */
export async function recover(run: DeployRun, result: TransactionResult): Promise<Recovery | undefined> {
  const { log } = run.effects;
  log.info('The way to a host was lost: coming back to undo what was begun');
  await Promise.all(run.hosts.map((host) => host.keeper.release()));
  const returned = await Promise.all(run.hosts.map((host) => comeBack(run, host)));
  const hosts = returned.filter((hostRun) => hostRun !== undefined);
  const reached = new Set(hosts.map((hostRun) => hostRun.host.name));
  const lost = run.hosts.map((hostRun) => hostRun.host.name).filter((name) => !reached.has(name));
  const close = async () => {
    await Promise.all(hosts.map((host) => host.keeper.release()));
    await Promise.all(hosts.map((hostRun) => hostRun.host.close().catch(() => {})));
  };
  // In the confirmation an unreachable host may be the one that has confirmed: only with all of them can be told.
  const mayBeSplit = result.failedStep === 'confirm' && lost.length > 0;
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
      const site = await openAgain(run, hostRun);
      return { ...hostRun, ...site };
    } catch (error) {
      log.detail(`${hostRun.host.name}: ${messageOf(error)}`);
    }
    await clock.sleep(pauseMs);
  }
  log.warn(
    `${hostRun.host.name} cannot be reached; its guard reverts by itself, the next deploy does the rest`,
  );
  return undefined;
}

async function openAgain(run: DeployRun, hostRun: HostRun): Promise<Site> {
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
