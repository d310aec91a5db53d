import type { Config, Target } from '../config/model.ts';
import type { Host } from '../host/model.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { Mask } from '../kernel/masking/mask.ts';
import type { JournalEntry } from './lease/journal.ts';
import type { Keeper } from './lease/keeper.ts';
import type { DeployPlan, HostPlan, Layout } from './model.ts';
import type { HostState } from './on-host/state.ts';
import type { MountedFile } from './project/files.ts';
import type { Recorder } from './report/recorder.ts';
import type { GuardClient } from './traffic/guard.ts';

/** Effects a deploy works with. */
export interface DeployEffects {
  readonly log: Log;
  readonly clock: Clock;
  readonly mask: Mask;
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Opens a further connection to a host: the confirmation travels over a new one. */
  readonly connect: (host: Host) => Promise<Host>;
}

/** A host whose lease this run holds, with the state found on it. */
export interface HeldHost {
  readonly host: Host;
  readonly layout: Layout;
  readonly state: HostState;
  readonly keeper: Keeper;
  /** Images that dead runs transferred. They stay until the release that is tried again is there: it may need them. */
  readonly left?: readonly string[];
}

/** One host within a deploy. */
export interface HostRun extends HeldHost {
  readonly plan: HostPlan;
  /** Guards of the services whose edge this deploy switches, by service. */
  readonly guards: ReadonlyMap<string, GuardClient>;
  /** Files that the release mounts. */
  readonly files: readonly MountedFile[];
}

/** A running deploy or rollback: everything its steps read. */
export interface DeployRun {
  readonly config: Config;
  readonly target: Target;
  readonly command: 'deploy' | 'rollback';
  /** Id of this run; also the guard's nonce. */
  readonly deploy: string;
  readonly plan: DeployPlan;
  readonly hosts: readonly HostRun[];
  readonly primary: HostRun;
  readonly options: DeployOptions;
  readonly effects: DeployEffects;
  readonly recorder: Recorder;
  /** Aborts on cancellation, a lost lease, a lost connection, and when the step has failed on another host. */
  readonly signal: AbortSignal;
  /** Ends a step on all hosts because it has failed on one. */
  readonly halt?: (reason: unknown) => void;
}

export interface DeployOptions {
  readonly backup: boolean;
  readonly migrate: boolean;
  /** Overrides `watch.for`, ms. */
  readonly watchMs: number | undefined;
  readonly skipPreflight: boolean;
  /** Wait until the old release has stopped. Otherwise only the host waits. */
  readonly wait?: boolean;
}

/** Runs `body` on all hosts at once. The first failure halts the others and is thrown when all have ended. */
export async function onHosts<T>(
  run: Pick<DeployRun, 'hosts' | 'halt'>,
  body: (hostRun: HostRun) => Promise<T>,
): Promise<T[]> {
  let first: { readonly reason: unknown } | undefined;
  const settled = await Promise.allSettled(
    run.hosts.map((host) =>
      body(host).catch((reason: unknown) => {
        first ??= { reason };
        run.halt?.(reason);
        throw reason;
      }),
    ),
  );
  if (first !== undefined) throw first.reason;
  return settled.filter((result) => result.status === 'fulfilled').map((result) => result.value);
}

/** Waits for all calls, then throws the first failure: an undo must not race with work that is still running. */
export async function settleAll<T>(calls: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(calls);
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return settled.filter((result) => result.status === 'fulfilled').map((result) => result.value);
}

/** Writes an entry into this deploy's journal on every host. */
export async function journal(run: Pick<DeployRun, 'hosts' | 'deploy'>, entry: JournalEntry): Promise<void> {
  await onHosts(run, (hostRun) => hostRun.keeper.write(run.deploy, entry));
}
