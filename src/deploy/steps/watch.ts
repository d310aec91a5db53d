import { UserError } from '../../kernel/errors.ts';
import { counted } from '../../kernel/figures.ts';
import type { DeployRun, HostRun } from '../context.ts';
import { lastLogs } from '../on-host/containers.ts';
import { listContainers } from '../on-host/state.ts';
import { containersOf } from '../plan/host-plan.ts';
import { troubleAt } from '../preflight/public-url.ts';
import { switchedEdges } from '../traffic/edges.ts';
import type { EdgeStatus } from '../traffic/guard.ts';
import type { Step } from '../transaction.ts';
import { times } from './waiting/times.ts';

/** Watches the new release under real traffic, with the guards' own numbers, for `watch.for`. */
export const watch: Step = {
  name: 'watch',
  skip: (run) => {
    if (!movesTraffic(run)) return 'no traffic to move';
    // The confirmation checks every guard in any case.
    return watchMs(run) === 0 ? 'watch time is 0 s' : undefined;
  },
  apply: (run, note) => watchEdges(run, run.hosts, watchMs(run), note),
};

/** Whether any edge of this deploy has an old color to switch from. */
export function movesTraffic(run: DeployRun): boolean {
  return run.hosts.some((host) => switchedEdges(host).length > 0);
}

/** `--watch`, else `watch.for`. */
export function watchMs(run: DeployRun): number {
  return run.options.watchMs ?? run.config.watch.forMs;
}

/**
 * Follows the guards for a while and prints their numbers. The guards decide; this only reports their decision.
 *
 * @throws UserError `watch.reverted` with the guard's reason, `watch.url` if the public URL fails.
 */
export async function watchEdges(
  run: DeployRun,
  hosts: readonly HostRun[],
  forMs: number,
  note: (text: string) => void,
): Promise<string> {
  const { clock } = run.effects;
  const until = clock.elapsed() + forMs;
  const url = run.config.watch.url;
  let urlDue = clock.elapsed();
  for (;;) {
    run.signal.throwIfAborted();
    const seen = await Promise.all(hosts.map((host) => watchHost(run, host)));
    const total = seen.reduce(
      (sum, traffic) => ({ requests: sum.requests + traffic.requests, errors: sum.errors + traffic.errors }),
      {
        requests: 0,
        errors: 0,
      },
    );
    const numbers = `${counted(total.requests, 'request')}, ${counted(total.errors, '5xx response')}`;
    note(numbers);
    if (url !== undefined && clock.elapsed() >= urlDue && forMs > 0) {
      await askUrl(url, run.signal);
      urlDue = clock.elapsed() + times.urlPollMs;
    }
    if (clock.elapsed() >= until) return numbers;
    await clock.sleep(Math.min(times.watchPollMs, Math.max(0, until - clock.elapsed())), run.signal);
  }
}

async function watchHost(run: DeployRun, hostRun: HostRun): Promise<{ requests: number; errors: number }> {
  const statuses = await Promise.all(
    switchedEdges(hostRun).map(async (service) => {
      const status = await hostRun.guards.get(service)?.status();
      if (status === undefined) return { requests: 0, errors: 0 };
      run.recorder.watch(hostRun.host.name, service, status);
      if (status.armed?.nonce !== run.deploy) {
        run.recorder.event('reverted', hostRun.host.name, service);
        throw await reverted(hostRun, service, status);
      }
      return { requests: status.watch?.requests ?? 0, errors: status.watch?.errors5xx ?? 0 };
    }),
  );
  return statuses.reduce(
    (sum, one) => ({ requests: sum.requests + one.requests, errors: sum.errors + one.errors }),
    {
      requests: 0,
      errors: 0,
    },
  );
}

async function reverted(hostRun: HostRun, service: string, status: EdgeStatus): Promise<UserError> {
  const { last } = status;
  const why =
    last?.outcome === 'reverted'
      ? `the guard reverted ${service}: ${last.reason}${last.detail ? ` (${last.detail})` : ''}`
      : `the edge of ${service} restarted with the last confirmed release`;
  return new UserError({
    code: 'watch.reverted',
    message: `${hostRun.host.name}: ${why}`,
    hint: 'The old release is serving. The last log lines of the new release are below.',
    output: await logsOf(hostRun, service),
  });
}

/** The new containers are about to be removed: only their last log lines remain. */
async function logsOf(hostRun: HostRun, service: string): Promise<string> {
  const containers = await listContainers(hostRun.host.engine, hostRun.plan.record.app).catch(() => []);
  const [found] = containersOf({ containers }, hostRun.plan.release).filter(
    (container) => container.service === service,
  );
  return found === undefined ? '' : await lastLogs(hostRun.host, found.id, 50);
}

async function askUrl(url: string, signal: AbortSignal): Promise<void> {
  const trouble = await troubleAt(url, signal);
  if (trouble === undefined) return;
  throw new UserError({
    code: 'watch.url',
    message: `${url} ${trouble} during the watch of the new release`,
    hint: 'The switch was reverted. The URL must be reachable from where Sluice runs.',
  });
}
